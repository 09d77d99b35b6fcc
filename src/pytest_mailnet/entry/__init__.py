"""Patches that lead the application's look-ups and connections into a net.

They change only where a connection goes. Sockets stay the kernel's: real reads, real polling, real file
descriptors. Each patched library has a module of its own. No other room touches the insides of libraries.
"""

from __future__ import annotations

from pytest_mailnet.entry.interception import INTERCEPTION
from pytest_mailnet.entry.network import Network, Resolution
from pytest_mailnet.entry.nowhere import Nowhere
from pytest_mailnet.entry.origins import Origin, carrying

__all__ = ["INTERCEPTION", "Network", "Nowhere", "Origin", "Resolution", "carrying"]
