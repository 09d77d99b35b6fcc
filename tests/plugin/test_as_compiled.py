"""The package's modules are imported as they were compiled, and not rewritten by pytest in each run."""

from __future__ import annotations

import contextlib
import gc

import pytest

import pytest_mailnet.values
from pytest_mailnet.plugin.as_compiled import AsCompiled, uncollected


def test_pytest_rewrites_none_of_the_package_s_inner_modules(pytester):
    # As it marks the modules of installed plugins.
    pytester.makeconftest("import pytest; pytest.register_assert_rewrite('pytest_mailnet')")
    pytester.makepyfile(
        test_it="""
        import sys

        def test_it(mailnet):
            assert mailnet.gmail
            loaders = {it: type(sys.modules[it].__loader__).__name__ for it in sys.modules
                       if it.startswith("pytest_mailnet.") and not it.startswith("pytest_mailnet.plugin")}
            assert len(loaders) > 50
            assert set(loaders.values()) == {"SourceFileLoader"}
            assert type(sys.modules["test_it"].__loader__).__name__ == "AssertionRewritingHook"
        """
    )

    pytester.runpytest_subprocess().assert_outcomes(passed=1)


def test_modules_of_others_are_left_to_the_other_finders():
    path = pytest_mailnet.__path__

    assert AsCompiled.find_spec("pytest_mailnet.values", path).origin == pytest_mailnet.values.__file__
    assert AsCompiled.find_spec("pytest_mailnets", None) is None
    assert AsCompiled.find_spec("test_it", None) is None


@pytest.fixture
def collecting():
    """Whether garbage is collected is as before when the test ends."""
    before = gc.isenabled()
    yield
    (gc.enable if before else gc.disable)()


@pytest.mark.parametrize("collects", [True, False])
@pytest.mark.parametrize("fails", [True, False])
def test_garbage_is_collected_afterwards_if_it_was_before(collecting, collects, fails):
    (gc.enable if collects else gc.disable)()

    with contextlib.suppress(ImportError), uncollected():
        within = gc.isenabled()
        if fails:
            raise ImportError

    assert not within
    assert gc.isenabled() is collects
