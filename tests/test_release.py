"""What is released: wheel and sdist have what they should and no more, and workflows run only what they name."""

from __future__ import annotations

import configparser
import email
import re
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SOURCE = ROOT / "src"
PROJECT = "https://github.com/pytest-mailnet/pytest-mailnet"
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
BUILD = """\
import sys
from hatchling.build import build_sdist, build_wheel
build_sdist(sys.argv[1])
build_wheel(sys.argv[1])
"""


def files(*patterns, under=SOURCE):
    """Files of the work tree whose names match, as paths below a folder."""
    return {
        path.relative_to(under).as_posix()
        for pattern in patterns
        for path in under.rglob(pattern)
        if path.is_file()
    }


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """A folder with wheel and sdist, built by the backend itself: nothing is fetched."""
    pytest.importorskip("hatchling")
    if not SOURCE.is_dir():
        pytest.skip("there is no source to build from, only the package as it is installed")
    folder = tmp_path_factory.mktemp("dist")
    subprocess.run([sys.executable, "-c", BUILD, folder], cwd=ROOT, check=True, capture_output=True)
    return folder


@pytest.fixture(scope="module")
def wheel(built):
    """The wheel's files by name."""
    [path] = built.glob("*.whl")
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name).decode() for name in archive.namelist()}


@pytest.fixture(scope="module")
def dist_info(wheel):
    """The wheel's metadata files by their short names."""
    return {name.partition(".dist-info/")[2]: text for name, text in wheel.items() if ".dist-info/" in name}


@pytest.fixture(scope="module")
def metadata(dist_info):
    """The wheel's core metadata."""
    return email.message_from_string(dist_info["METADATA"])


@pytest.fixture(scope="module")
def sdist(built):
    """The names of the sdist's files, without the folder that all are in."""
    [path] = built.glob("*.tar.gz")
    with tarfile.open(path) as archive:
        return {name.partition("/")[2] for name in archive.getnames()}


def test_the_wheel_has_all_code_and_all_data_of_the_package(wheel):
    package = files("*.py", "*.toml", "py.typed")

    missing = package - wheel.keys()

    assert missing == set()


@pytest.mark.parametrize("pattern", [r"py\.typed", r".*/site/sitecustomize\.py", r".*/gmail\.toml"])
def test_the_wheel_has_what_is_found_by_its_name(wheel, pattern):
    found = [name for name in wheel if re.fullmatch(f"pytest_mailnet/{pattern}", name)]

    assert len(found) == 1


def test_the_wheel_has_only_the_package_and_its_metadata(wheel):
    folders = {name.partition("/")[0] for name in wheel}

    package, metadata = sorted(folders)
    assert package == "pytest_mailnet"
    assert re.fullmatch(r"pytest_mailnet-[\d.]+\.dist-info", metadata)
    assert [name for name in wheel if re.search(r"/(test_|conftest)", name)] == []


@pytest.mark.parametrize("folder", ["src", "tests", "docs", "examples", "benchmarks", "changes"])
def test_the_sdist_has_the_texts_of_a_folder(sdist, folder):
    texts = {f"{folder}/{name}" for name in files("*.py", "*.toml", "*.md", under=ROOT / folder)}

    missing = texts - sdist

    assert texts
    assert missing == set()


def test_the_sdist_has_what_a_packager_needs_to_test_it(sdist):
    documents = {"README.md", "CHANGELOG.md", "CONTRIBUTING.md", "LICENSE"}
    needed = {*documents, "PKG-INFO", "pyproject.toml", "tox.ini"}

    missing = needed - sdist

    assert missing == set()


def test_no_leavings_of_python_are_released(sdist, wheel):
    leavings = [name for name in sdist | wheel.keys() if "__pycache__" in name or name.endswith(".pyc")]

    assert leavings == []


def test_the_wheel_brings_pytest_a_plugin_and_the_shell_a_command(dist_info):
    entries = configparser.ConfigParser()

    entries.read_string(dist_info["entry_points.txt"])

    assert {section: dict(entries[section]) for section in entries.sections()} == {
        "console_scripts": {"mailnet": "pytest_mailnet.cli.main:main"},
        "pytest11": {"mailnet": "pytest_mailnet.plugin"},
    }


def test_the_metadata_lead_to_the_project(metadata):
    urls = dict(value.split(", ") for value in metadata.get_all("Project-URL"))

    assert urls.keys() == {"Homepage", "Documentation", "Changelog", "Issues", "Source"}
    assert urls.pop("Documentation") == "https://pytest-mailnet.readthedocs.io/"
    assert {url for url in urls.values() if url != PROJECT and not url.startswith(f"{PROJECT}/")} == set()


def test_a_url_that_names_a_file_names_one_that_there_is(metadata):
    urls = [value.split(", ")[1] for value in metadata.get_all("Project-URL")]

    named = [url.removeprefix(f"{PROJECT}/blob/main/") for url in urls if "/blob/" in url]

    assert named
    assert [name for name in named if not (ROOT / name).is_file()] == []


def test_the_licence_is_told_and_comes_along(metadata, dist_info):
    assert metadata["License-Expression"] == "MIT"
    assert metadata.get_all("License-File") == ["LICENSE"]
    assert dist_info["licenses/LICENSE"] == (ROOT / "LICENSE").read_text("utf-8")


def test_a_fragment_of_the_changelog_has_a_type_that_the_changelog_knows():
    towncrier = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["towncrier"]
    types = "|".join(kind["directory"] for kind in towncrier["type"])
    names = {path.name for path in (ROOT / towncrier["directory"]).iterdir()} - {"README.md"}

    strange = [name for name in names if not re.fullmatch(rf"(\d+|\+[\w-]+)\.({types})(\.\d+)?\.md", name)]

    assert strange == []


def test_the_changelog_has_the_line_below_which_fragments_go():
    changelog = (ROOT / "CHANGELOG.md").read_text("utf-8")

    before = changelog.partition("<!-- towncrier release notes start -->\n")[0]

    assert "\n## " not in before
    assert before != changelog


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.stem)
class TestAWorkflow:
    """The workflows are no part of the sdist; where they are not, nothing is tested."""

    def test_names_the_commit_and_the_version_of_each_action(self, workflow):
        used = re.findall(r"(?m)^[- ]*uses: *(.*)$", workflow.read_text("utf-8"))

        loose = [
            action
            for action in used
            if not action.startswith("$/")  # of the same commit
            and not re.fullmatch(r"[\w-]+/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", action)
        ]

        assert used
        assert loose == []

    def test_gives_its_jobs_no_permissions_by_default(self, workflow):
        text = workflow.read_text("utf-8")

        assert re.findall(r"(?m)^permissions:.*$", text) == ["permissions: {}"]

    def test_leaves_no_credentials_in_a_checkout(self, workflow):
        text = workflow.read_text("utf-8")

        checkouts = len(re.findall(r"uses: actions/checkout@", text))
        careful = re.findall(
            r"uses: actions/checkout@.*\n +with:\n(?: {10}.*\n)*? {10}persist-credentials: false\n", text
        )

        assert len(careful) == checkouts

    def test_lets_only_the_publishing_job_ask_for_an_identity(self, workflow):
        jobs = re.split(r"(?m)^  (?=[\w-]+:$)", workflow.read_text("utf-8").partition("\njobs:\n")[2])

        asking = [job.partition(":")[0] for job in jobs if "id-token: write" in job]

        assert asking == {"release": ["publish"], "docs": ["deploy"]}.get(workflow.stem, [])
