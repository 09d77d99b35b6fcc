"""The mark `mailnet_crashes`, as a user's suite has it: ids, options, and the table at the end."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET

import pytest

SUITE = """
import smtplib

import pytest

def deliver(box, when):
    for mid, state in list(box.items()):
        if state == "sent":
            continue
        if when == "first":
            box[mid] = "sent"
        with smtplib.SMTP("mx.shop.example", timeout=10) as mx:
            mx.sendmail("bob@sender.example", ["sales@shop.example"], f"Message-ID: <{mid}>\\r\\n\\r\\nhi\\r\\n")
            if when == "right":
                box[mid] = "sent"
        box[mid] = "sent"

@pytest.fixture(scope="module")
def once():
    print("ONCE")
    yield
    print("OVER")

@pytest.mark.mailnet_crashes
@pytest.mark.parametrize("when", ["first", "after", "right"])
def test_outbox(mailnet, mailnet_crash, once, when):
    mailnet.add_server("mx.shop.example", domain="shop.example")
    box = {"1@b": "deferred"}

    mailnet_crash.call(deliver, box, when)

    assert mailnet.account_for(box)

def test_other(mailnet):
    pass
"""

PLACES = 15
LOST = 12
"""A mail that is marked before it is sent: the server has not taken it yet."""
TWICE = 2
"""One that is marked after the connection has ended: QUIT, and its reply."""


@pytest.fixture(autouse=True)
def _suite(pytester):
    pytester.makepyfile(test_box=SUITE)
    pytester.makeini("[pytest]\nfilterwarnings = error\n")


def ids(result, outcome):
    """The ids of tests with an outcome, with -v, in order."""
    return re.findall(rf"(?m)^(\S+::\S+) {outcome}", "\n".join(result.outlines))


def table(result):
    lines = "\n".join(result.outlines).partition("mailnet: where the application can die")[2].splitlines()[1:]
    end = next((number for number, line in enumerate(lines) if line.startswith("=")), None)
    return [re.sub(r"\d+\.\d s", "SECONDS", line) for line in lines[:end] if line]


def test_each_place_is_a_test_and_the_table_tells_what_came_of_it(pytester):
    result = pytester.runpytest_inprocess("-v", "-s")

    result.assert_outcomes(passed=4 + 3 * PLACES - LOST - TWICE, failed=LOST + TWICE)
    assert "test_box.py::test_outbox[right-died-at-13-250-to-content-unheard]" in ids(result, "PASSED")
    assert ids(result, "FAILED")[-TWICE:] == [
        "test_box.py::test_outbox[after-died-at-14-QUIT-said]",
        "test_box.py::test_outbox[after-died-at-15-221-to-QUIT-unheard]",
    ]
    told = table(result)
    assert told[0] == "test_box.py::test_outbox[first]: 15 places, SECONDS: 3 right, 12 lost"
    assert told[1] == "  lost                1: look-up getaddrinfo mx.shop.example, said"
    assert told[LOST] == "  lost                12: content, said"
    assert told[LOST + 1 :] == [
        "test_box.py::test_outbox[after]: 15 places, SECONDS: 12 right, 1 duplicates possible, 2 duplicated",
        "  duplicated          14: QUIT, said",
        "  duplicated          15: 221 to QUIT, unheard",
        "  duplicates possible 13: 250 to content, unheard",
        "test_box.py::test_outbox[right]: 15 places, SECONDS: 14 right, 1 duplicates possible",
        "  duplicates possible 13: 250 to content, unheard",
    ]
    output = "\n".join(result.outlines)
    assert output.count("ONCE") == output.count("OVER") == 1


def test_the_last_failures_are_run_alone(pytester):
    pytester.runpytest_inprocess()

    result = pytester.runpytest_inprocess("--lf", "-v")

    result.assert_outcomes(failed=LOST + TWICE)
    assert len(ids(result, "FAILED")) == LOST + TWICE


def test_a_place_that_is_right_at_last_is_no_failure_any_more(pytester):
    pytester.runpytest_inprocess("-k", "after")
    pytester.makepyfile(test_box=SUITE.replace('if when == "right"', 'if when != "first"'))

    pytester.runpytest_inprocess("--lf").assert_outcomes(passed=TWICE)
    pytester.runpytest_inprocess("--lf", "-k", "after").assert_outcomes(passed=1 + PLACES)


def test_all_places_run_again_where_the_test_itself_has_failed(pytester):
    pytester.makepyfile(
        test_box=SUITE.replace("mailnet_crash.call", "assert when == 'right'; mailnet_crash.call")
    )
    pytester.runpytest_inprocess().assert_outcomes(failed=2, passed=2 + PLACES)
    pytester.makepyfile(test_box=SUITE)

    result = pytester.runpytest_inprocess("--lf")

    result.assert_outcomes(passed=2 + 2 * PLACES - LOST - TWICE, failed=LOST + TWICE)


def test_a_place_is_run_by_its_id(pytester):
    result = pytester.runpytest_inprocess("test_box.py::test_outbox[after-died-at-14-QUIT-said]")

    result.assert_outcomes(failed=1)
    assert table(result) == [
        "test_box.py::test_outbox[after]: 1 place, SECONDS: 1 duplicated",
        "  duplicated          14: QUIT, said",
    ]


def test_a_run_ends_at_the_first_failure_if_it_is_to(pytester):
    result = pytester.runpytest_inprocess("-x", "-k", "after")

    result.assert_outcomes(failed=1, passed=14, deselected=3)
    assert "OVER" not in "\n".join(result.errlines)


def test_the_workers_of_xdist_share_the_places(pytester, monkeypatch):
    monkeypatch.setenv("PYTEST_PLUGINS", "pytest_mailnet.plugin,xdist.plugin")

    result = pytester.runpytest_subprocess("-n", "2", "--junitxml=out.xml")

    result.assert_outcomes(passed=7 + 3 * PLACES - LOST - TWICE, failed=LOST + TWICE)
    assert {line.partition(":")[2].partition("places")[0] for line in table(result) if "places" in line} == {
        ":test_outbox[first]: 15 ",
        ":test_outbox[after]: 15 ",
        ":test_outbox[right]: 15 ",
    }
    names = [case.get("name") for case in ET.parse(pytester.path / "out.xml").iter("testcase")]  # noqa: S314
    assert len(names) == len(set(names)) == 7 + 3 * PLACES
    assert "test_outbox[right-died-at-13-250-to-content-unheard]" in names
    failed = pytester.runpytest_subprocess("-n", "2", "--lf")
    failed.assert_outcomes(failed=LOST + TWICE)


def test_each_place_is_a_case_of_junitxml_and_has_its_duration(pytester):
    result = pytester.runpytest_inprocess("--junitxml=out.xml", "--durations=0", "-vv", "-k", "right")

    names = [case.get("name") for case in ET.parse(pytester.path / "out.xml").iter("testcase")]  # noqa: S314
    assert len(names) == len(set(names)) == 1 + PLACES
    assert any("call     test_box.py::test_outbox[right-died-at-13-" in line for line in result.outlines)
    percents = [int(it) for it in re.findall(r"\[ *(\d+)%\]", "\n".join(result.outlines))]
    assert percents == sorted(percents)
    assert percents[-1] == 100


@pytest.mark.parametrize(
    ("written", "told"),
    [
        (
            "def test_it(mailnet): pass",
            "*@pytest.mark.mailnet_crashes takes nothing, and the test an argument mailnet_crash, by which it runs "
            "the application: test_it.py::test_it",
        ),
        (
            "def test_it(mailnet_crash): pass",
            "*has found no place at which the application could die: the test has started no application. "
            "mailnet_crash.run(*",
        ),
        (
            "def test_it(mailnet_crash): mailnet_crash.call(bool)",
            "*has found no place at which the application could die: the application has come to none. *",
        ),
    ],
)
def test_a_mark_without_effect_is_told(pytester, written, told):
    pytester.makepyfile(
        test_it=f"import pytest\n@pytest.mark.mailnet_crashes\n{written}\n\ndef test_more(): pass\n"
    )

    result = pytester.runpytest_inprocess("test_it.py")

    assert result.ret != 0
    result.stdout.fnmatch_lines([told])


def test_a_test_of_a_class_has_an_object_of_its_own_at_each_place(pytester):
    pytester.makepyfile(
        test_it="""
        import smtplib
        import pytest

        class TestIt:
            @pytest.mark.mailnet_crashes
            def test_it(self, mailnet, mailnet_crash, tmp_path):
                assert not hasattr(self, "met")
                assert not list(tmp_path.iterdir())
                self.met = True
                (tmp_path / "met").touch()
                mailnet.add_server("mx.shop.example", domain="shop.example")
                mailnet_crash.call(lambda: smtplib.SMTP("mx.shop.example").quit())
        """
    )

    result = pytester.runpytest_inprocess("test_it.py")

    result.assert_outcomes(passed=6)
    assert table(result) == ["test_it.py::TestIt::test_it: 5 places, SECONDS: 5 passed"]


def test_without_the_mark_the_application_does_not_die(pytester):
    pytester.makepyfile(test_it=SUITE.replace("@pytest.mark.mailnet_crashes\n", ""))

    pytester.runpytest_inprocess("test_it.py").assert_outcomes(passed=4)


def test_a_failing_tear_down_of_a_module_is_told_where_there_are_no_places(pytester):
    pytester.makepyfile(
        test_it="""
        import pytest

        @pytest.fixture(scope="module")
        def broken():
            yield
            raise OSError("the module's end")

        @pytest.mark.mailnet_crashes
        def test_it(mailnet_crash, broken):
            pass
        """
    )

    result = pytester.runpytest_inprocess("test_it.py", "test_box.py", "-k", "test_it or other")

    result.assert_outcomes(failed=1, errors=1, passed=1, deselected=3)


def test_a_child_process_dies_at_each_place(pytester):
    pytester.makepyfile(
        sends="""
        import smtplib, sys

        box = sys.argv[1]
        if open(box).read() != "sent":
            with smtplib.SMTP("mx.shop.example", timeout=10) as mx:
                mx.sendmail("bob@sender.example", ["sales@shop.example"], "Message-ID: <1@b>\\r\\n\\r\\nhi\\r\\n")
            open(box, "w").write("sent")
        """,
        test_it="""
        import sys
        import pytest
        import sends_path

        @pytest.mark.mailnet_crashes
        def test_it(mailnet, mailnet_crash, tmp_path):
            mailnet.add_server("mx.shop.example", domain="shop.example")
            box = tmp_path / "box"
            box.write_text("deferred")
            mailnet_crash.run([sys.executable, sends_path.PATH, box])
            assert mailnet.account_for({"1@b": box.read_text()})
        """,
        sends_path="from pathlib import Path\nPATH = Path(__file__).with_name('sends.py')\n",
    )

    result = pytester.runpytest_inprocess("test_it.py")

    result.assert_outcomes(passed=1 + PLACES - TWICE, failed=TWICE)
    assert table(result) == [
        "test_it.py::test_it: 15 places, SECONDS: 12 right, 1 duplicates possible, 2 duplicated",
        "  duplicated          14: QUIT, said",
        "  duplicated          15: 221 to QUIT, unheard",
        "  duplicates possible 13: 250 to content, unheard",
    ]
