"""Source distributions whose own tests are held against the net, and may not be copied into this tree.

`tox -e oracles` has pip lay them into a folder, and names it in `MAILNET_SDISTS`. Nothing here asks a network.
"""

from __future__ import annotations

import os
import tarfile
from pathlib import Path

import pytest

__all__ = ["unpacked"]


def unpacked(project: str, folder: Path) -> Path:
    """Unpack the source distribution of a project into a folder; skips the test where there is none."""
    found = sorted(Path(os.environ.get("MAILNET_SDISTS", "/nowhere")).glob(f"{project}-*.tar.gz"))
    if not found:
        pytest.skip(
            f"no source distribution of {project}: `pip download --no-deps --no-binary :all: {project}` "
            "gets it into the folder that MAILNET_SDISTS names"
        )
    with tarfile.open(found[-1]) as archive:
        archive.extractall(folder, filter="data")
    return folder / found[-1].name.removesuffix(".tar.gz")
