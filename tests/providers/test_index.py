"""The index of the package's own files: the same as they say themselves."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_mailnet.providers import Catalogue
from pytest_mailnet.providers.index import FILE, index
from pytest_mailnet.providers.provider_files import shipped_files

_WRITER = Path(__file__).with_name("write_index.py")


def test_the_index_has_the_names_that_the_files_have(script):
    writer = script(_WRITER)
    text = writer.index_text()

    if (writer.DATA / FILE).read_text("utf-8") != text:
        pytest.fail(f"{FILE} is to be (python tests/providers/write_index.py writes it):\n\n{text}")


def test_a_name_has_the_same_owner_by_the_index_and_by_the_files():
    shipped = tuple(shipped_files())
    by_index, by_files = Catalogue(shipped, shipped), Catalogue(shipped)
    names = [name for it in index().values() for name in (*it.names, *it.read_at)]

    found = {name: by_index.owner(name) for name in names}

    assert len(found) > 200
    assert found == {name: by_files.owner(name) for name in names}


def test_a_file_of_ones_own_goes_before_the_index(tmp_path):
    shipped = tuple(shipped_files())
    [theirs] = [it for it in shipped if it.name == "gmx.toml"]
    own = tmp_path / "gmx.toml"
    own.write_text(theirs.read_text("utf-8").replace("gmx.net", "gmx.example"), "utf-8")

    catalogue = Catalogue([*shipped, own], shipped)

    assert catalogue.owner("gmx.example") == "gmx"
    assert catalogue.owner("mx00.gmx.example") == "gmx"
    assert catalogue.owner("gmx.net") is None


def test_names_that_are_in_the_index_leave_the_files_unread(tmp_path):
    for file in shipped_files():
        (tmp_path / file.name).write_text("no TOML")
    unreadable = tuple(tmp_path.iterdir())

    catalogue = Catalogue(unreadable, unreadable)

    assert catalogue.owner("gmail-smtp-in.l.google.com") == "gmail"
    assert catalogue.aliases["outlook"] == "hotmail"
    assert catalogue.mail_is_read_at("imap.gmail.com")
