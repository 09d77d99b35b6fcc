"""The commands of IMAP (RFC 3501, 6; RFC 9051, 6)."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from pytest_mailnet.reading import imap_folders, imap_listing, imap_messages, imap_session
from pytest_mailnet.reading.imap_dialogue import ImapCommand, State

__all__ = ["COMMANDS"]

_ANY = frozenset(State)
_BEFORE = frozenset({State.NOT_AUTHENTICATED})
_LOGGED_IN = frozenset({State.AUTHENTICATED, State.SELECTED})
_SELECTED = frozenset({State.SELECTED})

COMMANDS: Mapping[str, ImapCommand] = MappingProxyType(
    {
        "CAPABILITY": ImapCommand(imap_session.capability, _ANY),
        "NOOP": ImapCommand(imap_session.noop, _ANY),
        "LOGOUT": ImapCommand(imap_session.logout, _ANY),
        "ID": ImapCommand(imap_session.identify, _ANY, "ID"),
        "STARTTLS": ImapCommand(imap_session.starttls, _BEFORE, "STARTTLS"),
        "LOGIN": ImapCommand(imap_session.login, _BEFORE),
        "AUTHENTICATE": ImapCommand(imap_session.authenticate, _BEFORE),
        "ENABLE": ImapCommand(imap_session.enable, _LOGGED_IN, "ENABLE"),
        "IDLE": ImapCommand(imap_session.idle, _LOGGED_IN, "IDLE"),
        "SELECT": ImapCommand(imap_folders.select, _LOGGED_IN),
        "EXAMINE": ImapCommand(imap_folders.examine, _LOGGED_IN),
        "LIST": ImapCommand(imap_listing.list_folders, _LOGGED_IN),
        "XLIST": ImapCommand(imap_listing.list_folders, _LOGGED_IN, "XLIST"),
        "LSUB": ImapCommand(imap_listing.list_subscribed, _LOGGED_IN),
        "STATUS": ImapCommand(imap_listing.status, _LOGGED_IN),
        "NAMESPACE": ImapCommand(imap_listing.namespace, _LOGGED_IN, "NAMESPACE"),
        "CREATE": ImapCommand(imap_folders.create, _LOGGED_IN),
        "DELETE": ImapCommand(imap_folders.delete, _LOGGED_IN),
        "RENAME": ImapCommand(imap_folders.rename, _LOGGED_IN),
        "SUBSCRIBE": ImapCommand(imap_folders.subscribe, _LOGGED_IN),
        "UNSUBSCRIBE": ImapCommand(imap_folders.unsubscribe, _LOGGED_IN),
        "APPEND": ImapCommand(imap_folders.append, _LOGGED_IN),
        "CHECK": ImapCommand(imap_session.noop, _SELECTED),
        "CLOSE": ImapCommand(imap_messages.close, _SELECTED),
        "UNSELECT": ImapCommand(imap_messages.unselect, _SELECTED, "UNSELECT"),
        "EXPUNGE": ImapCommand(imap_messages.expunge, _SELECTED),
        "UID EXPUNGE": ImapCommand(imap_messages.uid_expunge, _SELECTED, "UIDPLUS"),
        "SEARCH": ImapCommand(imap_messages.search, _SELECTED),
        "UID SEARCH": ImapCommand(imap_messages.uid_search, _SELECTED),
        "FETCH": ImapCommand(imap_messages.fetch, _SELECTED),
        "UID FETCH": ImapCommand(imap_messages.uid_fetch, _SELECTED),
        "STORE": ImapCommand(imap_messages.store, _SELECTED),
        "UID STORE": ImapCommand(imap_messages.uid_store, _SELECTED),
        "COPY": ImapCommand(imap_messages.copy, _SELECTED),
        "UID COPY": ImapCommand(imap_messages.uid_copy, _SELECTED),
        "MOVE": ImapCommand(imap_messages.move, _SELECTED, "MOVE"),
        "UID MOVE": ImapCommand(imap_messages.uid_move, _SELECTED, "MOVE"),
    }
)
"""Each command by its name, those by uids with "UID " before it."""
