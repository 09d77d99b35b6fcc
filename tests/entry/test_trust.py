"""Whose TLS contexts trust the net: who trusts the machine's authorities, while it is active, and nobody else."""

from __future__ import annotations

import asyncio
import contextlib
import smtplib
import socket
import ssl
import subprocess
import sys
import threading
from pathlib import Path

import pytest
import trustme

from pytest_mailnet.certificates import Certificate
from pytest_mailnet.entry import INTERCEPTION

HOST = "mx.shop.example"
NOT_TRUSTED = "unable to get local issuer certificate"


def empty():
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def told_of(**locations):
    context = empty()
    context.load_verify_locations(**locations)
    return context


def default():
    return ssl.create_default_context()


def default_verify_paths():
    context = empty()
    context.set_default_verify_paths()
    return context


def bundle_of_the_machine():
    return ssl.get_default_verify_paths().cafile or pytest.importorskip("certifi").where()


def cafile():
    return told_of(cafile=bundle_of_the_machine())


def capath():
    folder = ssl.get_default_verify_paths().capath
    if folder is None or not any(Path(folder).glob("*.0")):
        pytest.skip("this machine has no folder of authorities that OpenSSL could look into")
    return told_of(capath=folder)


def cadata():
    return told_of(cadata=Path(bundle_of_the_machine()).read_text("ascii", "replace"))


def file_of_certifi():
    return ssl.create_default_context(cafile=pytest.importorskip("certifi").where())


def contents_of_certifi():
    return ssl.create_default_context(cadata=pytest.importorskip("certifi").contents())


def truststore_s():
    return pytest.importorskip("truststore").SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def urllib3_s():
    context = pytest.importorskip("urllib3.util.ssl_").create_urllib3_context()
    context.load_default_certs()
    context.verify_mode = ssl.CERT_REQUIRED
    return context


each_way = pytest.mark.parametrize(
    "way",
    [
        default,
        default_verify_paths,
        cafile,
        capath,
        cadata,
        file_of_certifi,
        contents_of_certifi,
        truststore_s,
        urllib3_s,
    ],
    ids=lambda it: it.__name__,
)


def implicit_tls_by_smtplib(context):
    with smtplib.SMTP_SSL(HOST, 465, context=context) as client:
        return client.noop()[0]


def starttls_by_smtplib(context):
    with smtplib.SMTP(HOST, 587) as client:
        client.starttls(context=context)
        return client.noop()[0]


def implicit_tls_by_asyncio(context):
    async def greeted():
        reader, writer = await asyncio.open_connection(HOST, 465, ssl=context)
        return await _code_of_noop(reader, writer)

    return asyncio.run(greeted())


def starttls_by_asyncio(context):
    async def greeted():
        reader, writer = await asyncio.open_connection(HOST, 587)
        for command in (b"", b"EHLO app.example\r\n", b"STARTTLS\r\n"):
            writer.write(command)
            while (await reader.readline())[3:4] == b"-":
                pass
        try:
            await writer.start_tls(context, server_hostname=HOST)
        except BaseException:
            writer.transport.abort()
            raise
        return await _code_of_noop(reader, writer, heard=b"")

    return asyncio.run(greeted())


async def _code_of_noop(reader, writer, heard=None):
    if heard is None:
        await reader.readline()
    writer.write(b"NOOP\r\n")
    reply = await reader.readline()
    writer.close()
    await writer.wait_closed()
    return int(reply[:3])


each_client = pytest.mark.parametrize(
    "connect",
    [implicit_tls_by_smtplib, starttls_by_smtplib, implicit_tls_by_asyncio, starttls_by_asyncio],
    ids=lambda it: it.__name__,
)


@pytest.fixture
def net(make_mailnet):
    """A net with a host that is not active yet."""
    made = make_mailnet()
    made.add_server(HOST, domain="shop.example")
    return made


@each_client
@each_way
def test_a_context_that_trusts_public_authorities_trusts_the_net(net, way, connect):
    made_before = way()

    with net:
        assert connect(made_before) == 250
        assert connect(way()) == 250


@contextlib.contextmanager
def serving(context):
    """A server on loopback, out of all nets; yields its address, and what its clients' certificates were."""
    seen = []

    def serve():
        for _ in range(2):
            plain, _ = listener.accept()
            with (
                plain,
                contextlib.suppress(OSError),
                context.wrap_socket(plain, server_side=True) as encrypted,
            ):
                seen.append(encrypted.getpeercert(binary_form=True))
                while encrypted.recv(100):
                    pass

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield listener.getsockname(), seen
        finally:
            for _ in range(2):  # of which it may have had some
                with contextlib.suppress(OSError):
                    socket.create_connection(listener.getsockname(), timeout=10).close()
            thread.join()


