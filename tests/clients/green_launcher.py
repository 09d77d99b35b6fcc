"""Runs pytest in a process that the library in GREEN has patched, unless PATCHED is "no"."""

import os
import sys
import warnings

if os.environ["PATCHED"] == "no":
    pass
elif os.environ["GREEN"] == "gevent":
    from gevent import monkey

    monkey.patch_all()
else:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it says of itself that it is deprecated
        import eventlet

        eventlet.monkey_patch()

import pytest

if __name__ == "__main__":
    sys.exit(pytest.main(sys.argv[1:]))
