"""Sets Django up as its test runner and pytest-django do, and has the site send by SMTP all the same."""

import sys
import warnings
from pathlib import Path

import django
import pytest
from django.conf import settings
from django.core.management import call_command
from django.test.utils import (
    override_settings,
    setup_databases,
    setup_test_environment,
    teardown_databases,
    teardown_test_environment,
)

sys.path.insert(0, str(Path(__file__).parent))
with pytest.MonkeyPatch.context() as environment, warnings.catch_warnings():
    environment.setenv("DJANGO_SETTINGS_MODULE", "webshop.settings")  # and not for programs that tests start
    # Django 6.1 would have MAILERS in place of these, which Django 5 does not know.
    warnings.filterwarnings("ignore", "The EMAIL_")
    django.setup()


@pytest.fixture(scope="module", autouse=True)
def _django():
    """What a test runner does: a database in memory, and a back end that only collects mails."""
    setup_test_environment()
    assert settings.EMAIL_BACKEND.endswith("locmem.EmailBackend")
    databases = setup_databases(verbosity=0, interactive=False)
    yield
    teardown_databases(databases, verbosity=0)
    teardown_test_environment()


@pytest.fixture(autouse=True)
def _empty_database():
    yield
    call_command("flush", verbosity=0, interactive=False, inhibit_post_migrate=True)


@pytest.fixture(autouse=True)
def _sends_by_smtp():
    """The site's own back end again, with a log-in; with pytest-django, by its fixture `settings`."""
    with override_settings(
        EMAIL_BACKEND="django.core.mail.backends.smtp.EmailBackend",
        EMAIL_HOST_USER="AKIAIOSFODNN7EXAMPLE",
        EMAIL_HOST_PASSWORD="secret",
        # The others take their time.
        PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"],
    ):
        yield


@pytest.fixture(autouse=True)
def _by_the_net_s_clock(mailnet, monkeypatch):
    """When something is due is looked up where the test can move the time."""
    monkeypatch.setattr("django.utils.timezone.now", mailnet.clock.now)
