"""`--mailnet-html`: a page for each failing test that has a net."""

from __future__ import annotations

import stat

import pytest

from pytest_mailnet.plugin.lane_pages import page_name

SUITE = """
import smtplib

import pytest

@pytest.mark.parametrize("to", ["alice@shop.example"])
def test_it_fails(mailnet, to):
    mailnet.add_server("mx.shop.example", domain="shop.example").on_rcpt("carl@*").reply("450 No").times(1)
    with smtplib.SMTP("mx.shop.example", 25) as client:
        client.sendmail("bob@sender.example", [to], "Subject: <script>\\r\\n\\r\\nhello\\r\\n")

def test_it_fails_otherwise(mailnet):
    assert False

def test_it_passes(mailnet):
    pass

def test_it_has_no_net():
    assert False
"""
PAGES = [
    f"{page_name('test_suite.py::test_it_fails[alice@shop.example]')}",
    "test_suite.py-test_it_fails_otherwise.html",
]


@pytest.fixture(autouse=True)
def _suite(pytester):
    pytester.makepyfile(test_suite=SUITE)
    pytester.makeini("[pytest]\naddopts = -p no:randomly\n")


def names(folder):
    return sorted(it.name for it in folder.iterdir())


@pytest.mark.usefixtures("beside_others")
@pytest.mark.parametrize("processes", [(), ("-n", "2")])
def test_each_failing_test_with_a_net_has_a_page_that_its_section_names(pytester, processes):
    result = pytester.runpytest_subprocess("--mailnet-html=all/pages", *processes)

    result.assert_outcomes(failed=3, passed=1)
    folder = pytester.path / "all" / "pages"
    assert names(folder) == sorted(PAGES)
    told = result.stdout.str()
    assert all(f"... as lanes: {folder / name}\n" in told for name in PAGES)


def test_a_page_has_what_happened_and_what_did_not(pytester):
    pytester.runpytest_inprocess("--mailnet-html=pages")

    page = (pytester.path / "pages" / PAGES[0]).read_text("utf-8")
    assert "test_suite.py::test_it_fails[alice@shop.example]</h1>" in page
    assert "Subject: &lt;script&gt;" in page
    assert "<script>" not in page
    assert "on_rcpt(&#x27;carl@*&#x27;).reply(&#x27;450 No&#x27;).times(1) was given 0 of 1 time" in page


def test_pages_are_their_user_s_alone(pytester):
    pytester.runpytest_inprocess("--mailnet-html=pages")

    folder = pytester.path / "pages"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(it.stat().st_mode) for it in folder.iterdir()} == {0o600}


def test_a_page_of_a_run_before_is_replaced(pytester):
    folder = pytester.mkdir("pages")
    target = pytester.path / "elsewhere"
    target.write_text("untouched")
    (folder / PAGES[0]).symlink_to(target)
    (folder / PAGES[1]).write_text("old")

    pytester.runpytest_inprocess("--mailnet-html=pages")

    assert target.read_text() == "untouched"
    assert "test_it_fails_otherwise</h1>" in (folder / PAGES[1]).read_text("utf-8")
    assert stat.S_IMODE((folder / PAGES[1]).stat().st_mode) == 0o600


def test_the_folder_of_the_ini_file_is_beside_it(pytester, monkeypatch):
    pytester.makeini("[pytest]\nmailnet_html = pages\n")
    below = pytester.mkdir("below")
    monkeypatch.chdir(below)

    pytester.runpytest_inprocess(pytester.path / "test_suite.py")

    assert names(pytester.path / "pages") == sorted(PAGES)
    assert names(below) == []


def test_without_the_option_there_are_no_pages_and_nothing_is_imported_for_them(pytester):
    pytester.makeconftest(
        """
        import sys

        def pytest_unconfigure():
            print([it for it in sys.modules if "lane" in it or "page" in it and it.startswith("pytest_mailnet.")])
        """
    )

    result = pytester.runpytest_subprocess("-s")

    result.assert_outcomes(failed=3, passed=1)
    assert result.outlines[-1] == "[]"
    assert "as lanes" not in result.stdout.str()


def test_a_page_is_written_though_no_section_is_wanted(pytester):
    result = pytester.runpytest_inprocess("--mailnet-html=pages", "--mailnet-log=never")

    assert "as lanes" not in result.stdout.str()
    assert names(pytester.path / "pages") == sorted(PAGES)


def test_a_test_that_passes_has_no_page_though_its_section_is_shown(pytester):
    result = pytester.runpytest_inprocess("--mailnet-html=pages", "--mailnet-log=always", "-k", "passes")

    result.stdout.fnmatch_lines(["*- mailnet: *test_it_passes*"])
    assert not (pytester.path / "pages").exists()


def test_a_folder_that_cannot_be_made_is_told_in_the_section(pytester):
    (pytester.path / "pages").write_text("a file")

    result = pytester.runpytest_inprocess("--mailnet-html=pages", "-k", "otherwise")

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["... as lanes: no page: *File exists*"])


def test_names_of_pages_are_plain_and_differ():
    assert page_name("tests/test_shop.py::TestIt::test_order") == "tests-test_shop.py-TestIt-test_order.html"
    cases = ["test_a.py::test_it[x y]", "test_a.py::test_it[x_y]", "test_a.py::test_it[ü]", f"a::{'x' * 500}"]
    made = {page_name(it) for it in [*cases, f"a::{'x' * 501}", "a::../../x", "a::\ud800"]}
    assert len(made) == 7
    assert all(len(it) < 140 and it.isascii() and "/" not in it for it in made)
