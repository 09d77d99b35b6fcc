"""Calls an application's function, or an expression that does."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import inspect
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from pytest_mailnet.audit.beliefs import Mail, Said, asked_of_database, of_call, of_word
from pytest_mailnet.audit.loading import compiled, function_in, module_at, takes_several
from pytest_mailnet.audit.settings import AuditSettings
from pytest_mailnet.crashes.crasher import Crasher
from pytest_mailnet.errors import InvalidSetting

__all__ = ["CalledFunction"]


class CalledFunction:
    """An application that is a function in this process, or an expression that calls one.

    Args:
        settings: how it is called.

    Raises:
        InvalidSetting: if it is not there, or takes other arguments.
    """

    kept = True

    def __init__(self, settings: AuditSettings) -> None:
        self._settings = settings
        self._folder = ""
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

    def prepare(self, now: Callable[[], datetime], folder: Path) -> None:
        self._folder = str(folder)
        if self._prepare is not None:
            names = vars(self._module)
            names.update({"folder": folder} if "now" in names else {"folder": folder, "now": now})
            with _told("prepare"):
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
            with _told("belief"):
                word = self._evaluated("belief", mail)
            belief = of_word(word, self._settings.fates)
            return Said(f"{said.text}; believes {word!r}", dict.fromkeys(mail.recipients, belief))
        return asked_of_database(said, mail, self._settings, self._folder)


@contextlib.contextmanager
def _told(key: str) -> Iterator[None]:
    """Tell an exception of what stands in the settings as a mistake there."""
    try:
        yield
    except Exception as error:
        raise InvalidSetting(f"[tool.mailnet.audit] {key} raises {type(error).__name__}: {error}") from error


def _awaited(returned: Any) -> Any:
    return asyncio.run(_of(returned)) if inspect.isawaitable(returned) else returned


async def _of(awaitable: Any) -> Any:
    return await awaitable
