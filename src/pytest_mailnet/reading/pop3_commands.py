"""The commands of POP3 (RFC 1939, 5 and 7; RFC 2449, RFC 2595, RFC 5034, RFC 6856)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from pytest_mailnet.reading.maildrop import multiline, top_of
from pytest_mailnet.reading.pop3_session import Pop3Done, Pop3Session, Pop3State
from pytest_mailnet.reading.sasl_login import SaslLogin
from pytest_mailnet.smtp.sasl import CLIENT_FIRST, MECHANISMS, Credentials
from pytest_mailnet.values import Stage

__all__ = ["COMMANDS", "BadArgument", "Pop3Command"]


class BadArgument(Exception):
    """An argument that a command does not take, or one that is missing."""


@dataclass(frozen=True, slots=True)
class Pop3Command:
    """A command.

    Attributes:
        run: answers it, given what follows its name and the space.
        states: where in the session it may be given.
        capability: the capability by which a server says that it has it; "" for what all have.
        stage: where it stands in the record.
    """

    run: Callable[[Pop3Session, bytes], Pop3Done]
    states: frozenset[Pop3State]
    capability: str = ""
    stage: Stage = Stage.OTHER


def _capa(session: Pop3Session, argument: bytes) -> Pop3Done:
    """CAPA (RFC 2449, 5)."""
    _none(argument)
    able = session.host.capabilities(session.step)
    return session.told("capa_ok", _listed(able)) if able else session.told("command_unknown")


def _stls(session: Pop3Session, argument: bytes) -> Pop3Done:
    """STLS (RFC 2595, 4)."""
    _none(argument)
    session.starting_tls = True
    return session.told("stls_ok")


def _user(session: Pop3Session, argument: bytes) -> Pop3Done:
    """USER (RFC 1939, 7); whether there is such a user is not told."""
    session.user = argument.strip().decode("utf-8", "backslashreplace")
    if not session.user:
        raise BadArgument
    return session.told("user_ok", user=session.user)


def _pass(session: Pop3Session, argument: bytes) -> Pop3Done:
    """PASS (RFC 1939, 7); all that follows the one space is the password, other spaces too."""
    if not session.user:
        return session.told("user_first")
    if not argument:
        raise BadArgument
    user, session.user = session.user, None
    password = argument.decode("utf-8", "backslashreplace")
    return session.logged_in(session.log_in(Credentials("LOGIN", user, password)))


def _auth(session: Pop3Session, argument: bytes) -> Pop3Done:
    """AUTH (RFC 5034, 4), with an initial response; without a mechanism it lists them, as is the custom."""
    mechanisms = session.host.mechanisms(session.step)
    name, _, initial = argument.strip().partition(b" ")
    mechanism = name.decode("ascii", "backslashreplace").upper()
    if not mechanism:
        return session.told("auth_list_ok", _listed(mechanisms))
    if mechanism not in MECHANISMS or mechanism not in mechanisms:
        return session.told("mechanism_unknown")
    if initial and mechanism not in CLIENT_FIRST:
        raise BadArgument
    session.authentication = SaslLogin(session, mechanism)
    return session.went_on(session.authentication.begin(initial.strip()))


def _utf8(session: Pop3Session, argument: bytes) -> Pop3Done:
    """UTF8 (RFC 6856, 2.1)."""
    _none(argument)
    session.utf8 = True
    return session.told("utf8_ok")


def _noop(session: Pop3Session, argument: bytes) -> Pop3Done:
    """NOOP (RFC 1939, 5)."""
    _none(argument)
    return session.told("noop_ok")


def _quit(session: Pop3Session, argument: bytes) -> Pop3Done:
    """QUIT (RFC 1939, 4 and 6); after a log-in, what is marked as deleted is removed."""
    _none(argument)
    if session.state is Pop3State.TRANSACTION:
        session.drop.update()
    return session.told("quit_ok")


def _stat(session: Pop3Session, argument: bytes) -> Pop3Done:
    """STAT (RFC 1939, 5)."""
    _none(argument)
    return session.told("stat_ok")


def _list(session: Pop3Session, argument: bytes) -> Pop3Done:
    """LIST (RFC 1939, 5)."""
    drop = session.drop
    if argument.strip():
        number = _mail(session, argument)
        return session.told("list_one_ok", size=drop.size(number))
    return session.told("list_ok", _listed(f"{it} {drop.size(it)}" for it in drop))


def _uidl(session: Pop3Session, argument: bytes) -> Pop3Done:
    """UIDL (RFC 1939, 7)."""
    drop = session.drop
    if argument.strip():
        number = _mail(session, argument)
        return session.told("uidl_one_ok", uid=drop.uid(number))
    return session.told("uidl_ok", _listed(f"{it} {drop.uid(it)}" for it in drop))


def _retr(session: Pop3Session, argument: bytes) -> Pop3Done:
    """RETR (RFC 1939, 5)."""
    number, drop = _mail(session, argument), session.drop
    return session.told("retr_ok", multiline(drop.lines(number)), size=drop.size(number))


def _top(session: Pop3Session, argument: bytes) -> Pop3Done:
    """TOP (RFC 1939, 7)."""
    which, _, many = argument.strip().partition(b" ")
    wanted = _number(many)
    number, drop = _mail(session, which), session.drop
    return session.told("top_ok", multiline(top_of(drop.lines(number), wanted)), size=drop.size(number))


def _dele(session: Pop3Session, argument: bytes) -> Pop3Done:
    """DELE (RFC 1939, 5)."""
    session.drop.delete(_mail(session, argument))
    return session.told("dele_ok")


def _rset(session: Pop3Session, argument: bytes) -> Pop3Done:
    """RSET (RFC 1939, 5)."""
    _none(argument)
    session.drop.restore()
    return session.told("rset_ok")


def _none(argument: bytes) -> None:
    if argument.strip():
        raise BadArgument


def _number(argument: bytes) -> int:
    digits = argument.strip()
    if not digits.isdigit():
        raise BadArgument
    return int(digits)  # of less than the 255 octets of a command


def _mail(session: Pop3Session, argument: bytes) -> int:
    """The number of a mail that is there."""
    number = _number(argument)
    session.tell(number=str(number))
    return session.drop.check(number)


def _listed(lines: Iterable[str]) -> bytes:
    return multiline("".join(f"{it}\r\n" for it in lines).encode())


_ANY = frozenset(Pop3State)
_BEFORE = frozenset({Pop3State.AUTHORIZATION})
_LOGGED_IN = frozenset({Pop3State.TRANSACTION})

COMMANDS: Mapping[str, Pop3Command] = MappingProxyType(
    {
        "CAPA": Pop3Command(_capa, _ANY),
        "STLS": Pop3Command(_stls, _BEFORE, "STLS", Stage.STARTTLS),
        "USER": Pop3Command(_user, _BEFORE, "USER"),
        "PASS": Pop3Command(_pass, _BEFORE, "USER", Stage.AUTH),
        "AUTH": Pop3Command(_auth, _BEFORE, "SASL", Stage.AUTH),
        "UTF8": Pop3Command(_utf8, _BEFORE, "UTF8"),
        "STAT": Pop3Command(_stat, _LOGGED_IN),
        "LIST": Pop3Command(_list, _LOGGED_IN),
        "UIDL": Pop3Command(_uidl, _LOGGED_IN, "UIDL"),
        "RETR": Pop3Command(_retr, _LOGGED_IN, stage=Stage.FETCH),
        "TOP": Pop3Command(_top, _LOGGED_IN, "TOP", Stage.FETCH),
        "DELE": Pop3Command(_dele, _LOGGED_IN),
        "RSET": Pop3Command(_rset, _LOGGED_IN),
        "NOOP": Pop3Command(_noop, _LOGGED_IN, stage=Stage.NOOP),
        "QUIT": Pop3Command(_quit, _ANY, stage=Stage.QUIT),
    }
)
"""Each command by its name."""
