"""The documentation as a site: `tox -e docs`."""

from __future__ import annotations

import contextlib
import io
import os
import re
from importlib.metadata import version as version_of
from typing import TYPE_CHECKING, Any

from docutils import nodes
from pygments.lexers.special import TextLexer
from sphinx.ext.napoleon import Config, GoogleDocstring
from sphinx.util.docutils import SphinxDirective

from pytest_mailnet.cli.main import main

if TYPE_CHECKING:
    from sphinx.application import Sphinx

project = "pytest-mailnet"
author = copyright = "The pytest-mailnet maintainers"  # noqa: A001  # Sphinx's name
version = release = version_of("pytest-mailnet")
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx_copybutton"]
exclude_patterns = ["_build"]

html_theme = "furo"
html_title = f"{project} {version}"
html_static_path = ["_static"]
html_extra_path = ["reference/schemas"]  # their addresses are at the root of the site
html_css_files = ["site.css"]
html_theme_options = {
    "source_repository": "https://github.com/pytest-mailnet/pytest-mailnet/",
    "source_branch": "main",
    "source_directory": "docs/",
}
copybutton_prompt_text = "$ "
copybutton_only_copy_prompt_lines = False

myst_heading_anchors = 3
myst_enable_extensions = ["colon_fence", "deflist", "fieldlist"]

default_role = "code"
autodoc_typehints = "description"
autodoc_typehints_description_target = "documented"
autodoc_member_order = "bysource"
autodoc_default_options = {
    "members": True,
    "inherited-members": "tuple,str,int,list,dict,Exception,Mapping,Sequence,Popen",
}
add_module_names = False
python_use_unqualified_type_names = True

STYLE = Config(napoleon_use_ivar=True)

MADE_BY_TESTS = {
    "DnsFault",
    "Envelope",
    "Fault",
    "FaultSchedule",
    "MailNet",
    "MailNetConfig",
    "Reply",
    "RetrySchedule",
}
"""The classes that a test calls. Of all others it is given objects, and need not know how they are made."""


def as_restructured_text(
    app: Sphinx, what: str, name: str, documented: object, options: object, lines: list[str]
) -> None:
    """Read a docstring in Google's style; before a colon in that of an attribute stands no type."""
    if what == "class" and name.rpartition(".")[2] not in MADE_BY_TESTS:
        lines[:] = without_section("Args:", lines)
    lines[:] = [line.replace('"*', '"\\*') for line in lines]  # a wildcard begins no emphasis
    kind = "method" if what in {"attribute", "property"} else what
    lines[:] = GoogleDocstring(lines, STYLE, app, kind, name, documented, options).lines()
    if what == "class":
        lines += types_of_settings(documented)


def types_of_settings(kind: object) -> list[str]:
    """The types of a class's checked attributes: of a `Setting[str]` it is str, of a `Flag` it is bool."""
    written = {name: str(it) for name, it in getattr(kind, "__annotations__", {}).items()}
    found = {name: re.fullmatch(r"Setting\[(.*)\]|Flag", it) for name, it in written.items()}
    return [f":vartype {name}: {it[1] or 'bool'}" for name, it in found.items() if it]


def without_section(title: str, lines: list[str]) -> list[str]:
    """The lines of a docstring but for a section."""
    kept, inside = [], False
    for line in lines:
        inside = line == title or (inside and (not line or line.startswith(" ")))
        if not inside:
            kept.append(line)
    return kept


def without_signature(
    app: Sphinx, what: str, name: str, documented: object, options: object, signature: str, returned: str
) -> tuple[str, None] | None:
    """Show no signature of a class that a test does not call."""
    hidden = what == "class" and name.rpartition(".")[2] not in MADE_BY_TESTS
    return ("", None) if hidden else None


def skipped(
    app: Sphinx, what: str, name: str, documented: object, skip: bool, options: object
) -> bool | None:
    """Skip what a class has from `object` or keeps for itself."""
    return True if name in {"with_traceback", "add_note", "args"} else None


class CommandHelp(SphinxDirective):
    """What `mailnet` prints with these arguments and `--help`."""

    optional_arguments = 1
    final_argument_whitespace = True

    def run(self) -> list[nodes.Node]:
        """Run the command, and show what it prints."""
        os.environ["COLUMNS"] = "100"
        words = [*" ".join(self.arguments).split(), "--help"]
        with contextlib.redirect_stdout(io.StringIO()) as printed, contextlib.suppress(SystemExit):
            main(words)
        text = f"$ mailnet {' '.join(words)}\n{printed.getvalue()}"
        return [nodes.literal_block(text, text, language="console")]


def setup(app: Sphinx) -> dict[str, Any]:
    """Have the docstrings read, and code blocks of ours."""
    app.add_lexer("layers", TextLexer)  # of the table that tests/test_architecture.py reads
    app.add_directive("command-help", CommandHelp)
    app.connect("autodoc-process-docstring", as_restructured_text)
    app.connect("autodoc-process-signature", without_signature)
    app.connect("autodoc-skip-member", skipped)
    return {"parallel_read_safe": True}
