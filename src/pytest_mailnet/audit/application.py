"""How an application is called: its function, or its command."""

from __future__ import annotations

import asyncio
import functools
import inspect
import shutil
import subprocess
from collections.abc import Callable, Mapping
from datetime import datetime
from tempfile import NamedTemporaryFile
from typing import Any, Protocol

from pytest_mailnet.audit.beliefs import Mail, Said, asked_of_database, of_call, of_word
from pytest_mailnet.audit.loading import compiled, function_in, module_at, takes_several
from pytest_mailnet.audit.settings import AuditSettings
from pytest_mailnet.audit.verdicts import Belief
from pytest_mailnet.crashes.crasher import Crasher
from pytest_mailnet.errors import InvalidSetting

__all__ = ["Application", "application_of"]

_TEMPORARY = 75  # EX_TEMPFAIL of sysexits.h


class Application(Protocol):
    """An application that sends a mail.

    Attributes:
        name: how the command line names it.
        several: whether it can send a mail to two recipients.
        kept: whether calls share a process.
    """

    name: str
    several: bool
    kept: bool

    def prepare(self, now: Callable[[], datetime]) -> None:
        """Do what comes before each case.

        Args:
            now: tells the time of the net, for an application that takes a clock.
        """
        ...

    def send(self, mail: Mail, crasher: Crasher | None = None) -> Said:
        """Have it send a mail, and return what it says.

        Args:
            mail: the mail.
            crasher: has it die, and starts it again; None for one that lives.
        """
        ...

    def retry(self, mail: Mail) -> Said:
        """Have it try again, and return what it says."""
        ...


def application_of(settings: AuditSettings) -> Application:
    """The application that the settings name.

    Raises:
        InvalidSetting: if there is none, or it cannot be called; says what is missing, with near misses.
    """
    if settings.command:
        return _Command(settings)
    if not settings.app:
        raise InvalidSetting(
            "which application? mailnet audit app.py:deliver names a function, mailnet audit -- python -m "
            "app a command; so do app = and command = in [tool.mailnet.audit] of pyproject.toml"
        )
    return _Function(settings)


class _Function:
    """A function in this process, or an expression that calls one."""

    kept = True

    def __init__(self, settings: AuditSettings) -> None:
        self._settings = settings
        self.name: str = settings.app
        where, _, name = settings.app.rpartition(":") if ":" in settings.app else (settings.app, "", "")
        self._module = module_at(where)
        self._code = {
            key: compiled(key, text)
            for key in ("call", "retry", "belief")
            if isinstance(text := getattr(settings, key), str) and text
        }
        before = settings.prepare
        self._prepare = compiled("prepare", before, "exec") if isinstance(before, str) and before else None
        self._function: Callable[..., Any] | None = None
        if "call" in self._code:
            self.several: bool = "recipients" in self._code["call"].co_names
        else:
            self._function = function_in(self._module, where, name)
            self.several = takes_several(self._function, settings.app)

    def prepare(self, now: Callable[[], datetime]) -> None:
        if self._prepare is not None:
            names = vars(self._module)
            names.setdefault("now", now)
            exec(self._prepare, names)  # noqa: S102  # the user's own settings

    def send(self, mail: Mail, crasher: Crasher | None = None) -> Said:
        call = functools.partial(self._said, mail, lambda: self._called(mail))
        return call() if crasher is None else crasher.call(call)

    def retry(self, mail: Mail) -> Said:
        if "retry" not in self._code:
            return self.send(mail)
        return self._said(mail, lambda: self._evaluated("retry", mail))

    def _called(self, mail: Mail) -> Any:
        if self._function is None:
            return self._evaluated("call", mail)
        to = list(mail.recipients) if self.several else mail.recipients[0]
        return _awaited(self._function(mail.sender, to, mail.content))

    def _evaluated(self, key: str, mail: Mail) -> Any:
        # In one namespace: what is within a comprehension does not see another one's locals.
        names = vars(self._module) | {
            "sender": mail.sender,
            "recipient": mail.recipients[0],
            "recipients": list(mail.recipients),
            "message": mail.content,
            "message_id": mail.message_id,
        }
        return _awaited(eval(self._code[key], names))  # noqa: S307  # the user's own settings

    def _said(self, mail: Mail, call: Callable[[], Any]) -> Said:
        said = of_call(call, mail, self._settings.fates)
        if "belief" in self._code:
            word = self._evaluated("belief", mail)
            belief = of_word(word, self._settings.fates)
            return Said(f"{said.text}; believes {word!r}", dict.fromkeys(mail.recipients, belief))
        return asked_of_database(said, mail, self._settings)


class _Command:
    """A command, which is run as a process of its own."""

    kept = False

    def __init__(self, settings: AuditSettings) -> None:
        self._settings = settings
        self.name: str = f"-- {' '.join(settings.command)}"
        self.several: bool = "{recipients}" in settings.command
        for words in (settings.command, settings.prepare, settings.retry):
            if words and (isinstance(words, str) or shutil.which(words[0]) is None):
                first = words if isinstance(words, str) else words[0]
                raise InvalidSetting(
                    f"no command {first!r}: it is a list of words, the first of which is a program"
                )

    def prepare(self, now: Callable[[], datetime]) -> None:  # noqa: ARG002  # another process has its own
        if self._settings.prepare:
            done = subprocess.run(  # noqa: S603  # the user's own settings
                self._settings.prepare, capture_output=True, check=False, stdin=subprocess.DEVNULL
            )
            if done.returncode:
                told = done.stderr.decode("utf-8", "replace").strip()
                raise InvalidSetting(f"prepare = {list(self._settings.prepare)} has failed: {told}")

    def send(self, mail: Mail, crasher: Crasher | None = None) -> Said:
        return self._run(self._settings.command, mail, crasher)

    def retry(self, mail: Mail) -> Said:
        return self._run(tuple(self._settings.retry) or self._settings.command, mail)

    def _run(self, words: tuple[str, ...], mail: Mail, crasher: Crasher | None = None) -> Said:
        values = {"sender": mail.sender, "recipient": mail.recipients[0], "message_id": mail.message_id}
        filled: list[str] = []
        for word in words:
            filled += mail.recipients if word == "{recipients}" else [_filled(word, values)]
        with NamedTemporaryFile() as content:
            content.write(mail.content)
            content.flush()
            # By the shell, so that each start of a command that dies reads the mail from its beginning.
            whole = ["/bin/sh", "-c", 'exec "$@" <"$0"', content.name, *filled]
            if crasher is None:
                ended = subprocess.run(whole, capture_output=True, check=False)  # noqa: S603
            else:
                pipe = subprocess.PIPE
                ended = crasher.run(whole, timeout=self._settings.limit, stdout=pipe, stderr=pipe)
        told = ended.stderr.decode("utf-8", "replace").strip().rpartition("\n")[2]
        text = f"exit status {ended.returncode}" + (f": {told}" if told and ended.returncode else "")
        belief = {0: Belief.SENT, _TEMPORARY: Belief.DEFERRED}.get(ended.returncode, Belief.NOT_SENT)
        return asked_of_database(Said(text, dict.fromkeys(mail.recipients, belief)), mail, self._settings)


def _filled(word: str, values: Mapping[str, str]) -> str:
    for name, value in values.items():
        word = word.replace(f"{{{name}}}", value)
    return word


def _awaited(returned: Any) -> Any:
    return asyncio.run(_of(returned)) if inspect.isawaitable(returned) else returned


async def _of(awaitable: Any) -> Any:
    return await awaitable
