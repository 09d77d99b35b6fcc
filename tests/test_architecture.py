"""The arrows of docs/architecture.md: who may import whom."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

import pytest_mailnet

PACKAGE = Path(pytest_mailnet.__file__).parent
DOCUMENT = Path(__file__).parent.parent / "docs" / "architecture.md"
NAME = "pytest_mailnet"

# What only these may import; a folder stands for all that is in it.
PLACES = {
    "pytest": {"never_off", "plugin", "section"},
    "_pytest": set(),
    "aiosmtpd": {"wire.smtpserver"},
    "dnslib": {"dns.nameserver"},
    "dns": {"dns.masterfile", "dns.records", "demo", "intercept", "relaying"},
    "trio": {"intercept"},
    "twisted": {"intercept"},
    "uvloop": {"intercept"},
    "pycares": {"intercept"},
    "gevent": {"intercept"},
    "eventlet": {"intercept"},
    # Locks and threads come from `native`: those of the module may be greenlets'.
    "threading": {
        "native",
        "waiting",
        "intercept.handing",
        "intercept.origins",
        "intercept.starting",
        "intercept.waits",
    },
    "OpenSSL": {"intercept"},
    "_socket": {"intercept", "wire.kernel"},
    "socket": {"intercept", "reach", "wire"},
    "asyncio": {"children", "faults", "intercept", "relaying", "waiting", "wire"},
    "ssl": {"certificates", "intercept", "providers", "relaying", "wire"},
    "trustme": {"certificates"},
    "smtplib": {"demo"},
    "hypothesis": {"strategies"},
}


def modules() -> list[tuple[str, Path]]:
    """Every module's file, with the unit of the table that it belongs to."""
    found = []
    for path in sorted(PACKAGE.rglob("*.py")):
        unit = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
        found.append((NAME if unit == "__init__" else unit, path))
    return found


def imports(path: Path) -> set[str]:
    """All modules that a file names in an import, inside functions and for the type checker too."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path.name}: a relative import hides where its arrow goes"
            found |= (
                {node.module} if node.module != NAME else {f"{NAME}.{alias.name}" for alias in node.names}
            )
    return found


def units(path: Path) -> set[str]:
    """The units of the table that a file imports."""
    return {name.split(".")[1] for name in imports(path) if name.startswith(f"{NAME}.")}


def layers() -> dict[str, int]:
    """The number of each unit's line in the table, counted from below."""
    [table] = re.findall(r"(?ms)^```layers\n(.*?)^```$", DOCUMENT.read_text("utf-8"))
    rows = [line.partition("  ")[0].split() for line in table.splitlines() if not line.startswith(" ")]
    return {unit: number for number, row in enumerate(reversed(rows)) for unit in row}


def test_the_table_names_every_module_and_no_other():
    assert set(layers()) == {unit for unit, _ in modules()}


@pytest.mark.parametrize(("unit", "path"), modules(), ids=lambda it: it.stem if isinstance(it, Path) else it)
def test_a_module_imports_only_what_stands_below_it(unit, path):
    level = layers()

    assert not [other for other in units(path) - {unit} if level[other] >= level[unit]]


@pytest.mark.parametrize("library", PLACES)
def test_a_library_is_imported_only_in_its_places(library):
    users = {
        ".".join(path.relative_to(PACKAGE).with_suffix("").parts)
        for _, path in modules()
        if any(name.split(".")[0] == library for name in imports(path))
    }

    assert not [
        user for user in users if not any(user == it or user.startswith(f"{it}.") for it in PLACES[library])
    ]


@pytest.mark.parametrize("module", ["pytest_mailnet", "pytest_mailnet.plugin"])
def test_a_test_run_without_mail_imports_no_library_of_ours(module):
    code = (
        f"import sys, {module}; "
        "print(sorted({name.split('.')[0] for name in sys.modules} & {'aiosmtpd', 'dnslib', 'dns'}), "
        "sorted(name for name in sys.modules if name.startswith('pytest_mailnet.')))"
    )
    own = [] if module == NAME else [module]

    assert run(code) == f"[] {own}"


def run(code: str) -> str:
    """What a fresh interpreter prints."""
    return subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True, timeout=30
    ).stdout.strip()
