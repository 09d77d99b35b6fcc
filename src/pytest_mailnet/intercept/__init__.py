"""The ways in: patches that lead the application's look-ups and connections into a net.

Only where a connection goes is changed. Sockets stay the kernel's: real reads, real polling, real file
descriptors. One file a patched library; the only place that touches other libraries' insides.
"""

from __future__ import annotations

from pytest_mailnet.intercept.interception import INTERCEPTION
from pytest_mailnet.intercept.nowhere import Nowhere
from pytest_mailnet.intercept.origins import Origin, carrying
from pytest_mailnet.intercept.world import Resolution, World

__all__ = ["INTERCEPTION", "Nowhere", "Origin", "Resolution", "World", "carrying"]
