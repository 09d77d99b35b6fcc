"""A handler with aiosmtpd's hooks, of the application or of its tests, and the `SMTP` that calls them."""

from __future__ import annotations

import asyncio
import functools
import inspect
from typing import Any

from aiosmtpd.smtp import MISSING, SMTP, AuthResult, LoginPassword, syntax

from pytest_mailnet.errors import InvalidSetting
from pytest_mailnet.server.handler_end import HandlerEnd
from pytest_mailnet.server.handler_loop import HandlerLoop
from pytest_mailnet.server.handler_transport import HandlerTransport
from pytest_mailnet.server.passed_dialogue import PassedDialogue
from pytest_mailnet.server.smtp_server import MailHost
from pytest_mailnet.smtp.sasl import Credentials
from pytest_mailnet.smtp.state import agreed
from pytest_mailnet.values import Reply, Stage

__all__ = ["Handling"]


class Handling:
    """A handler that serves a host in place of the net, and the `SMTP` class that calls its hooks.

    Args:
        handler: an object with aiosmtpd's hooks: `handle_RCPT`, `handle_DATA` and so on.
        factory: a subclass of aiosmtpd's `SMTP`, or `functools.partial` of one with further arguments.
        call: the beginning of the test's call, for error messages.

    Raises:
        InvalidSetting: if the handler is missing or a class, or for another factory.
    """

    def __init__(self, handler: object, factory: object, call: str) -> None:
        if handler is None:
            raise InvalidSetting(
                f"{call}, factory=...): it needs the handler whose hooks the server calls, handler=..."
            )
        if inspect.isclass(handler):
            raise InvalidSetting(
                f"{call}, handler={handler.__name__}): it takes an object with hooks: {handler.__name__}()"
            )
        kind = factory.func if isinstance(factory, functools.partial) else factory
        if not (inspect.isclass(kind) and issubclass(kind, SMTP)):
            raise InvalidSetting(
                f"{call}, factory={factory!r}): it takes a subclass of aiosmtpd.smtp.SMTP, or "
                "functools.partial(SMTP, auth_required=True, ...)"
            )
        bound = factory if isinstance(factory, functools.partial) else functools.partial(kind)
        if bound.args:
            raise InvalidSetting(f"{call}, factory=...): further arguments of SMTP are given by name")
        try:
            inspect.signature(kind).bind(handler, **bound.keywords)
        except TypeError as error:
            raise InvalidSetting(f"{call}, factory=...): {kind.__name__}: {error}") from None
        self._kind = type(kind.__name__, (_InNet, kind), {})
        self._settings = bound.keywords
        self._handler = handler
        self._loop = HandlerLoop()

    def start(self) -> None:
        """Start the thread in which the hooks are awaited; it belongs to the caller's net."""
        self._loop.start()

    def close(self) -> None:
        """Cancel hooks that still run, and end the thread."""
        self._loop.close()

    def far_end(
        self, dialogue: PassedDialogue, host: MailHost, loop: asyncio.AbstractEventLoop
    ) -> HandlerEnd:
        """Make the far end of a conversation; it offers STARTTLS where the host does.

        Args:
            dialogue: the conversation.
            host: the host that it is held with.
            loop: the engine's.
        """
        transport = HandlerTransport(dialogue, loop)
        return HandlerEnd(dialogue, transport, self._loop, functools.partial(self._smtp, host=host))

    def _smtp(self, dialogue: PassedDialogue, host: MailHost) -> SMTP:
        step = dialogue.step
        offers = not step.tls and "STARTTLS" in (dialogue.service.extension_lines(step) or ())
        usual = {
            "hostname": host.hostname,
            "loop": asyncio.get_running_loop(),
            "enable_SMTPUTF8": True,  # as aiosmtpd's controllers have it
            "tls_context": host.tls_context(host.certificate) if offers else None,
        }
        made: _InNet = self._kind(self._handler, **(usual | self._settings))
        made.mailnet = (dialogue, host)
        return made


class _InNet(SMTP):
    """A mix-in over an `SMTP` class: the test's answers come before the handler's hooks."""

    mailnet: tuple[PassedDialogue, MailHost]

    async def _call_handler_hook(self, command: str, *args: Any) -> Any:
        if not self.mailnet[0].scripted:
            return await super()._call_handler_hook(command, *args)
        match command:
            case "EHLO":
                assert self.session is not None
                self.session.host_name = args[0]
                return args[1] if len(args) > 1 else "250 HELP"  # as its older form has it
            case "DATA":
                return "250 OK"
            case _:
                return MISSING

    def _authenticate(self, mechanism: str, auth_data: Any) -> AuthResult:
        dialogue, _ = self.mailnet
        if isinstance(auth_data, LoginPassword):
            login, password = (it.decode("utf-8", "replace") for it in auth_data)
            dialogue.step.credentials = Credentials(mechanism, login, password)
            answer = dialogue.decide(Stage.AUTH)
            if isinstance(answer, Reply):
                said = answer.wire(dialogue.value_of).decode("utf-8").rstrip("\r\n")
                return AuthResult(success=agreed(answer), handled=False, message=said, auth_data=auth_data)
        return super()._authenticate(mechanism, auth_data)

    @syntax("STARTTLS", when="tls_context")
    async def smtp_STARTTLS(self, arg: str) -> None:  # noqa: N802  # aiosmtpd looks it up by this name
        # The net does the handshake.
        if arg:
            await self.push("501 Syntax: STARTTLS")
        elif not self.tls_context:
            await self.push("454 TLS not available")
        else:
            await self.push("220 Ready to start TLS")

    async def handle_exception(self, error: Exception) -> str:
        told = await super().handle_exception(error)
        if not hasattr(self.event_handler, "handle_exception"):
            dialogue, host = self.mailnet
            host.failed(error, dialogue.stage, dialogue.step, told)
        return str(told)
