"""The documentation as a site: `tox -e docs`."""

from __future__ import annotations

from importlib.metadata import version as version_of
from typing import TYPE_CHECKING, Any

from pygments.lexers.special import TextLexer
from sphinx.ext.napoleon import Config, GoogleDocstring

if TYPE_CHECKING:
    from sphinx.application import Sphinx

project = "pytest-mailnet"
author = "The pytest-mailnet maintainers"
version = release = version_of("pytest-mailnet")
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx_copybutton"]
exclude_patterns = ["_build"]

html_theme = "furo"
html_title = f"{project} {version}"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_theme_options = {
    "source_repository": "https://github.com/pytest-mailnet/pytest-mailnet/",
    "source_branch": "main",
    "source_directory": "docs/",
}
copybutton_prompt_text = "$ "
copybutton_only_copy_prompt_lines = False

myst_heading_anchors = 3
myst_enable_extensions = ["colon_fence", "fieldlist"]

default_role = "code"
autodoc_typehints = "description"
autodoc_typehints_description_target = "documented"
autodoc_member_order = "bysource"
autodoc_default_options = {"members": True, "inherited-members": "tuple,str,int,list,Exception"}
python_use_unqualified_type_names = True

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
    kind = "method" if what in {"attribute", "property"} else what
    lines[:] = GoogleDocstring(lines, Config(), app, kind, name, documented, options).lines()


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


def setup(app: Sphinx) -> dict[str, Any]:
    """Have the docstrings read, and code blocks of ours."""
    app.add_lexer("layers", TextLexer)  # of the table that tests/test_architecture.py reads
    app.connect("autodoc-process-docstring", as_restructured_text)
    app.connect("autodoc-process-signature", without_signature)
    app.connect("autodoc-skip-member", skipped)
    return {"parallel_read_safe": True}
