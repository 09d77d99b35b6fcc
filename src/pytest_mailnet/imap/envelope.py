"""ENVELOPE, the header of a mail in pieces (RFC 3501, 7.4.2)."""

from __future__ import annotations

from pytest_mailnet.imap.address_list import EnvelopeAddress, addresses_in
from pytest_mailnet.imap.mailbox_names import string_or_nil
from pytest_mailnet.imap.structure import Entity

__all__ = ["envelope_of"]


def envelope_of(mail: Entity) -> bytes:
    """The envelope structure of a mail; nothing in it is decoded."""
    sender = _addresses(mail, b"from")
    return b"(%b)" % b" ".join(
        [
            string_or_nil(mail.value(b"date")),
            string_or_nil(mail.value(b"subject")),
            sender,
            _addresses(mail, b"sender", sender),
            _addresses(mail, b"reply-to", sender),
            _addresses(mail, b"to"),
            _addresses(mail, b"cc"),
            _addresses(mail, b"bcc"),
            string_or_nil(mail.value(b"in-reply-to")),
            string_or_nil(mail.value(b"message-id")),
        ]
    )


def _addresses(mail: Entity, name: bytes, otherwise: bytes = b"NIL") -> bytes:
    """The addresses of all fields of a name; Sender and Reply-To are as From if they are not there."""
    value = b", ".join(filter(None, mail.values(name)))
    found = addresses_in(value.decode("utf-8", "surrogateescape"))
    return b"(%b)" % b"".join(map(_address, found)) if found else otherwise


def _address(address: EnvelopeAddress) -> bytes:
    pieces = [None if it is None else it.encode("utf-8", "surrogateescape") for it in address]
    return b"(%b)" % b" ".join(map(string_or_nil, pieces))
