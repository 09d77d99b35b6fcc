"""Where a test has written something, and a failure that points there."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

__all__ = ["Written"]

_PACKAGE = __name__.partition(".")[0]


@dataclass(frozen=True, slots=True)
class Written:
    """A line of code that is none of this package's.

    Attributes:
        path: of its file.
        line: its number, from 1.
        function: in which it stands.
    """

    path: str
    line: int
    function: str

    @classmethod
    def here(cls) -> Written:
        """The line that has called this package, wherever in it this is called."""
        frame = sys._getframe(1)  # noqa: SLF001  # inspect.stack reads the source of every frame
        while frame.f_back is not None and frame.f_globals.get("__name__", "").startswith(_PACKAGE):
            frame = frame.f_back
        return cls(frame.f_code.co_filename, frame.f_lineno, frame.f_code.co_name)

    def fail(self, error: BaseException, cause: BaseException | None) -> NoReturn:
        """Raise an error as if by that line, so that every way to show a traceback leads there."""
        raising = compile("raise error from cause", self.path, "exec")
        # Of another line's columns nothing is known: that is what a location of kind 13 says.
        units = range(len(raising.co_code) // 2, 0, -8)
        nowhere = b"".join(bytes([0x80 | 13 << 3 | min(left, 8) - 1, 0]) for left in units)
        code = raising.replace(co_name=self.function, co_firstlineno=self.line, co_linetable=nowhere)
        exec(code, {"error": error, "cause": cause})  # noqa: S102  # the line above and nothing else
        raise error  # pragma: no cover  # the line above has

    def __str__(self) -> str:
        path = Path(self.path)
        try:
            shown = path.relative_to(Path.cwd())
        except (ValueError, OSError):  # elsewhere, or there is no folder any more
            shown = path
        return f"{os.fspath(shown)}:{self.line}"
