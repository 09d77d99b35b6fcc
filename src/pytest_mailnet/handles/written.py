"""A line of a test's code, and failures that point to it."""

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
    """A line of code outside of this package.

    Attributes:
        path: the path of its file.
        line: the number of the line, from 1.
        function: the name of the function around it.
    """

    path: str
    line: int
    function: str

    @classmethod
    def here(cls) -> Written:
        """The line that has called this package, however deep in it this is called."""
        frame = sys._getframe(1)  # noqa: SLF001  # inspect.stack reads the source of every frame
        while frame.f_back is not None and frame.f_globals.get("__name__", "").startswith(_PACKAGE):
            frame = frame.f_back
        return cls(frame.f_code.co_filename, frame.f_lineno, frame.f_code.co_name)

    def fail(self, error: BaseException, cause: BaseException | None) -> NoReturn:
        """Raise an error as if that line did, so that every traceback leads there.

        Args:
            error: the error to raise.
            cause: its `__cause__`; None for none.
        """
        raising = compile("raise error from cause", self.path, "exec")
        # A location of kind 13 has no columns: those of the other line are not known.
        units = range(len(raising.co_code) // 2, 0, -8)
        nowhere = b"".join(bytes([0x80 | 13 << 3 | min(left, 8) - 1, 0]) for left in units)
        code = raising.replace(co_name=self.function, co_firstlineno=self.line, co_linetable=nowhere)
        exec(code, {"error": error, "cause": cause})  # noqa: S102  # runs only the line above
        raise error  # pragma: no cover  # the line above has

    def __str__(self) -> str:
        path = Path(self.path)
        try:
            shown = path.relative_to(Path.cwd())
        except (ValueError, OSError):  # not below the current folder, or that is gone
            shown = path
        return f"{os.fspath(shown)}:{self.line}"
