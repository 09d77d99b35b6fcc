"""Exceptions in running text: whole tracebacks, and single lines of logs."""

from __future__ import annotations

import re
from collections import deque

from pytest_mailnet.evidence.failure import Failure
from pytest_mailnet.evidence.transcripts.exceptions import KINDS, Frame, Raised, failures_of, through_mail
from pytest_mailnet.evidence.transcripts.python_code import literal_at, with_next_line
from pytest_mailnet.evidence.transcripts.shown_lines import unprefixed

__all__ = ["Tracebacks", "is_of_mail"]

_KIND = re.compile(
    rf"(?<!::)(?<![\w.])(?:\w{{1,40}}\.){{0,4}}({'|'.join(sorted(KINDS, reverse=True))})(?=: |\()(?:: )?"
)
# The str() of such an exception, which has no class name.
_ARGUMENTS = re.compile(
    r"(?P<refused>\{u?['\"][^'\"\s]{1,320}['\"]: )?\([45]\d\d, (?:b['\"]|u?['\"][45]\.\d{1,3}\.\d)"
)
_BEGINS = "Traceback (most recent call last)"
_GOES_ON = re.compile(
    r"During handling of the above exception, another exception occurred:"
    r"|The above exception was the direct cause of the following exception:"
)
# The second form is rich's, with the lines of code in a box below it.
_FRAME = re.compile(
    r'File "(?P<file>[^"]{1,1000})", line \d{1,9}, in (?P<function>[\w<>.]{1,200})'
    r"|^\W{1,8}(?P<path>[^\s:]{1,1000}):\d{1,9} in (?P<within>[\w<>.]{1,200}) {0,200}\W{0,3}$"
)
_BOX = ("│", "╭", "╰")
_MARKED_CODE = re.compile(r"│ ❱ +\d+ [│ ]*(.*?)[│ ]*$")
_AGAIN = "Exception Value: "  # Django's debug mails tell everything twice
_SUMMARY = ("FAILED ", "ERROR ")  # pytest's, of tests; what is long is cut
_INDENTED = re.compile(r"(?:\s*\| )?\s{2}|[\s~^|]*$")
_RAISED = re.compile(r"(?:\|\s*|\s*)(?:[A-Za-z_]\w{0,60}\.){0,8}([A-Za-z_]\w{0,80})(?:: (.*))?$", re.DOTALL)
_IN_CODE = re.compile(r"(?:raise|except|import|class|catch|assert|pytest\.raises\()\s*[\w.(, ]{0,80}$")
_MOST_FRAMES = 300
_MOST_IN_CHAIN = 50
_MOST_LINES = 200
_MOST_TOLD = 100
_LONGEST = 1 << 16
_LONGEST_CODE = 2000


def is_of_mail(line: str) -> bool:
    """Whether a line has an exception of a mail library, or is a frame in one."""
    frame = _frame_in(line)
    return _raised_in(line) is not None or (frame is not None and through_mail((frame,)))


def _frame_in(line: str) -> Frame | None:
    found = _FRAME.search(line)
    return found and Frame(found["file"] or found["path"], found["function"] or found["within"])


def _raised_in(line: str) -> Raised | None:
    """The exception of a mail library in a single line; None if there is none."""
    if found := _KIND.search(line):
        is_code = _IN_CODE.search(line[max(0, found.start() - 100) : found.start()])
        return None if is_code else Raised(found[1], line[found.end() :].strip())
    if found := _ARGUMENTS.search(line):
        name = "SMTPRecipientsRefused" if found["refused"] else "SMTPResponseException"
        return Raised(name, line[found.start() :].strip())
    return None


