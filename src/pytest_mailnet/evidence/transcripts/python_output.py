"""Reads the output of Python's mail libraries: smtplib's debug output, sessions at a prompt, exceptions."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable

from pytest_mailnet.evidence.failure import Failure
from pytest_mailnet.evidence.transcripts.client_lines import is_command
from pytest_mailnet.evidence.transcripts.overheard import Conversation
from pytest_mailnet.evidence.transcripts.python_code import Call, call_in, literal_at, with_next_line
from pytest_mailnet.evidence.transcripts.server_lines import lines_with_code
from pytest_mailnet.evidence.transcripts.shown_lines import line_format, terminal_line, unprefixed
from pytest_mailnet.evidence.transcripts.tracebacks import Tracebacks, is_of_mail

__all__ = ["PYTHON"]

_DEBUG = re.compile(
    r"(?:(?P<side>send|reply): (?=[bu]?['\"])|reply: retcode \((?P<code>-?\d{1,9})\); Msg: "
    r"|(?P<connect>connect): (?:to )?(?=\()|(?:connect|data): )"
)
_PROMPT = re.compile(r"(?:>>>|In \[\d{1,6}\]:|\.\.\. *(?=\S)) ?")
_RETURNED = re.compile(r"(?:Out\[\d{1,6}\]: ?)?(?=\(\d{3}, ?[bu]?['\"])")
_LEFT_OUT = re.compile(r"\s*(?:\.\.\.|\[\.\.\.\]|\u2026)\s*$")
_JSON = re.compile(r"\s*(?:\{\s*[\"}](?!log\":\")|\[\s*[\[{\"\]])")
_ENDS_CONTENT = ("\n.\r\n", "\n.\n")
_MOST_FAILURES = 1000
_MOST_LINES = 40
_LONGEST = 1 << 13  # characters of a value in several lines: each further line reads it all again


class _Console:
    """Separates debug output, lines at a prompt and tracebacks, and merges their failures."""

    def __init__(self) -> None:
        self._tracebacks = Tracebacks()
        self._begin()

    def _begin(self) -> None:
        self.read_as: str = "smtplib's debug output"
        self._conversation = Conversation()
        self._overheard: list[Failure] = []  # in the session's lines
        self._excepted: list[Failure] = []  # in the exceptions around it
        self._call: Call | None = None  # typed at the prompt, without a result yet
        self._returned: tuple[str, int] | None = None  # an incomplete value, and its number of lines
        self._before = ""
        self._quoted = False  # whether a reply's lines have been shown

    def reads(self, line: str) -> list[Failure]:
        """Read the next line."""
        before, self._before = self._before, line
        plain = unprefixed(line)
        debug = _DEBUG.match(plain)
        prompt = _PROMPT.match(line)
        if self._returned is not None:
            if debug is None and prompt is None:
                return self._goes_on(*self._returned, line)
            self._answers(self._returned[0])
        if debug is not None:
            self._excepts(self._tracebacks.end())
            self._call = None
            # Python 2 announces a connection twice.
            return [] if debug["connect"] and line == before else self._debugs(debug, plain[debug.end() :])
        if prompt is not None:
            self._excepts(self._tracebacks.end())
            return self._types(line[prompt.end() :])
        if self._call is not None and (found := _RETURNED.match(line)):
            return self._goes_on("", 0, line[found.end() :])
        if self._call is None and _LEFT_OUT.match(line):
            return self.ends()
        return self._excepts(self._tracebacks.read(line))

    def ends(self) -> list[Failure]:
        """Return the remaining failures when the text, or a part of it, ends."""
        if self._returned is not None:
            self._answers(self._returned[0])
        failures = self._excepts(self._tracebacks.end())
        self._overhears(self._conversation.end())
        failures += self._merged()
        self._begin()
        return failures

    def _debugs(self, debug: re.Match[str], text: str) -> list[Failure]:
        """Read a line of smtplib's debug output."""
        literal = literal_at(text)
        first = next(iter(literal.values), "")
        if debug["connect"]:
            return self._connects(str(first) or None)
        if debug["code"]:
            # The reply's lines stand above, unless only lines like this one were kept.
            quoted, self._quoted = self._quoted, False
            if not quoted:
                said = str(first) if text[:1] in {"b", "u", "'", '"'} else text
                self._hears(lines_with_code(int(debug["code"]), said))
        elif debug["side"] == "reply":
            self._quoted = True
            self._hears((str(first),))
        elif debug["side"] == "send":
            self._says(str(first), cut=not literal.complete)
        return []

    def _says(self, text: str, *, cut: bool = False) -> None:
        conversation = self._conversation
        content = text.endswith(_ENDS_CONTENT) or (cut and not is_command(text))
        if content and not conversation.in_login:
            self._overhears(conversation.sends_content())
        elif not conversation.in_content:
            for line in text.rstrip("\r\n").split("\n")[:_MOST_LINES]:
                self._overhears(conversation.client(line.rstrip("\r")))

    def _hears(self, lines: Iterable[str]) -> None:
        for line in lines:
            self._overhears(self._conversation.server(line.rstrip("\r\n")))

    def _connects(self, host: str | None) -> list[Failure]:
        self._overhears(self._conversation.connects(host))
        return self._merged()

    def _types(self, code: str) -> list[Failure]:
        """Read a line that was typed at the prompt."""
        call = call_in(code)
        if call is None:
            return []
        self._call, self.read_as = call, "a session at Python's prompt"
        if call.method == "connect" and call.host is not None:
            return self._connects(call.host)
        if call.recipients:
            self._conversation.sends(call.sender, call.recipients)
        return []

    def _goes_on(self, text: str, lines: int, line: str) -> list[Failure]:
        """Read a further line of the value that a typed call returned."""
        text = with_next_line(text, line, r"\n") if lines else line
        self._returned = text, lines + 1
        if lines >= _MOST_LINES or len(text) > _LONGEST or literal_at(text).complete:
            self._answers(text)
        return []

    def _answers(self, text: str) -> None:
        """Read the value that a typed call returned, if no debug output has shown it before."""
        call, self._call, self._returned = self._call, None, None
        match literal_at(text).values:
            case [int(code), str(said), *_] if call is not None:
                if call.method == "data":  # it would raise for a refusal of DATA itself
                    self._says("DATA")
                    self._hears(("354",))
                    self._overhears(self._conversation.sends_content())
                elif call.command is not None:
                    self._says(call.command)
                elif call.method != "connect":
                    return
                self._hears(lines_with_code(code, said))

    def _excepts(self, told: list[Failure]) -> list[Failure]:
        """Add the failures of exceptions, which mostly repeat failures of the session before."""
        conversation = self._conversation
        if not told:
            return []
        call, self._call = self._call, None
        if not conversation.began:
            return told
        if not told[0].reply:
            if call is not None and call.command is not None:
                self._says(call.command)
            if conversation.waiting:
                self._overhears(conversation.breaks(told[0].words))
        for failure in told:
            self._excepted += conversation.completes(failure)
        del self._excepted[_MOST_FAILURES:]
        return []

    def _overhears(self, failures: list[Failure]) -> None:
        self._overheard += (dataclasses.replace(it, read_as=(self.read_as,)) for it in failures)
        del self._overheard[_MOST_FAILURES:]

    def _merged(self) -> list[Failure]:
        """All failures since the last call, each once, with the facts of session and exception."""
        overheard, excepted, self._overheard, self._excepted = self._overheard, self._excepted, [], []
        only_excepted = []
        for failure in excepted:
            same = [at for at, it in enumerate(overheard) if _is_same(it, failure)]
            for at in same:
                overheard[at] = overheard[at].completed_by(failure)
            if not same:
                only_excepted.append(failure)
        return overheard + only_excepted


