"""What the plugin costs those who have it installed and do not use it."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from importlib.metadata import entry_points
from pathlib import Path

from benchmarks.race import Row, medians, race

__all__ = ["rows"]

_ROUNDS = 31
_ALLOWED = 0.005
_HEAVY = ("aiosmtpd", "dnslib", "dns")  # dnspython's package is called dns

_RUN = """\
import json, sys, pytest
status = pytest.main(sys.argv[1:])
print(json.dumps([name for name in {heavy!r} if name in sys.modules]))
sys.exit(status)
"""


def rows() -> Iterator[Row]:
    """pytest's start, and what is imported by its end."""
    figures = race([partial(_pytest, ()), partial(_pytest, ("-p", "no:mailnet"))], _ROUNDS)
    ours, theirs = medians(figures)
    [more] = medians([[one - other for one, other in zip(*figures, strict=True)]])
    yield Row(
        "pytest start, plugin unused",
        f"{ours * 1e3:.1f} ms",
        "-p no:mailnet",
        f"{theirs * 1e3:.1f} ms",
        f"{more * 1e3:+.1f} ms",
        "<= +5 ms",
        more <= _ALLOWED,
    )
    with tempfile.TemporaryDirectory() as folder:
        imported = _run(Path(folder), ())
    yield Row(
        "imports, plugin unused",
        ", ".join(imported) or "none",
        "heavy ones",
        ", ".join(_HEAVY),
        str(len(imported)),
        "0",
        not imported,
    )


@contextmanager
def _pytest(options: tuple[str, ...]) -> Iterator[Callable[[], float]]:
    with tempfile.TemporaryDirectory() as folder:

        def measure() -> float:
            start = time.perf_counter()
            _run(Path(folder), options)
            return time.perf_counter() - start

        yield measure


def _run(folder: Path, options: tuple[str, ...]) -> list[str]:
    """Run pytest with one empty test, without the other plugins; return which heavy packages it imported."""
    (folder / "pytest.ini").write_text("[pytest]\n")
    (folder / "test_nothing.py").write_text("def test_nothing():\n    pass\n")
    # Another plugin that imports aiosmtpd by itself would hide that this one does.
    others = [it.name for it in entry_points(group="pytest11") if it.name != "mailnet"]
    absent = [word for name in others for word in ("-p", f"no:{name}")]
    done = subprocess.run(
        [sys.executable, "-c", _RUN.format(heavy=_HEAVY), "-q", *absent, *options],
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
    )
    imported: list[str] = json.loads(done.stdout.splitlines()[-1])
    return imported