class Tracebacks:
    """Reads lines, and returns the failures of each chain of exceptions when the chain is complete."""

    def __init__(self) -> None:
        self._chain: list[Raised] = []
        self._frames: list[Frame] = []
        self._within = False
        self._boxed = False  # whether the traceback is in a box, and lines are wrapped to its width
        self._margin = ""  # what stands in front of every line of an indented traceback, or one in a group
        self._last = ""  # the text of the last exception
        self._told: deque[str] = deque(maxlen=_MOST_TOLD)  # and of all before
        self._open: tuple[Raised, int] | None = None  # an incomplete exception, and its lines so far

    def read(self, line: str) -> list[Failure]:
        """Read the next line; return the failures of a chain that ended before it."""
        if self._open is not None and self._goes_on(*self._open, line):
            return []
        if _BEGINS in line:
            before = line.partition(_BEGINS)[0]
            self._margin = "" if before.strip(" \t|") else before
            # A log's line about an exception stands directly above its traceback.
            failures = [] if self._chain else self.end()
            self._within, self._boxed, self._frames = True, line.startswith(_BOX), []
            return failures
        line = line.removeprefix(self._margin)
        if frame := _frame_in(line):
            self._within = True
            self._frames = [*self._frames[: _MOST_FRAMES - 1], frame]
            return []
        if line.startswith(_BOX):  # the code of a frame, or local variables, which may hold exceptions too
            self._shows_code(code[1] if (code := _MARKED_CODE.match(line)) else "")
            return []
        plain = unprefixed(line)
        if (self._within and self._reads_exception(plain)) or not plain.strip(" |") or _GOES_ON.search(line):
            return []
        failures = self.end()
        raised = _raised_in(line[:_LONGEST])
        if raised is not None and not self._is_told_again(line, raised):
            self._add(raised)
        return failures

    def _is_told_again(self, line: str, raised: Raised) -> bool:
        """Whether a line is a summary's, of an exception that stands above it in full."""
        if line.startswith(_SUMMARY):
            begins = raised.text.removesuffix("...")
            return any(it.startswith(begins) for it in self._told)
        return line.startswith(_AGAIN) and raised.text == self._last

    def end(self) -> list[Failure]:
        """Return the failures of the current chain when the text, or the chain, ends."""
        if self._open is not None:
            self._append(self._open[0])
        chain, self._chain, self._frames, self._within = self._chain, [], [], False
        return failures_of(chain)

    def _shows_code(self, code: str) -> None:
        if code and self._frames:
            self._frames[-1] = self._frames[-1]._replace(code=code[:_LONGEST_CODE])

    def _reads_exception(self, plain: str) -> bool:
        """Read a line of code, or the exception at the end of a traceback; return whether it is one."""
        if _INDENTED.match(plain):
            if plain.strip("~^| ") and self._frames and not self._frames[-1].code:
                self._shows_code(plain.strip(" |"))
            return True
        raised = _RAISED.match(plain)
        if raised is not None:
            self._within = False
            self._add(Raised(raised[1], raised[2] or "", tuple(self._frames)))
        return raised is not None

    def _add(self, raised: Raised) -> None:
        self._frames = []
        opens = raised.name in KINDS and raised.text[:1] in {"(", "{", "["}
        if opens and not literal_at(raised.text).complete:
            self._open = raised, 1
        else:
            self._append(raised)

    def _append(self, raised: Raised) -> None:
        self._open, self._last = None, raised.text
        self._told.append(raised.text)
        if len(self._chain) < _MOST_IN_CHAIN:
            self._chain.append(raised)

    def _goes_on(self, raised: Raised, lines: int, line: str) -> bool:
        """Add a line to the exception whose closing bracket is missing; return whether it belongs there."""
        done = _BEGINS in line or lines >= _MOST_LINES or len(raised.text) + len(line) > _LONGEST
        if not done:
            text, gap = (raised.text.rstrip(), " ") if self._boxed else (raised.text, r"\n")
            raised = raised._replace(text=with_next_line(text, line, gap))
            if not literal_at(raised.text).complete:
                self._open = raised, lines + 1
                return True
        self._append(raised)
        return not done
