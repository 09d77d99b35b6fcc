"""Runs of pytest as a user starts them: a child process, one test file, one of the compared plugins."""

from __future__ import annotations

import compileall
import importlib.util
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from importlib.metadata import entry_points
from pathlib import Path

__all__ = ["cpu_of_run", "cpu_without_bytecode", "run", "wall_time_of_run"]

_NO_BYTECODE = "PYTHONDONTWRITEBYTECODE"


def run(folder: Path, plugin: str | None, *, bytecode: bool = True) -> str:
    """Run pytest once.

    Args:
        folder: where the tests are.
        plugin: the entry point of the only plugin that pytest loads besides its own; None loads none.
        bytecode: whether Python and pytest may write what they have compiled.

    Returns:
        What pytest printed.

    Raises:
        RuntimeError: if a test fails.
    """
    others = sorted({it.name for it in entry_points(group="pytest11")} - {plugin})
    absent = [word for name in others for word in ("-p", f"no:{name}")]
    dropped = {_NO_BYTECODE, "PYTEST_ADDOPTS", "PYTEST_PLUGINS", "PYTEST_DISABLE_PLUGIN_AUTOLOAD"}
    environment = {name: value for name, value in os.environ.items() if name not in dropped}
    if not bytecode:
        environment[_NO_BYTECODE] = "1"
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", *absent],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"pytest with {plugin} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.stdout


@contextmanager
def cpu_of_run(plugin: str | None, test: str, *, runs: int = 1) -> Iterator[Callable[[], float]]:
    """Measure the CPU seconds, user and system, of a run; the first run leaves its bytecode to the others.

    Args:
        plugin: the plugin's entry point, or None.
        test: the text of the test file.
        runs: how many runs make a round, of which the one that took least counts. Other load on the machine
            only adds to the CPU time of a run.
    """
    with _folder_with(test) as folder:
        yield lambda: min(_cpu_seconds(folder, plugin) for _ in range(runs))


@contextmanager
def cpu_without_bytecode(plugin: str, test: str, package: str) -> Iterator[Callable[[], float]]:
    """Measure the same where nothing compiled is written: there is only what pip compiles when it installs.

    Args:
        plugin: the plugin's entry point.
        test: the text of the test file.
        package: the plugin's package, from which what pytest compiled before is removed.
    """
    _leave_what_pip_compiles(package)
    with _folder_with(test) as folder:
        yield partial(_cpu_seconds, folder, plugin, bytecode=False)


@contextmanager
def wall_time_of_run(plugin: str, test: str) -> Iterator[Callable[[], float]]:
    """Measure the seconds that a user waits for a run.

    Args:
        plugin: the plugin's entry point.
        test: the text of the test file.
    """
    with _folder_with(test) as folder:

        def measure() -> float:
            start = time.perf_counter()
            run(folder, plugin)
            return time.perf_counter() - start

        yield measure


@contextmanager
def _folder_with(test: str) -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "pytest.ini").write_text("[pytest]\n")
        (folder / "test_one.py").write_text(test)
        yield folder


def _cpu_seconds(folder: Path, plugin: str | None, *, bytecode: bool = True) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    run(folder, plugin, bytecode=bytecode)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def _leave_what_pip_compiles(package: str) -> None:
    spec = importlib.util.find_spec(package)
    assert spec is not None
    for folder in spec.submodule_search_locations or ():
        compileall.compile_dir(folder, quiet=1)
        for rewritten in Path(folder).rglob("*-pytest-*.pyc"):
            rewritten.unlink()
