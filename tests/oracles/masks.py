"""What differs from run to run and from machine to machine, taken out of replies before they are compared."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType

__all__ = ["masked"]

# Where nothing is named the text is compared to the letter.
_MASKS: Mapping[str, tuple[tuple[str, str], ...]] = MappingProxyType(
    {
        "": (
            (r"\b(?:127\.0\.0\.2|203\.0\.113\.\d+)\b", "{ip}"),
            (
                r"[A-Z][a-z]{2}, +\d{1,2} [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d (?:[+-]\d{4}|GMT)(?: \(\w+\))?",
                "{date}",
            ),
        ),
        "postfix": (
            (r"(?<=queued as )\w+", "{id}"),
            (r"(?<=ESMTP Postfix) \(Debian/GNU\)", ""),  # what Debian adds to the banner
        ),
        "exim": (
            (r"(?<=id=)\w{6}-\w{6,11}-\w{2,4}", "{id}"),
            (r"(?<=Exim )\d+\.\d+(?:\.\d+)?", "{version}"),
        ),
        "opensmtpd": ((r"\b[0-9a-f]{8}\b(?= Message accepted)", "{id}"),),
        "sendmail": (
            (r"\b\w{14}(?= Message accepted)", "{id}"),
            # What Debian adds to the banner.
            (r"; \(No UCE/UBE\) logging access from: \S+ \[\{ip\}\]", ""),
            (r"(?<=Sendmail )8[\w./+-]+(?=; )", "{version}"),
            (r"(?<=Sendmail version )8[\w./+-]+", "{version}"),
        ),
    }
)


def masked(server: str, reply: str) -> str:
    """A reply without ids, times, addresses and versions, its lines joined by newlines alone."""
    for pattern, stands in _MASKS[""] + _MASKS[server]:
        reply = re.sub(pattern, stands, reply)
    return reply.replace("\r\n", "\n").removesuffix("\n")
