"""Runs an application's command."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from tempfile import NamedTemporaryFile

from pytest_mailnet.audit.beliefs import Mail, Said, asked_of_database
from pytest_mailnet.audit.hanging import waits_for_good
from pytest_mailnet.audit.settings import AuditSettings
from pytest_mailnet.audit.verdicts import Belief
from pytest_mailnet.crashes.crasher import Crasher
from pytest_mailnet.errors import InvalidSetting
from pytest_mailnet.system.realtime import monotonic

__all__ = ["StartedCommand"]

_TEMPORARY = 75  # EX_TEMPFAIL of sysexits.h
_PIPE = subprocess.PIPE
_LOOK = 0.5
"""How often to look at what a process waits for, in seconds."""

_SURE = 6
"""How often in a row it has to be found waiting without a time-out."""


class StartedCommand:
    """An application that is a command, run as a process of its own.

    Args:
        settings: its words.

    Raises:
        InvalidSetting: if there is no such program.
    """

    kept = False

    def __init__(self, settings: AuditSettings) -> None:
        self._settings = settings
        self._folder = ""
        self.name: str = f"-- {' '.join(settings.command)}"
        self.several: bool = "{recipients}" in settings.command
        for words in (settings.command, settings.prepare, settings.retry):
            if words and (isinstance(words, str) or shutil.which(words[0]) is None):
                first = words if isinstance(words, str) else words[0]
                raise InvalidSetting(
                    f"no command {first!r}: it is a list of words, the first of which is a program"
                )

    def prepare(self, now: Callable[[], datetime], folder: Path) -> None:  # noqa: ARG002  # it has its own clock
        self._folder = str(folder)
        if self._settings.prepare:
            words = [it.replace("{folder}", self._folder) for it in self._settings.prepare]
            done = subprocess.run(words, capture_output=True, check=False, stdin=subprocess.DEVNULL)  # noqa: S603
            if done.returncode:
                told = done.stderr.decode("utf-8", "replace").strip()
                raise InvalidSetting(f"prepare = {list(self._settings.prepare)} has failed: {told}")

    def send(self, mail: Mail, crasher: Crasher | None = None) -> Said:
        return self._run(self._settings.command, mail, crasher)

    def retry(self, mail: Mail) -> Said:
        return self._run(tuple(self._settings.retry) or self._settings.command, mail)

    def _run(self, words: tuple[str, ...], mail: Mail, crasher: Crasher | None = None) -> Said:
        limit = self._settings.longest
        with NamedTemporaryFile() as content:
            content.write(mail.content)
            content.flush()
            # By the shell, so that each start of a command that dies reads the mail from its beginning.
            whole = ["/bin/sh", "-c", 'exec "$@" <"$0"', content.name, *self._filled(words, mail)]
            if crasher is None:
                return self._ended(subprocess.Popen(whole, stdout=_PIPE, stderr=_PIPE), mail)  # noqa: S603
            ended = crasher.run(whole, timeout=limit, stdout=_PIPE, stderr=_PIPE)
            return self._said(ended.returncode, ended.stderr, mail)

    def _filled(self, words: tuple[str, ...], mail: Mail) -> list[str]:
        values = {
            "{sender}": mail.sender,
            "{recipient}": mail.recipients[0],
            "{message_id}": mail.message_id,
            "{folder}": self._folder,
        }
        filled: list[str] = []
        for word in words:
            filled += mail.recipients if word == "{recipients}" else [_replaced(word, values)]
        return filled

    def _ended(self, process: subprocess.Popen[bytes], mail: Mail) -> Said:
        """Wait for a process to end, or to be found waiting for good."""
        until, endless = monotonic() + self._settings.longest, 0
        while True:
            try:
                _, told = process.communicate(timeout=_LOOK)
            except subprocess.TimeoutExpired:
                endless = endless + 1 if waits_for_good(process.pid) else 0
            else:
                return self._said(process.returncode, told, mail)
            for_good = endless >= _SURE
            if for_good or monotonic() >= until:
                process.kill()
                process.communicate()
                unknown = dict.fromkeys(mail.recipients, Belief.UNKNOWN)
                why = (
                    "it waits without a time-out for a server that will never speak"
                    if for_good
                    else f"it had not ended after {self._settings.longest:g} s; limit = in "
                    "[tool.mailnet.audit] of pyproject.toml gives it longer than its time-outs"
                )
                return Said("had not ended", unknown, unended=why, for_good=for_good)

    def _said(self, status: int, told: bytes, mail: Mail) -> Said:
        last = told.decode("utf-8", "replace").strip().rpartition("\n")[2]
        text = f"exit status {status}" + (f": {last}" if last and status else "")
        belief = {0: Belief.SENT, _TEMPORARY: Belief.DEFERRED}.get(status, Belief.NOT_SENT)
        said = Said(text, dict.fromkeys(mail.recipients, belief))
        return asked_of_database(said, mail, self._settings, self._folder)


def _replaced(word: str, values: Mapping[str, str]) -> str:
    for name, value in values.items():
        word = word.replace(name, value)
    return word
