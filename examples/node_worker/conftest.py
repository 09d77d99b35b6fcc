"""Finds node and nodemailer: in MAILNET_NODE_MODULES, or where `npm install` has put it in this folder."""

import os
import shutil
from pathlib import Path

import pytest

HERE = Path(__file__).parent


@pytest.fixture(scope="session")
def worker():
    """The command line of the worker, up to the file of jobs."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not installed")
    modules = Path(os.environ.get("MAILNET_NODE_MODULES") or HERE / "node_modules")
    if not (modules / "nodemailer").is_dir():
        pytest.skip("nodemailer is not installed: npm install --prefix examples/node_worker")
    return ["env", f"NODE_PATH={modules}", node, str(HERE / "worker.js")]
