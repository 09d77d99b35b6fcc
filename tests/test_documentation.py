"""Every Python block of the README and of the recipes runs, and pytest prints what the README shows."""

from __future__ import annotations

import dataclasses
import json
import re
import shutil
import textwrap
from pathlib import Path

import pytest

import pytest_mailnet
from pytest_mailnet import errors, plugin
from pytest_mailnet.cli.main import main
from pytest_mailnet.config import MailNetConfig

ROOT = Path(__file__).parent.parent
BLOCK = re.compile(r"^(?P<fails><!-- fails .*-->\n)?```python\n(?P<code>.*?)^```$", re.MULTILINE | re.DOTALL)
INI = """\
[pytest]
asyncio_default_fixture_loop_scope = function
filterwarnings = error
"""


def blocks(document):
    """A document's blocks as test modules: name, code, and whether the document says that it fails."""
    text = document.read_text("utf-8")
    page = document.stem.replace("-", "_").lower()
    for found in BLOCK.finditer(text):
        code = found["code"]
        line = text[: found.start("code")].count("\n") + 1
        module = re.match(r"# (\w+)\.py\n", code)
        if module:
            yield module[1], code, False
        elif "def test_" in code:
            yield f"test_{page}_{line}", code, bool(found["fails"])
        else:
            yield f"test_{page}_{line}", in_a_test(code), False


def in_a_test(code):
    """Lines that use `mailnet` without a test around them."""
    return (
        "import pytest\n\n@pytest.mark.mailnet(strict=False)\ndef test_lines(mailnet):\n"
        f"{textwrap.indent(code, '    ')}"
    )


def timeless(text):
    """A report with times, ports and queue ids put away."""
    # smtplib writes them in lower case since Python 3.13.
    text = re.sub("mail from:|rcpt to:", lambda verb: verb[0][:5] + verb[0][5:].upper(), text)
    text = re.sub(r"(?m)^(E  )? +\d+\.\d ms ", " TIME ", text)
    text = re.sub(r"203\.0\.113\.7:\d+", "203.0.113.7:PORT", text)
    text = re.sub(r"written at test_\w+\.py", "written at FILE", text)
    return re.sub(r"queued as [0-9a-f]{12}", "queued as ID", text)


@pytest.mark.usefixtures("beside_others")
@pytest.mark.parametrize("documents", ["README.md", "docs/how-to/*.md", "docs/coming-from/*.md"])
def test_the_blocks_of_the_documents_run(pytester, documents):
    found = [(name, code) for page in ROOT.glob(documents) for name, code, fails in blocks(page) if not fails]
    modules = dict(found)
    assert len(modules) == len(found), "two blocks are modules of one name"
    if shutil.which("curl") is None:
        modules = {name: code for name, code in modules.items() if '"curl"' not in code}
    pytester.makepyfile(**modules)
    pytester.makeini(INI)

    result = pytester.runpytest_subprocess("-p", "no:randomly")

    tests = sum(len(re.findall(r"(?m)^def test_", code)) for code in modules.values())
    in_namespaces = sum(len(re.findall(r"(?m)^def test_.*mailnet_process", it)) for it in modules.values())
    assert tests >= 3
    outcomes = result.parseoutcomes()
    skipped = outcomes.pop("skipped", 0)  # where there are no namespaces
    assert outcomes.keys() == {"passed"}
    assert outcomes["passed"] + skipped >= tests  # one with a mark runs once with each fault
    assert skipped in {0, in_namespaces}


@pytest.mark.usefixtures("beside_others")
def test_the_tests_of_the_tutorial_pass_at_the_end_of_each_section(pytester):
    text = (ROOT / "docs" / "tutorial.md").read_text("utf-8")
    pytester.makeini(INI)
    ran = []

    for section in text.split("\n## "):
        found = {code.split(".py", 1)[0].removeprefix("# "): code for _, code in BLOCK.findall(section)}
        if found:
            pytester.makepyfile(**found)
            ran.append(pytester.runpytest_subprocess("-p", "no:randomly", "--mailnet-cov"))

    assert [list(it.parseoutcomes()) for it in ran] == [["passed"]] * 5
    [shown] = re.findall(r"(?ms)^\$ pytest --mailnet-cov\n…\n(.*?)^```$", text)
    ran[-1].stdout.fnmatch_lines(shown.splitlines(), consecutive=True)


def test_the_readme_is_one_page():
    assert len((ROOT / "README.md").read_text("utf-8").splitlines()) <= 150


def test_the_numbers_in_the_readme_are_those_of_the_catalogue(capsys):
    readme = (ROOT / "README.md").read_text("utf-8")

    counted = []
    for listed in ("replies", "providers", "faults"):
        main([listed, "--json"])
        names = [it.get("name", "") for it in json.loads(capsys.readouterr().out)]
        counted.append(sum(not re.search(r"-[\d.]+$", name) for name in names))

    told = re.search(r"([\d,]+) \[replies\]\S+ of (\d+) \[providers and servers\]", readme)
    faults = re.search(r"(\d+) \[faults\]", readme)
    assert [int(it.replace(",", "")) for it in (*told.groups(), faults[1])] == counted


@pytest.mark.usefixtures("beside_others")
def test_the_failing_block_prints_what_the_page_shows(pytester):
    page = ROOT / "docs" / "how-to" / "read-a-failure.md"
    [(name, code)] = [(name, code) for name, code, fails in blocks(page) if fails]
    pytester.makepyfile(**{name: code})
    pytester.makeini(INI)
    [shown] = re.findall(r"(?ms)^```text\n(.*?)^```$", page.read_text("utf-8").partition("<!-- fails")[2])

    result = pytester.runpytest_subprocess("-p", "no:randomly", "--tb=line")

    result.assert_outcomes(failed=1)
    message, title, section = re.split(r"(?m)^(-+ mailnet -+\n)", timeless(shown))
    printed = timeless("\n".join(result.outlines) + "\n")
    assert title + section in printed
    for line in message.splitlines():
        assert line.strip() in printed


