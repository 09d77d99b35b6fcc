"""The `mailnet` command as a module: `python -m pytest_mailnet`."""

from __future__ import annotations

from pytest_mailnet.cli.main import main

__all__: list[str] = []

if __name__ == "__main__":
    raise SystemExit(main())
