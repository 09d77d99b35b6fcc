"""What was measured on: the machine, and the versions of what was compared. No name of host or user."""

from __future__ import annotations

import os
import platform
import ssl
from importlib.metadata import version
from pathlib import Path

__all__ = ["machine", "versions"]

_COMPARED = (
    "pytest",
    "pytest-mailnet",
    "smtpdfix",
    "pytest-localserver",
    "aiosmtpd",
    "dnslib",
    "dnspython",
    "trustme",
)


def machine() -> str:
    """Describe the system, the processor and the number of its cores."""
    kernel, _, _ = platform.release().partition("-")
    return f"{platform.system()} {kernel} on {platform.machine()}, {_processor()}, {os.cpu_count()} cores"


def versions() -> str:
    """List Python, the compared packages and the library of TLS with their versions."""
    packages = [f"{name} {version(name)}" for name in _COMPARED]
    python = f"{platform.python_implementation()} {platform.python_version()}"
    return ", ".join([python, *packages, ssl.OPENSSL_VERSION])


def _processor() -> str:
    facts = Path("/proc/cpuinfo")  # only Linux has it; there `platform.processor` knows next to nothing
    if facts.exists():
        for line in facts.read_text("utf-8").splitlines():
            name, _, value = line.partition(":")
            if name.strip() == "model name":
                return value.strip()
    return platform.processor() or "unknown processor"
