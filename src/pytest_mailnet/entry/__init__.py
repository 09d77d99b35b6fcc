"""The ways in: patches that lead the application's look-ups and connections into a net.

Only where a connection goes is changed. Sockets stay the kernel's: real reads, real polling, real file
descriptors. One file a patched library; the only place that touches other libraries' insides.
"""

from __future__ import annotations

from pytest_mailnet.entry.interception import INTERCEPTION
from pytest_mailnet.entry.network import Network, Resolution
from pytest_mailnet.entry.nowhere import Nowhere
from pytest_mailnet.entry.origins import Origin, carrying

__all__ = ["INTERCEPTION", "Network", "Nowhere", "Origin", "Resolution", "carrying"]
