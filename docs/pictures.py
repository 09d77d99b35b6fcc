"""Makes the pictures of the documentation from real runs: `python docs/pictures.py`.

`tox -e docs` runs it first. It needs Chromium; without it, the pictures stay as they were committed. A
picture is made anew only where its page has changed in more than times, ports and queue ids, so that most
builds leave nothing to commit.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from PIL import Image, ImageChops
from PIL.PngImagePlugin import PngInfo

import pytest_mailnet

ROOT = Path(__file__).parent.parent
PICTURES = ROOT / "docs" / "_static" / "pictures"
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
MADE_FROM = "made-from"
COLOURS = 64  # of a picture; letters have soft edges, and nobody counts their greys
MARGIN = 24
VARIES = re.compile(r" *\d+\.\d+ (ms|s|seconds)\b|(?<=[:@])\d{5}\b|\b[0-9a-f]{12}\b")


class Picture(NamedTuple):
    """A picture and the run that makes its page.

    Attributes:
        name: of its file.
        size: of the window, in pixels.
        page: writes the page in an empty folder and returns its path.
        below: what stands on the page below what is seen.
    """

    name: str
    size: tuple[int, int]
    page: Callable[[Path], Path]
    below: str


def lanes(folder: Path) -> Path:
    """The failing test of the page on failures, as lanes."""
    code = block(ROOT / "docs" / "how-to" / "read-a-failure.md", r"<!-- fails .*-->\n```python\n")
    (folder / "test_shop.py").write_text(code, "utf-8")
    run(folder, ["pytest", "-p", "no:cacheprovider", "--rootdir=.", "--mailnet-html=pages"], status=1)
    [page] = (folder / "pages").iterdir()
    return page


def audit(folder: Path) -> Path:
    """The audit of the application on the page about audits."""
    code = block(ROOT / "docs" / "how-to" / "audit.md", r"```python\n(?=# app\.py\n)")
    (folder / "app.py").write_text(code, "utf-8")
    run(folder, ["pytest_mailnet", "audit", "app.py:deliver", "--html", "audit.html"], status=1)
    return folder / "audit.html"


def coverage(folder: Path) -> Path:
    """What the suite of examples/signup has met."""
    suite = folder / "signup"
    shutil.copytree(ROOT / "examples" / "signup", suite)
    options = ["-p", "no:cacheprovider", "--mailnet-cov", "--mailnet-cov-report=html:cov.html"]
    run(suite, ["pytest", *options], status=0)
    return suite / "cov.html"


ALL = (
    Picture("failure.png", (960, 1200), lanes, "</body>"),
    Picture("audit.png", (960, 700), audit, "<h2>All cases"),
    Picture("coverage.png", (960, 700), coverage, "<h2>Look-ups"),
)


def block(document: Path, opening: str) -> str:
    """The code of a block of a document.

    Args:
        document: the document.
        opening: a regular expression for what stands before the code.
    """
    found = re.search(rf"(?ms)^{opening}(.*?)^```$", document.read_text("utf-8"))
    if found is None:
        raise SystemExit(f"{document.relative_to(ROOT)} has no block after {opening!r}")
    return found[1]


def run(folder: Path, module: Sequence[str], *, status: int) -> None:
    """Run a module in a folder with this package, which may be in no environment.

    Args:
        folder: the folder.
        module: its name and arguments.
        status: its exit status, if all is as it should be.
    """
    sources = str(Path(pytest_mailnet.__file__).parent.parent)
    done = subprocess.run(
        [sys.executable, "-m", *module],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": sources, "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != status:
        raise SystemExit(f"{' '.join(module)}: exit status {done.returncode}\n{done.stdout}{done.stderr}")


def shot(browser: str, page: Path, size: tuple[int, int]) -> Path:
    """Have a browser take a picture of a page, beside it."""
    picture = page.with_suffix(".png")
    options = ["--headless", "--disable-gpu", "--hide-scrollbars", "--force-device-scale-factor=2"]
    if os.geteuid() == 0:
        options.append("--no-sandbox")  # which root cannot have; the pages are our own
    subprocess.run(
        [browser, *options, "--window-size={},{}".format(*size), f"--screenshot={picture}", page.as_uri()],
        check=True,
        capture_output=True,
        timeout=60,
    )
    return picture


def save(shown: Path, picture: Path, digest: str) -> None:
    """Save a picture without the empty ground below and most of its shades; note what it was made from.

    Args:
        shown: the picture as the browser took it.
        picture: where it is to be.
        digest: that of its page.
    """
    taken = Image.open(shown).convert("RGB")
    ground = Image.new("RGB", taken.size, taken.getpixel((0, 0)))
    *_, bottom = ImageChops.difference(taken, ground).getbbox() or taken.getbbox()
    cropped = taken.crop((0, 0, taken.width, min(bottom + MARGIN, taken.height)))
    notes = PngInfo()
    notes.add_text(MADE_FROM, digest)
    cropped.quantize(COLOURS, dither=Image.Dither.NONE).save(picture, optimize=True, pnginfo=notes)


def made_from(picture: Path) -> str | None:
    """The digest of the page that a picture was made from; None without one."""
    return Image.open(picture).info.get(MADE_FROM) if picture.exists() else None


def main() -> None:
    """Make the pictures whose pages have changed."""
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None:
        print("no Chromium: the pictures stay as they are")
        return
    PICTURES.mkdir(exist_ok=True)
    for name, size, make, below in ALL:
        with tempfile.TemporaryDirectory() as folder:
            page = make(Path(folder))
            seen = page.read_text("utf-8").partition(below)[0]
            told = f"{size} {VARIES.sub('#', seen)}"
            digest = hashlib.sha256(told.encode()).hexdigest()
            if made_from(PICTURES / name) != digest:
                save(shot(browser, page, size), PICTURES / name, digest)
                print(f"made {name}")


if __name__ == "__main__":
    main()
