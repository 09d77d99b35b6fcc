"""Runs pytest in a process that the library in GREEN has patched, or has only imported if PATCHED is "no"."""

import importlib
import os
import sys
import warnings

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # eventlet says of itself that it is deprecated
    library = importlib.import_module(os.environ["GREEN"])
if os.environ["PATCHED"] == "yes" and library.__name__ == "gevent":
    importlib.import_module("gevent.monkey").patch_all()
elif os.environ["PATCHED"] == "yes":
    library.monkey_patch()

import pytest

if __name__ == "__main__":
    sys.exit(pytest.main(sys.argv[1:]))
