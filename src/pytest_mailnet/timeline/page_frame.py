"""What all pages of HTML have in common: they stand alone, run nothing, and follow the reader's colours."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable
from html import escape

from pytest_mailnet.printable import printable

__all__ = ["escaped", "page"]

_STYLE = """\
:root { color-scheme: light dark; --ink: #1c2024; --paper: #fff; --pale: #f1f3f5; --rule: #c9d1d9;
--good: #1a7f37; --bad: #c62828; --maybe: #9a5b00; --asks: #1f5fbf; --names: #7a3fb0;
--good-pale: #d8f3dc; --bad-pale: #ffe3e0 }
@media (prefers-color-scheme: dark) { :root { --ink: #e4e4e4; --paper: #161616; --pale: #242628;
--rule: #454c54; --good: #81c784; --bad: #ff8a80; --maybe: #ffcc80; --asks: #8ab8ff; --names: #cfa8ff;
--good-pale: #1d3b25; --bad-pale: #4a2320 } }
body { font: 15px/1.45 system-ui, sans-serif; margin: 2em auto; max-width: 62em; padding: 0 1em;
background: var(--paper); color: var(--ink) }
h1 { font-size: 1.4em; overflow-wrap: anywhere } h2 { font-size: 1.1em; margin: 2em 0 .5em }
table { border-collapse: collapse; width: 100% }
code, pre { font: 13px/1.4 ui-monospace, monospace } pre { overflow-x: auto }
"""


def page(title: str, style: str, body: Iterable[str]) -> str:
    """A page that needs no other file. Browsers are told to load nothing and to run nothing.

    Args:
        title: its title, not escaped.
        style: its style, besides what all pages have.
        body: its lines, escaped.
    """
    style = f"\n{_STYLE}{style}"
    # What is inside of a mail can neither run nor change how the page looks, even where it were not escaped.
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    rules = f"default-src 'none'; style-src 'sha256-{digest}'"
    return "\n".join(
        (
            '<!doctype html>\n<html lang="en" dir="ltr">\n<head>\n<meta charset="utf-8">',
            f'<meta http-equiv="Content-Security-Policy" content="{rules}">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>{escaped(title)}</title>\n<style>{style}</style>\n</head>\n<body>",
            f"<h1>{escaped(title)}</h1>",
            *body,
            "</body>\n</html>\n",
        )
    )


def escaped(text: str) -> str:
    """A text from anybody in one line, as HTML has it; unprintable characters as `printable` writes them."""
    return escape(printable(text))
