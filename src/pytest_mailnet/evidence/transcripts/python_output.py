"""Reads the output of Python's mail libraries: smtplib's debug output, sessions at a prompt, exceptions."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from pytest_mailnet.evidence.failure import Failure
from pytest_mailnet.evidence.formats import LineFormat
from pytest_mailnet.evidence.transcripts.calls import Call, call_in
from pytest_mailnet.evidence.transcripts.client_lines import is_command
from pytest_mailnet.evidence.transcripts.literals import literal_at, with_next_line
from pytest_mailnet.evidence.transcripts.merge import Witnesses
from pytest_mailnet.evidence.transcripts.overheard import Conversation
from pytest_mailnet.evidence.transcripts.server_lines import lines_with_code
from pytest_mailnet.evidence.transcripts.shown_lines import terminal_line, unprefixed
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
_MOST_LINES = 40
_LONGEST = 1 << 13  # characters of a value in several lines: each further line reads it all again


class _Console:
    """Separates debug output, lines at a prompt and tracebacks, and merges their failures."""

    def __init__(self) -> None:
        self._tracebacks = Tracebacks()
        self._begin()

    def _begin(self) -> None:
        self._conversation = Conversation()
        self._witnesses = Witnesses()
        self._call: Call | None = None  # typed at the prompt, without a result yet
        self._returned: tuple[str, int] | None = None  # an incomplete value, and its number of lines
        self._before = ""
        self._quoted = False  # whether a reply's lines have been shown

    def shows(self, line: str) -> list[Failure]:
        """Read the next line; return the failures that are complete."""
        before, self._before = self._before, line
        plain = unprefixed(line)
        debug = _DEBUG.match(plain)
        prompt = _PROMPT.match(line)
        if self._returned is not None:
            if debug is None and prompt is None:
                return self._goes_on(line)
            self._answers(self._returned[0])
        if debug is not None:
            self._excepts(self._tracebacks.end())
            self._call = None
            # Python 2 announces a connection twice.
            return [] if debug["connect"] and line == before else self._overhears(debug, plain[debug.end() :])
        if prompt is not None:
            self._excepts(self._tracebacks.end())
            return self._types(line[prompt.end() :])
        if self._call is not None and (found := _RETURNED.match(line)):
            self._returned = "", 0
            return self._goes_on(line[found.end() :])
        if self._call is None and _LEFT_OUT.match(line):
            return self.ends()
        return self._excepts(self._tracebacks.read(line))

    def ends(self) -> list[Failure]:
        """Return the remaining failures when the text, or a part of it, ends."""
        if self._returned is not None:
            self._answers(self._returned[0])
        failures = self._excepts(self._tracebacks.end())
        self._witnesses.overheard(self._conversation.end())
        failures += self._witnesses.take_failures()
        self._begin()
        return failures

    def _overhears(self, debug: re.Match[str], text: str) -> list[Failure]:
        if debug["connect"]:
            host = next(iter(literal_at(text).values), None)
            return self._calls(str(host) if host else None)
        said = next(iter(literal_at(text).values), "") if text[:1] in {"b", "u", "'", '"'} else text
        if debug["code"]:
            # The reply's lines stand above, unless only lines like this one were kept.
            quoted, self._quoted = self._quoted, False
            if not quoted:
                self._hears(lines_with_code(int(debug["code"]), str(said)))
        elif debug["side"] == "reply":
            self._quoted = True
            self._hears((str(said),))
        elif debug["side"] == "send":
            self._says(str(said), cut=not literal_at(text).complete)
        return []

    def _says(self, text: str, *, cut: bool) -> None:
        conversation = self._conversation
        content = text.endswith(_ENDS_CONTENT) or (cut and not is_command(text))
        if content and not conversation.in_login:
            self._witnesses.overheard(conversation.sends_content())
        elif not conversation.in_content:
            for line in text.rstrip("\r\n").split("\n")[:_MOST_LINES]:
                self._witnesses.overheard(conversation.client(line.rstrip("\r")))

    def _hears(self, lines: Iterable[str]) -> None:
        for line in lines:
            self._witnesses.overheard(self._conversation.server(line.rstrip("\r\n")))

    def _calls(self, host: str | None) -> list[Failure]:
        self._witnesses.overheard(self._conversation.connects(host))
        return self._witnesses.take_failures()

    def _types(self, code: str) -> list[Failure]:
        call = call_in(code)
        if call is None:
            return []
        self._call = call
        if call.method == "connect" and call.host is not None:
            return self._calls(call.host)
        if call.recipients:
            self._conversation.sends(call.sender, call.recipients)
        return []

    def _goes_on(self, line: str) -> list[Failure]:
        assert self._returned is not None
        text, lines = self._returned
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
                    self._says("DATA", cut=False)
                    self._hears(("354",))
                    self._witnesses.overheard(self._conversation.sends_content())
                elif call.command is not None:
                    self._says(call.command, cut=False)
                elif call.method != "connect":
                    return
                self._hears(lines_with_code(code, said))

    def _excepts(self, told: list[Failure]) -> list[Failure]:
        """Add the failures of exceptions, which mostly repeat failures of the session before."""
        if not told:
            return []
        conversation, call = self._conversation, self._call
        self._call = None
        if not conversation.began:
            return told
        if not told[0].reply:
            if call is not None and call.command is not None:
                self._says(call.command, cut=False)
            if conversation.waiting:
                self._witnesses.overheard(conversation.breaks(told[0].words))
        for failure in told:
            self._witnesses.excepted(conversation.completes(failure))
        return []


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


def _failures(lines: Iterable[str]) -> Iterator[Failure]:
    console = _Console()
    for line in lines:
        yield from console.shows(terminal_line(line))
    yield from console.ends()


PYTHON = LineFormat(
    name="output of a Python program",
    missing="no reply in it refuses a mail, and no exception tells that one failed",
    recognises=_recognises,
    failures=_failures,
)
"""smtplib's debug output, sessions with smtplib at Python's prompt, and exceptions, also in logs."""
