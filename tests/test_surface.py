"""What is imported from `pytest_mailnet`: every name that a test needs, and no other."""

from __future__ import annotations

import inspect

import pytest

import pytest_mailnet
from pytest_mailnet import UnknownExport
from pytest_mailnet import errors as family


@pytest.mark.parametrize("name", pytest_mailnet.__all__)
def test_a_name_of_the_surface_is_there_and_documented(name):
    found = getattr(pytest_mailnet, name)

    assert inspect.getdoc(found) or name == "FAULTS"  # a mapping has no docstring of its own


def test_dir_lists_the_names_and_no_module():
    assert [name for name in dir(pytest_mailnet) if not name.startswith("__")] == sorted(
        pytest_mailnet.__all__
    )


def test_every_exception_can_be_imported():
    assert set(family.__all__) >= {name for name in pytest_mailnet.__all__ if hasattr(family, name)}
    assert {name for name in family.__all__ if inspect.isclass(getattr(family, name))} <= set(
        pytest_mailnet.__all__
    )


def test_a_misspelt_import_is_told_with_what_was_meant():
    with pytest.raises(ImportError) as failed:
        from pytest_mailnet import Mesage  # noqa: F401

    assert isinstance(failed.value, UnknownExport)
    assert str(failed.value) == "pytest_mailnet has no 'Mesage' (did you mean 'Message'?)"


def test_other_attributes_are_missing_as_on_any_module():
    assert not hasattr(pytest_mailnet, "nothing")


@pytest.mark.parametrize(
    ("attribute", "machinery"),
    [
        ("mailnet", "check settle verify journal"),
        (
            "mailnet.gmail",
            "account_of clock decision deliver dns explanation failed is_local lay mailbox_of memory phrase "
            "random script scripts sender_at trusts",
        ),
        (
            "mailnet.host('gmail-smtp-in.l.google.com')",
            "agent can_meet challenges_tokens check clock decide deliver extension_lines failed faults hostname "
            "phrase tls_context unreachable user_of value_of",
        ),
        ("mailnet.gmail.mailbox('alice')", "busy has_room_for"),
        (
            "mailnet.gmail.mailbox('alice').account",
            "downloaded lacks_app_password most_of note_download objection owns",
        ),
    ],
)
def test_machinery_is_out_of_sight(mailnet, attribute, machinery):
    mailnet.gmail.add_mailbox("alice")

    held = eval(attribute, {"mailnet": mailnet})

    assert not set(machinery.split()).intersection(dir(held))
