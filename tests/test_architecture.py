"""The arrows of docs/explanation/architecture.md: who may import whom."""

from __future__ import annotations

import ast
import functools
import re
import subprocess
import sys
from collections import Counter
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

import pytest_mailnet

PACKAGE = Path(pytest_mailnet.__file__).parent
DOCUMENT = Path(__file__).parent.parent / "docs" / "explanation" / "architecture.md"
NAME = "pytest_mailnet"
PRODUCTS = {"exim", "opensmtpd", "postfix", "sendmail"}
MOST_FILES = 12

# What only these may import; a folder stands for all that is in it.
PLACES = {
    "pytest": {"plugin"},
    "_pytest": set(),
    "aiosmtpd": {"net.inhabitants", "server.handler_end", "server.handler_hooks"},
    "dnslib": {"dns.packets"},
    "dns": {"dns.zonefile", "dns.presentation_form", "cli.demo", "entry.adapters", "relay.routing"},
    "trio": {"entry.adapters"},
    "twisted": {"entry.adapters"},
    "uvloop": {"entry.adapters"},
    "pycares": {"entry.adapters"},
    "gevent": {"entry.adapters"},
    "eventlet": {"entry.adapters"},
    # Locks and threads come from `system`: those of the module may be greenlets'.
    "threading": {
        "audit.sleeping",
        "system.native",
        "mailboxes.waiting",
        "entry.handing",
        "entry.origins",
        "entry.starting",
        "entry.waits",
    },
    "OpenSSL": {"entry.adapters"},
    "_socket": {"entry", "system.kernel"},
    "socket": {"entry", "net.dialling", "net.looking_up", "server", "system.kernel"},
    "asyncio": {"audit.function", "entry", "mailboxes.waiting", "relay", "server", "system.kernel"},
    "ssl": {"certificates", "entry", "providers", "relay", "server"},
    "trustme": {"certificates"},
    "smtplib": {"cli.demo"},
    "hypothesis": {"audit.search", "strategies"},
}


@functools.cache
def modules() -> dict[str, Path]:
    """Every module's file, by its name without that of the package."""
    names = {".".join(it.relative_to(PACKAGE).with_suffix("").parts): it for it in PACKAGE.rglob("*.py")}
    return {name.removesuffix("__init__").removesuffix(".") or NAME: path for name, path in names.items()}


@functools.cache
def imports(module: str) -> frozenset[str]:
    """All modules that a module names in an import, inside functions and for the type checker too."""
    found = set()
    for node in ast.walk(ast.parse(modules()[module].read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module}: a relative import hides where its arrow goes"
            names = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= {name if name.removeprefix(f"{NAME}.") in modules() else node.module for name in names}
    return frozenset(found)


def own_imports(module: str) -> set[str]:
    """The modules of the package that one of them imports."""
    return {it.removeprefix(f"{NAME}.") for it in imports(module) if it.startswith(f"{NAME}.")}


def room(module: str) -> str:
    return module.split(".", maxsplit=1)[0]


@functools.cache
def layers() -> dict[str, int]:
    """The number of each room's line in the table, counted from below."""
    [table] = re.findall(r"(?ms)^```layers\n(.*?)^```$", DOCUMENT.read_text("utf-8"))
    rows = [line.partition("  ")[0].split() for line in table.splitlines() if not line.startswith(" ")]
    return {name: number for number, row in enumerate(reversed(rows)) for name in row}


def test_the_table_names_every_room_and_no_other():
    assert set(layers()) == set(map(room, modules()))


@pytest.mark.parametrize("here", sorted(set(map(room, modules()))))
def test_a_room_imports_only_what_stands_below_it(here):
    arrows = {(it, other) for it in modules() if room(it) == here for other in own_imports(it)}

    assert not [
        f"{it} imports {other}"
        for it, other in sorted(arrows)
        if room(other) != here and layers()[room(other)] >= layers()[here]
    ]


def test_no_modules_import_each_other_in_a_circle():
    # A room's own face, its __init__, is not what its modules stand on.
    graph = {it: {other for other in own_imports(it) if not it.startswith(f"{other}.")} for it in modules()}

    try:
        TopologicalSorter(graph).prepare()
    except CycleError as circle:
        pytest.fail(" imports ".join(reversed(circle.args[1])))


def test_no_two_modules_have_one_name():
    counted = Counter(it.split(".")[-1] for it in modules())

    assert {name for name, times in counted.items() if times > 1} <= PRODUCTS


def test_no_two_public_classes_have_one_name():
    counted = Counter(
        node.name
        for path in modules().values()
        for node in ast.parse(path.read_text("utf-8")).body
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_")
    )

    assert not [name for name, times in counted.items() if times > 1]


def test_the_top_level_is_few_files():
    assert len([it for it in PACKAGE.iterdir() if it.is_file()]) <= MOST_FILES


@pytest.mark.parametrize("library", PLACES)
def test_a_library_is_imported_only_in_its_places(library):
    users = {it for it in modules() if any(room(name) == library for name in imports(it))}

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
