"""Leads a Python child process into its parent's net, before the child's own code runs.

This folder stands first in PYTHONPATH while a net includes children; the `sitecustomize` that it hides is
run after it.
"""

import importlib.machinery
import importlib.util
import os
import sys

_here = os.path.dirname(os.path.abspath(__file__))  # noqa: PTH100, PTH120  # pathlib costs a child 5 ms
_elsewhere = [entry for entry in sys.path if os.path.abspath(entry or ".") != _here]  # noqa: PTH100


def _join_net() -> None:
    parent = os.environ.get("PYTEST_MAILNET_PARENT")
    if parent is None:
        return
    package = os.path.dirname(os.path.dirname(os.path.dirname(_here)))  # noqa: PTH120
    sys.path.append(package)
    try:
        from pytest_mailnet.entry.child import join  # noqa: PLC0415
    finally:
        sys.path.remove(package)
    join(parent)


_join_net()
_hidden = importlib.machinery.PathFinder.find_spec("sitecustomize", _elsewhere)
if _hidden is not None and _hidden.loader is not None:
    _hidden.loader.exec_module(importlib.util.module_from_spec(_hidden))
