"""The command `mailnet run`: a net for a command, and what happened in it."""

from __future__ import annotations

import os
import runpy
import signal
from collections.abc import Sequence
from pathlib import Path
from typing import TextIO

from pytest_mailnet.errors import InvalidSetting
from pytest_mailnet.net.mailnet import MailNet, life_of
from pytest_mailnet.providers import catalogue_with
from pytest_mailnet.timeline.story import in_colours, story

__all__ = ["run", "shell"]

_SIGNALLED = 128  # and the number of the signal, as shells have it
_NOT_FOUND = 127  # likewise


def shell() -> list[str]:
    """The command line of the user's shell."""
    return [os.environ.get("SHELL", "/bin/sh")]


def run(command: Sequence[str], *, providers: Sequence[str], script: str | None, err: TextIO) -> int:
    """Run a command in a net, and tell what happened.

    Args:
        command: the command line.
        providers: names of providers, with eras; or paths of TOML files.
        script: the path of a Python file that is run first; None for none.
        err: the stream for what happened.

    Returns:
        The exit status of the command, as shells have it.

    Raises:
        InvalidSetting: without a command, or for a script that is not there.
        UnknownName: for an unknown provider, with near misses.
        NoNamespace: where the machine has no namespaces.
    """
    if not command:
        raise InvalidSetting("a command stands behind --, as in: mailnet run -- swaks --to alice@gmail.com")
    if script is not None and not Path(script).is_file():
        raise InvalidSetting(f"--script {script}: there is no such file")
    files = tuple(Path(it) for it in providers if it.endswith(".toml"))
    with MailNet(strict=False, providers=files) as net:
        for name in (it for it in providers if not it.endswith(".toml")):
            _put(net, name, files)
        if script is not None:
            runpy.run_path(script, {"mailnet": net}, "__mailnet__")
        status = _run(net, command, err)
        told = story(life_of(net).journal, net.queue).full
    err.write(f"\n{in_colours(told) if _coloured(err) else told}\n")
    return status


def _put(net: MailNet, name: str, files: tuple[Path, ...]) -> None:
    catalogue = catalogue_with(files)
    stem = catalogue.stem(name)
    plain = catalogue.load_stem(stem).name
    net.provider(plain, era=stem.removeprefix(plain).removeprefix("-") or None)


def _run(net: MailNet, command: Sequence[str], err: TextIO) -> int:
    process = net.process(trust_ca=True)
    try:
        program = process.popen(list(command))
    except FileNotFoundError as error:
        err.write(f"mailnet run: {error}\n")
        return _NOT_FOUND
    # Ctrl-C is the command's: it may go on, and what happened is told in any case.
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        status = program.wait()
    finally:
        signal.signal(signal.SIGINT, before)
    return status if status >= 0 else _SIGNALLED - status


def _coloured(stream: TextIO) -> bool:
    return stream.isatty() and "NO_COLOR" not in os.environ and os.environ.get("TERM") != "dumb"
