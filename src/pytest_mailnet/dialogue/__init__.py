"""One session's SMTP conversation, without sockets: commands in, replies out (RFC 5321, 4).

Every reply comes from the service: its rules, or its phrasebook by condition.
"""

from __future__ import annotations

from pytest_mailnet.dialogue.conversation import Dialogue
from pytest_mailnet.dialogue.service import Service

__all__ = ["Dialogue", "Service"]
