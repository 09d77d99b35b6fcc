"""The command `mailnet doctor`: what this machine has for programs in namespaces."""

from __future__ import annotations

from typing import TextIO

from pytest_mailnet.entry.namespace.users import mapping
from pytest_mailnet.errors import NoNamespace
from pytest_mailnet.net.mailnet import MailNet

__all__ = ["examine"]

_USERS = {
    "root": "as root: programs are the machine's users",
    "one": "for this user: programs are root there, and there is no other user",
    "several": "for this user: programs are root there, and may become others (/etc/subuid)",
}


def examine(out: TextIO) -> int:
    """Find out whether there are namespaces, and tell it.

    Args:
        out: the stream for what was found.

    Returns:
        0 if there are, 1 if there are none.
    """
    try:
        how = mapping()
        with MailNet() as net:
            net.process().run("true", check=True)
    except NoNamespace as reason:
        out.write(f"no namespaces: {reason}\n")
        return 1
    out.write(f"namespaces: yes, {_USERS[how]}\n")
    return 0