def _is_same(one: Failure, other: Failure) -> bool:
    pairs = ((one.recipient, other.recipient), (one.stage, other.stage))
    return all(None in it or it[0] == it[1] for it in pairs) and _plain(one) == _plain(other)


def _plain(failure: Failure) -> tuple[str, ...]:
    # Libraries do not keep the separator behind a reply's code, nor blanks at the end.
    return tuple(f"{line[:4]}{line[4:].strip()}" for line in failure.reply)


def _recognises(text: str) -> bool:
    if _JSON.match(text):
        return False
    through_mail = False
    for line in text.splitlines():
        plain = unprefixed(terminal_line(line)[:2000])
        debug = _DEBUG.match(plain)
        if debug is not None and (debug["side"] or debug["code"]):
            return True
        if (prompt := _PROMPT.match(plain)) and (call := call_in(plain[prompt.end() :])):
            through_mail = through_mail or call.host is not None or call.command is not None
        elif through_mail and _RETURNED.match(plain):
            return True
        if is_of_mail(plain):
            return True
    return False


PYTHON = line_format(
    "output of a Python program",
    "no reply in it refuses a mail, and no exception tells that one failed",
    _recognises,
    _Console,
)
"""smtplib's debug output, sessions with smtplib at Python's prompt, and exceptions, also in logs."""