def shake_hands(context, where, name=HOST):
    with (
        socket.create_connection(where, timeout=10) as plain,
        context.wrap_socket(plain, server_hostname=name) as encrypted,
    ):
        return encrypted.getpeercert()["subjectAltName"]


reads_files = pytest.mark.skipif(
    INTERCEPTION.moved is not None,
    reason="contexts there have read the net's authority from files, and keep it",
)


@reads_files
@each_way
def test_when_the_net_is_left_no_context_trusts_it(net, way):
    contexts = [way()]
    with net:
        contexts.append(way())
        for context in contexts:
            implicit_tls_by_smtplib(context)
        own, authority = net.ca.context(HOST, Certificate.VALID), net.ca.pem

    for context in contexts:
        with serving(own) as (where, _):
            assert shake_hands(told_of(cadata=authority), where) == (("DNS", HOST),)
            with pytest.raises(ssl.SSLCertVerificationError, match=NOT_TRUSTED):
                shake_hands(context, where)
        loaded = getattr(context, "_ctx", context).get_ca_certs()
        assert "mailnet" not in str(loaded)


@pytest.fixture
def another_authority():
    return trustme.CA()


@each_client
def test_a_context_that_trusts_nobody_or_an_authority_of_its_own_does_not_trust_the_net(
    net, another_authority, connect
):
    own = told_of(cadata=another_authority.cert_pem.bytes().decode())

    with net:
        for context in (own, empty()):
            with pytest.raises(ssl.SSLCertVerificationError, match=NOT_TRUSTED):
                connect(context)


@pytest.fixture
def a_machine_without_authorities(monkeypatch, tmp_path):
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "none.pem"))
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path / "none"))


@reads_files
@pytest.mark.usefixtures("a_machine_without_authorities")
def test_on_a_machine_without_authorities_default_contexts_made_in_the_net_trust_it(net):
    made_before = default()

    with net:
        assert default().get_ca_certs() == []
        assert implicit_tls_by_smtplib(default()) == 250
        # Nothing tells it from a context that trusts nobody.
        with pytest.raises(ssl.SSLCertVerificationError, match=NOT_TRUSTED):
            implicit_tls_by_smtplib(made_before)


@reads_files
def test_a_machine_s_only_authority_is_found_in_contexts_made_before_the_net(
    net, monkeypatch, tmp_path, another_authority
):
    another_authority.cert_pem.write_to_path(tmp_path / "only.pem")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "only.pem"))
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path / "none"))
    made_before = default()

    with net:
        assert implicit_tls_by_smtplib(made_before) == 250


@reads_files
def test_the_setting_holds_for_all_contexts(make_mailnet):
    made_before = default()

    with make_mailnet(trust_ca=False) as net:
        net.add_server(HOST)
        for context in (made_before, default(), cafile()):
            with pytest.raises(ssl.SSLCertVerificationError, match=NOT_TRUSTED):
                implicit_tls_by_smtplib(context)


def test_a_connection_has_its_context_and_resumes_its_session(mailnet, shop):
    context = default()

    def banner(session=None):
        plain = socket.create_connection((HOST, 465), timeout=10)
        with context.wrap_socket(plain, server_hostname=HOST, session=session) as encrypted:
            said = encrypted.recv(1000)
            return said[:3], encrypted.context, encrypted.session, encrypted.session_reused

    code, shown, session, reused = banner()
    assert (code, shown, reused) == (b"220", context, False)

    code, shown, _, reused = banner(session)
    assert (code, shown, reused) == (b"220", context, True)


def test_an_object_without_a_socket_has_its_context(shop):
    context = default()

    async def shown():
        _, writer = await asyncio.open_connection(HOST, 465, ssl=context)
        try:
            return writer.get_extra_info("ssl_object").context
        finally:
            writer.close()

    assert asyncio.run(shown()) is context


def test_what_a_context_says_of_ciphers_and_keys_holds(shop, tmp_path):
    context = default()
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers("ECDHE-ECDSA-AES128-GCM-SHA256")
    context.keylog_filename = tmp_path / "keys"

    with smtplib.SMTP_SSL(HOST, 465, context=context) as client:
        assert client.sock.cipher()[:2] == ("ECDHE-ECDSA-AES128-GCM-SHA256", "TLSv1.2")

    assert "CLIENT_RANDOM" in (tmp_path / "keys").read_text("ascii")


