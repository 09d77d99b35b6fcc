"""The commands of IMAP (RFC 3501, 6; RFC 9051, 6)."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from pytest_mailnet.reading import imap_folders, imap_messages, imap_session
from pytest_mailnet.reading.imap_command import Command, State

__all__ = ["COMMANDS"]

_ANY = frozenset(State)
_BEFORE = frozenset({State.NOT_AUTHENTICATED})
_LOGGED_IN = frozenset({State.AUTHENTICATED, State.SELECTED})
_SELECTED = frozenset({State.SELECTED})

COMMANDS: Mapping[str, Command] = MappingProxyType(
    {
        "CAPABILITY": Command(imap_session.capability, _ANY),
        "NOOP": Command(imap_session.noop, _ANY),
        "LOGOUT": Command(imap_session.logout, _ANY),
        "ID": Command(imap_session.identify, _ANY, "ID"),
        "STARTTLS": Command(imap_session.starttls, _BEFORE, "STARTTLS"),
        "LOGIN": Command(imap_session.login, _BEFORE),
        "AUTHENTICATE": Command(imap_session.authenticate, _BEFORE),
        "ENABLE": Command(imap_session.enable, _LOGGED_IN, "ENABLE"),
        "IDLE": Command(imap_session.idle, _LOGGED_IN, "IDLE"),
        "SELECT": Command(imap_folders.select, _LOGGED_IN),
        "EXAMINE": Command(imap_folders.examine, _LOGGED_IN),
        "LIST": Command(imap_folders.list_folders, _LOGGED_IN),
        "XLIST": Command(imap_folders.list_folders, _LOGGED_IN, "XLIST"),
        "LSUB": Command(imap_folders.list_subscribed, _LOGGED_IN),
        "STATUS": Command(imap_folders.status, _LOGGED_IN),
        "NAMESPACE": Command(imap_folders.namespace, _LOGGED_IN, "NAMESPACE"),
        "CREATE": Command(imap_folders.create, _LOGGED_IN),
        "DELETE": Command(imap_folders.delete, _LOGGED_IN),
        "RENAME": Command(imap_folders.rename, _LOGGED_IN),
        "SUBSCRIBE": Command(imap_folders.subscribe, _LOGGED_IN),
        "UNSUBSCRIBE": Command(imap_folders.unsubscribe, _LOGGED_IN),
        "APPEND": Command(imap_folders.append, _LOGGED_IN),
        "CHECK": Command(imap_session.noop, _SELECTED),
        "CLOSE": Command(imap_messages.close, _SELECTED),
        "UNSELECT": Command(imap_messages.unselect, _SELECTED, "UNSELECT"),
        "EXPUNGE": Command(imap_messages.expunge, _SELECTED),
        "UID EXPUNGE": Command(imap_messages.uid_expunge, _SELECTED, "UIDPLUS"),
        "SEARCH": Command(imap_messages.search, _SELECTED),
        "UID SEARCH": Command(imap_messages.uid_search, _SELECTED),
        "FETCH": Command(imap_messages.fetch, _SELECTED),
        "UID FETCH": Command(imap_messages.uid_fetch, _SELECTED),
        "STORE": Command(imap_messages.store, _SELECTED),
        "UID STORE": Command(imap_messages.uid_store, _SELECTED),
        "COPY": Command(imap_messages.copy, _SELECTED),
        "UID COPY": Command(imap_messages.uid_copy, _SELECTED),
        "MOVE": Command(imap_messages.move, _SELECTED, "MOVE"),
        "UID MOVE": Command(imap_messages.uid_move, _SELECTED, "MOVE"),
    }
)
"""Each command by its name, those by uids with "UID " before it."""
