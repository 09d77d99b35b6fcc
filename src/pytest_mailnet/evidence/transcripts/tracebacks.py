"""Exceptions in running text: whole tracebacks, and single lines of logs."""

from __future__ import annotations

import re

from pytest_mailnet.evidence.failure import Failure
from pytest_mailnet.evidence.transcripts.exceptions import KINDS, Raised, failures_of
from pytest_mailnet.evidence.transcripts.frames import Frame, through_mail
from pytest_mailnet.evidence.transcripts.literals import literal_at, with_next_line
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
_BOX = re.compile(r"[│╭╰]")
_MARKED_CODE = re.compile(r"│ ❱ +\d+ [│ ]*(.*?)[│ ]*$")
_AGAIN = "Exception Value: "  # Django's debug mails tell everything twice
_UNDERLINE = re.compile(r"[\s~^|]*$")
_INDENTED = re.compile(r"(?:\s*\| )?\s{2}")
_RAISED = re.compile(r"(?:\|\s*|\s*)(?:[A-Za-z_]\w{0,60}\.){0,8}([A-Za-z_]\w{0,80})(?:: (.*))?$", re.DOTALL)
_IN_CODE = re.compile(r"(?:raise|except|import|class|catch|assert|pytest\.raises\()\s*[\w.(, ]{0,80}$")
_MOST_FRAMES = 300
_MOST_IN_CHAIN = 50
_MOST_LINES = 200
_LONGEST = 1 << 16


def is_of_mail(line: str) -> bool:
    """Whether a line has an exception of a mail library, or is a frame in one."""
    if _raised_in(line) is not None:
        return True
    frame = _frame_in(line)
    return frame is not None and through_mail((frame,))


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
        self._code_follows = False
        self._within = False
        self._boxed = False  # whether the traceback is in a box, and lines are wrapped to its width
        self._last = ""  # the text of the last exception
        self._open: tuple[Raised, int] | None = None  # an incomplete exception, and its lines so far

    def read(self, line: str) -> list[Failure]:
        """Read the next line; return the failures of a chain that ended before it."""
        if self._open is not None and self._goes_on(line):
            return []
        if _BEGINS in line:
            # A log's line about an exception stands directly above its traceback.
            failures = [] if self._chain or self._open is not None else self.end()
            self._within = True
            self._boxed = _BOX.match(line) is not None
            self._frames = []
            return failures
        if _BOX.match(line):
            self._reads_box(line)
            return []
        if self._reads_frame(line) or (self._within and self._reads_exception(unprefixed(line))):
            return []
        if not unprefixed(line).strip(" |") or _GOES_ON.search(line):
            return []
        failures = self.end()
        raised = _raised_in(line[:_LONGEST])
        if raised is not None and not (line.startswith(_AGAIN) and raised.text == self._last):
            self._add(raised)
        return failures

    def _reads_box(self, line: str) -> None:
        """Read a line of rich's box: a frame, its code, or local variables, which may hold exceptions too."""
        if not self._reads_frame(line) and self._frames and (code := _MARKED_CODE.match(line)):
            self._frames[-1] = self._frames[-1]._replace(code=code[1][:2000])

    def _reads_frame(self, line: str) -> bool:
        frame = _frame_in(line)
        if frame is None:
            return False
        self._within = self._code_follows = True
        if len(self._frames) < _MOST_FRAMES:
            self._frames.append(frame)
        return True

    def _reads_exception(self, plain: str) -> bool:
        """Read a line of code, or the exception at the end of a traceback; return whether it is one."""
        if _INDENTED.match(plain) or _UNDERLINE.match(plain):
            if self._code_follows and plain.strip("~^| ") and self._frames:
                self._frames[-1] = self._frames[-1]._replace(code=plain.strip(" |")[:2000])
                self._code_follows = False
            return True
        raised = _RAISED.match(plain)
        if raised is not None:
            self._within = False
            self._add(Raised(raised[1], raised[2] or "", tuple(self._frames)))
        return raised is not None

    def end(self) -> list[Failure]:
        """Return the failures of the current chain when the text, or the chain, ends."""
        if self._open is not None:
            self._append(self._open[0])
            self._open = None
        chain, self._chain, self._frames = self._chain, [], []
        self._within = self._code_follows = False
        return failures_of(chain)

    def _add(self, raised: Raised) -> None:
        self._frames = []
        self._code_follows = False
        opens = raised.name in KINDS and raised.text[:1] in {"(", "{", "["}
        if opens and not literal_at(raised.text).complete:
            self._open = raised, 1
        else:
            self._append(raised)

    def _append(self, raised: Raised) -> None:
        self._last = raised.text
        if len(self._chain) < _MOST_IN_CHAIN:
            self._chain.append(raised)

    def _goes_on(self, line: str) -> bool:
        """Add a line to the exception whose closing bracket is missing; return whether it belongs there."""
        assert self._open is not None
        raised, lines = self._open
        done = _BEGINS in line or lines >= _MOST_LINES or len(raised.text) + len(line) > _LONGEST
        if not done:
            text = raised.text.rstrip() if self._boxed else raised.text
            raised = raised._replace(text=with_next_line(text, line, " " if self._boxed else r"\n"))
            self._open = raised, lines + 1
            if not literal_at(raised.text).complete:
                return True
        self._append(raised)
        self._open = None
        return not done