def test_names_are_still_compared(mailnet, shop):
    mailnet.dns.add("mail.shop.example", "CNAME", f"{HOST}.")

    with pytest.raises(ssl.SSLCertVerificationError, match="Hostname mismatch"):
        smtplib.SMTP_SSL("mail.shop.example", 465, context=default())


def test_who_names_nobody_trusts_the_net(shop):
    context = default()
    context.check_hostname = False

    async def code():
        reader, writer = await asyncio.open_connection(HOST, 465, ssl=context, server_hostname="")
        return await _code_of_noop(reader, writer)

    assert asyncio.run(code()) == 250


def test_who_names_an_address_trusts_the_net(mailnet, shop):
    context = default()
    context.check_hostname = False
    [address] = mailnet.host(HOST).addresses

    async def code():
        reader, writer = await asyncio.open_connection(address, 465, ssl=context)
        return await _code_of_noop(reader, writer)

    assert asyncio.run(code()) == 250


def test_uvloop_trusts_the_net_by_a_context_that_was_made_before(net):
    uvloop = pytest.importorskip("uvloop")
    context = default()

    async def code():
        return await _code_of_noop(*await asyncio.open_connection(HOST, 465, ssl=context))

    with net:
        assert uvloop.run(code()) == 250


def test_trio_trusts_the_net_by_a_context_that_was_made_before(net):
    trio = pytest.importorskip("trio")
    context = default()

    async def banner():
        async with await trio.open_ssl_over_tcp_stream(HOST, 465, ssl_context=context) as stream:
            return await stream.receive_some(1000)

    with net:
        assert trio.run(banner).startswith(b"220 ")


def test_a_socket_that_is_wrapped_before_it_connects_trusts_the_net(shop):
    with default().wrap_socket(socket.socket(), server_hostname=HOST) as client:
        client.connect((HOST, 465))

        assert client.recv(1000).startswith(b"220 ")


def test_a_real_port_of_the_net_is_trusted(mailnet, shop):
    where = mailnet.listen(HOST, 465)

    assert shake_hands(default(), tuple(where)) == (("DNS", HOST),)


def test_a_context_keeps_what_it_trusts_besides(mailnet, shop):
    mailnet.host(HOST).tls.self_signed()
    context = default()
    context.check_hostname = False  # no self-signed certificate of a host's says a name that counts
    with pytest.raises(ssl.SSLCertVerificationError, match="signed certificate"):
        implicit_tls_by_smtplib(context)

    context.load_verify_locations(cadata=ssl.get_server_certificate((HOST, 465)))

    assert implicit_tls_by_smtplib(context) == 250


def test_calls_elsewhere_are_made_with_all_that_the_context_has(mailnet, shop, another_authority):
    elsewhere = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    another_authority.issue_cert("localhost").configure_cert(elsewhere)
    another_authority.configure_trust(elsewhere)
    elsewhere.verify_mode = ssl.CERT_REQUIRED
    context = default()
    another_authority.configure_trust(context)
    another_authority.issue_cert("bob@app.example").configure_cert(context)

    async def by_asyncio(where):
        _, writer = await asyncio.open_connection(*where, ssl=context, server_hostname="localhost")
        writer.close()
        await writer.wait_closed()

    with serving(elsewhere) as (where, seen):
        shake_hands(context, where, "localhost")
        asyncio.run(by_asyncio(where))

    assert len(seen) == 2
    assert all(seen)


def test_a_child_process_finds_out_what_its_contexts_trust(mailnet, shop):
    mailnet.include_children()
    code = (
        "import asyncio, smtplib, ssl\n"
        "context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)\n"
        f"context.load_verify_locations({bundle_of_the_machine()!r})\n"
        f"with smtplib.SMTP_SSL('{HOST}', 465, context=context) as client: print(client.noop()[0])\n"
        "async def greeted():\n"
        f"    reader, writer = await asyncio.open_connection('{HOST}', 465, ssl=context)\n"
        "    print((await reader.readline())[:3])\n"
        "    writer.close()\n"
        "asyncio.run(greeted())"
    )

    said = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False
    )

    assert (said.stdout, said.stderr) == ("250\nb'220'\n", "")


def test_truststore_in_the_place_of_all_contexts_trusts_the_net(net):
    truststore = pytest.importorskip("truststore")
    truststore.inject_into_ssl()
    try:
        with net:
            assert implicit_tls_by_smtplib(ssl.create_default_context()) == 250
    finally:
        truststore.extract_from_ssl()
