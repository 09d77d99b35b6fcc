"""The commands that `on_command` answers, and the methods that answer the others."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType

from pytest_mailnet.errors import InvalidSetting
from pytest_mailnet.values import Stage

__all__ = ["aside_stage"]

_VERB = re.compile(r"[A-Za-z0-9_-]{1,64}")
_OWN_STAGE = MappingProxyType({str(it).upper(): it for it in (Stage.RSET, Stage.NOOP, Stage.QUIT)})
_OWN_METHOD: Mapping[str, str] = MappingProxyType(
    {
        **{verb: f".on_{verb.lower()}(...)" for verb in ("EHLO", "STARTTLS", "AUTH", "MAIL", "RCPT", "DATA")},
        "HELO": ".on_ehlo(...)",
        "LHLO": ".on_ehlo(...)",
        "BDAT": ".on_data(...) for the first chunk, and .on_message(...) for the last",
    }
)


def aside_stage(owner: str, verb: str) -> Stage:
    """The stage of a command that belongs to no step of a delivery.

    Args:
        owner: the name of the provider or server that answers it.
        verb: the command's first word.

    Raises:
        InvalidSetting: if that is no verb, or one that is answered by a method of its own.
    """
    call = f"{owner}.on_command({verb!r})"
    if not isinstance(verb, str) or not _VERB.fullmatch(verb):
        raise InvalidSetting(f"{call}: it takes the first word of a command, as in 'NOOP'")
    method = _OWN_METHOD.get(verb.upper())
    if method is not None:
        raise InvalidSetting(f"{call}: {verb.upper()} is answered by {method}")
    return _OWN_STAGE.get(verb.upper(), Stage.OTHER)
