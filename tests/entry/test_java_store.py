"""Java's file of authorities: the net's is put into it."""

from __future__ import annotations

import shutil
import struct
import subprocess

import pytest
import trustme

from pytest_mailnet.entry.namespace.java_store import stores, with_authority


@pytest.fixture
def listed(tmp_path):
    """The aliases in a store, as Java's own tool reads it, with a password by which it checks the seal."""
    tool = shutil.which("keytool")
    if tool is None:
        pytest.skip("keytool is not installed: it comes with Java")

    def listing(store):
        (tmp_path / "store").write_bytes(store)
        told = subprocess.run(
            [tool, "-list", "-keystore", tmp_path / "store", "-storepass", "changeit"],
            capture_output=True,
            text=True,
            check=False,
        )
        return [line.partition(",")[0] for line in told.stdout.splitlines() if "trustedCertEntry" in line]

    return listing


@pytest.fixture
def authority():
    return trustme.CA().cert_pem.bytes().decode()


def named(alias, store):
    """A store whose only authority has another name."""
    mine = b"pytest-mailnet"
    return store.replace(struct.pack(">H", len(mine)) + mine, struct.pack(">H", len(alias)) + alias)


def test_java_reads_the_authority_beside_those_of_the_machine(listed, authority):
    machines = named(b"machine", with_authority(b"", trustme.CA().cert_pem.bytes().decode()))

    assert listed(with_authority(machines, authority)) == ["machine", "pytest-mailnet"]


def test_a_store_in_another_format_becomes_one_with_the_authority_alone(listed, authority):
    assert listed(with_authority(b"0\x82" + b"PKCS #12" * 100, authority)) == ["pytest-mailnet"]


def test_without_java_nothing_is_read_as_a_store(monkeypatch, tmp_path):
    monkeypatch.setattr("pytest_mailnet.entry.namespace.java_store._STORES", ())
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("JAVA_HOME", raising=False)

    assert list(stores()) == []


def test_the_store_of_a_java_that_is_named_by_its_home_is_found(monkeypatch, tmp_path):
    monkeypatch.setattr("pytest_mailnet.entry.namespace.java_store._STORES", ())
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    store = tmp_path / "lib/security/cacerts"
    store.parent.mkdir(parents=True)
    store.touch()

    assert list(stores()) == [store.resolve()]