def test_a_link_to_a_file_leads_to_a_file():
    documents = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]

    missing = [
        f"{document.name}: {target}"
        for document in documents
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", document.read_text("utf-8"))
        if not (document.parent / target).exists()
    ]

    assert missing == []


def test_an_option_that_a_page_names_is_one_of_the_plugin(pytester):
    known = set(re.findall(r"--mailnet-[a-z-]+", pytester.runpytest_inprocess("--help").stdout.str()))
    documents = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]

    named = {
        it for page in documents for it in re.findall(r"(?<!-)--mailnet-[a-z-]+", page.read_text("utf-8"))
    }

    assert named <= known


def test_a_link_to_the_site_leads_to_a_page():
    texts = "\n".join((ROOT / name).read_text("utf-8") for name in ("README.md", "pyproject.toml"))

    linked = re.findall(r"https://pytest-mailnet\.readthedocs\.io/en/latest/([\w./-]*)\.html", texts)

    assert len(linked) > 20
    assert [it for it in linked if not (ROOT / "docs" / f"{it}.md").exists()] == []


def ways():
    """The rows of the table at the end of docs/explanation/interception.md: way, how it ends, since when, held by."""
    text = (ROOT / "docs" / "explanation" / "interception.md").read_text("utf-8")
    lines = text.partition("## The ways\n")[2].partition("\n| --- |")[2].splitlines()[1:]
    return [[cell.strip() for cell in line.strip("| ").split(" | ")] for line in lines]


WAYS = ways()


def test_the_table_of_ways_ends_the_document():
    assert len(WAYS) > 30
    assert len({way for way, *_ in WAYS}) == len(WAYS)


@pytest.mark.parametrize("row", WAYS, ids=lambda row: row[0][:60])
def test_a_way_is_held_by_tests_that_there_are_or_tells_what_to_do(row):
    _, ends, since, held = row
    named = re.findall(r"`([\w./]+\.py)::(\w+)`", held)

    assert [test for file, test in named if f"def {test}(" not in text_of(file)] == []
    if ends == "not reached":
        assert since == "–"
        assert len(held.split()) > len(named), "what is there to do instead?"
    else:
        assert ends in {"led", "stopped"}
        assert re.fullmatch(r"\d\d\.\d\d?", since)
        assert [f"`{file}::{test}`" for file, test in named] == held.split(), "it names tests, and no more"


def text_of(file):
    """A file of tests, from the folder of clients."""
    return (ROOT / "tests" / "entry" / file).read_text("utf-8")


REFERENCE = ROOT / "docs" / "reference"


def test_the_reference_lists_every_setting_with_its_default():
    table = re.findall(r"(?m)^\| `(\w+)` \| `?(\w+)`?", (REFERENCE / "settings.md").read_text("utf-8"))

    assert dict(table) == {
        field.name: str(field.default).lower().replace("()", "none")
        for field in dataclasses.fields(MailNetConfig)
    }


def test_the_reference_lists_every_fixture_mark_and_option(pytester):
    page = (REFERENCE / "fixtures.md").read_text("utf-8")
    told = " ".join(re.findall(r"(?m)^\| `(.+?)`", page))

    marks = pytester.runpytest("--markers").outlines
    helped = "\n".join(pytester.runpytest("--help").outlines)
    there = {
        *plugin.__all__,
        *re.findall(r"@pytest\.mark\.mailnet\w*", "\n".join(marks)),
        *re.findall(r"(?m)^ +(--mailnet-[\w-]+)", helped),
        *re.findall(r"(?m)^ +(mailnet_\w+) \(", helped),
    }

    settings = {f"mailnet_{field.name}" for field in dataclasses.fields(MailNetConfig)}
    assert [it for it in there - settings if it not in told] == []


def test_every_error_that_links_to_a_section_on_troubleshooting_has_one():
    titles = re.findall(r"(?m)^## (.+)$", (ROOT / "docs" / "troubleshooting.md").read_text("utf-8"))
    anchors = {title.lower().replace(" ", "-") for title in titles}

    linked = [getattr(errors, name) for name in errors.__all__]
    wanted = {it.section for it in linked if issubclass(it, errors.MailNetError) and it.section}
    wanted.add("no-failure-is-found")  # of `mailnet.reproduce`, where evidence tells of nothing

    assert len(wanted) > 5
    assert wanted <= anchors


def test_every_name_to_import_is_in_the_reference():
    pages = "\n".join(page.read_text("utf-8") for page in (REFERENCE / "api").glob("*.md"))
    shown = re.findall(r"(?m)^\.\. auto(?:class|data|exception):: (\w+)$", pages)

    assert sorted(shown) == sorted(pytest_mailnet.__all__)


@pytest.mark.parametrize(
    ("document", "arguments"),
    [
        ("replies.md", ["replies", "--markdown"]),
        ("rules.md", ["rules"]),
        ("providers.md", ["providers", "--markdown"]),
        ("faults.md", ["faults", "--markdown"]),
    ],
)
def test_the_tables_of_the_documentation_are_those_of_the_command(capsys, document, arguments):
    main(arguments)

    table = capsys.readouterr().out.strip()
    written = (ROOT / "docs" / "reference" / document).read_text("utf-8").strip()
    assert written.endswith(table), (
        f"docs/reference/{document} is not what `mailnet {' '.join(arguments)}` prints"
    )
