"""A search that outgrows one machine: xdist spreads its cases, and what hypothesis finds is shared by its Redis database."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

RECIPE = Path(__file__).parents[2] / "docs" / "how-to" / "searches.md"

# An application that believes of a mail that it is sent, whatever its three tries have come to.
OUTBOX = """\
import smtplib


class Outbox:
    def __init__(self, *mails):
        self.states = dict.fromkeys(mails, "deferred")

    def sends(self, message_id):
        mail = f"Message-ID: <{message_id}>\\r\\n\\r\\nhi"
        try:
            with smtplib.SMTP("mx.shop.example", timeout=60) as client:
                client.sendmail("bob@sender.example", ["sales@shop.example"], mail)
        except OSError:
            return False
        return True

    def run(self):
        for message_id in self.states:
            sent = any(self.sends(message_id) for _ in range(3))
            self.states[message_id] = "sent"
"""
MENDED = OUTBOX.replace('= "sent"', '= "sent" if sent else "deferred"')
SEARCH = """\
from pathlib import Path

import pytest
from hypothesis import given, strategies as st
from outbox import Outbox
from pytest_mailnet import MailNet
from pytest_mailnet.strategies import schedules


@pytest.mark.parametrize("stage", ["connect", "ehlo", "mail", "rcpt"])
@given(data=st.data())
def test_no_mail_is_lost(stage, data):
    schedule = data.draw(schedules(3, stage=stage))
    with Path("tries.txt").open("a") as tries:
        tries.write(f"{stage} {schedule}\\n")
    outbox = Outbox("1@sender.example")
    with MailNet(strict=False) as net:
        net.clock.compress()
        net.add_server("mx.shop.example", domain="shop.example")
        net.fail("shop.example", schedule)

        outbox.run()

        assert net.account_for(outbox.states).right
"""
# Draws, and nothing else.
DRAWING = """\
from hypothesis import Phase, settings

settings.register_profile("drawing", deadline=None, max_examples=10, database=None, phases=[Phase.generate])
settings.load_profile("drawing")
"""
PLUGINS = "pytest_mailnet.plugin,xdist.plugin,_hypothesis_pytestplugin"


class Machine:
    """A folder with the search in it, as another machine has it."""

    def __init__(self, folder, conftest, outbox=OUTBOX):
        self.folder = folder
        folder.mkdir()
        (folder / "outbox.py").write_text(outbox)
        (folder / "test_search.py").write_text(SEARCH)
        (folder / "conftest.py").write_text(conftest)
        (folder / "pytest.ini").write_text("[pytest]\npythonpath = .\n")

    def tries(self):
        """The schedules that have been tried here, by stage, in their order."""
        tried = {}
        for line in (self.folder / "tries.txt").read_text().splitlines():
            stage, schedule = line.split(" ", 1)
            tried.setdefault(stage, []).append(schedule)
        return tried


@pytest.fixture
def run(pytester, monkeypatch):
    """Run pytest on a machine."""
    pytest.importorskip("hypothesis")
    pytest.importorskip("xdist")
    monkeypatch.setenv("PYTEST_PLUGINS", PLUGINS)

    def run_there(machine, *options):
        monkeypatch.chdir(machine.folder)
        return pytester.runpytest_subprocess(*options)

    return run_there


@pytest.fixture
def redis(tmp_path_factory):
    """A Redis for this test, without a port, that keeps nothing; its socket."""
    pytest.importorskip("redis", reason="redis is not installed; `tox -e applications` has it")
    program = shutil.which("redis-server")
    if program is None:
        pytest.skip("there is no redis-server on this machine")
    folder = tmp_path_factory.mktemp("redis")
    options = ["--port", "0", "--unixsocket", "socket", "--appendonly", "no", "--daemonize", "no", "--save"]
    with subprocess.Popen([program, *options, ""], cwd=folder, stdout=subprocess.PIPE, text=True) as server:
        try:
            said = []
            for line in server.stdout:
                said.append(line)
                if "ready to accept connections" in line:
                    break
            else:
                pytest.fail("redis-server has not started:\n" + "".join(said))
            yield folder / "socket"
        finally:
            server.kill()


@pytest.fixture
def profiles(redis):
    """The lines of the recipe, with the Redis of this test."""
    [lines] = re.findall(
        r"^```py\n(# conftest\.py\n.*?)^```$", RECIPE.read_text("utf-8"), re.MULTILINE | re.DOTALL
    )
    assert lines.count('Redis("redis.internal")') == 1
    return lines.replace('Redis("redis.internal")', f"Redis(unix_socket_path={str(redis)!r})")


@pytest.fixture
def host(tmp_path):
    """A host that ssh knows by the name "build": an sshd for each connection, on a pipe; the rest of its `--tx`."""
    programs = {
        name: shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin")
        for name in ("ssh", "ssh-keygen", "sshd")
    }
    if missing := [name for name, path in programs.items() if path is None]:
        pytest.skip(f"there is no {missing[0]} on this machine")
    for key in ("of_host", "of_user"):
        subprocess.run(
            [programs["ssh-keygen"], "-q", "-t", "ed25519", "-N", "", "-f", tmp_path / key], check=True
        )
    there = {
        "PYTEST_PLUGINS": PLUGINS,
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
        "PYTHONPATH": os.environ.get("PYTHONPATH", ""),
    }
    server, client = tmp_path / "sshd_config", tmp_path / "ssh_config"
    server.write_text(
        f"HostKey {tmp_path}/of_host\nAuthorizedKeysFile {tmp_path}/of_user.pub\nStrictModes no\nLogLevel ERROR\n"
        f"SetEnv {' '.join(f'{name}={value}' for name, value in there.items())}\n"
    )
    client.write_text(
        f"Host build\nProxyCommand {programs['sshd']} -i -f {server}\nIdentityFile {tmp_path}/of_user\n"
        "IdentitiesOnly yes\nStrictHostKeyChecking no\nUserKnownHostsFile /dev/null\nLogLevel ERROR\n"
    )
    answer = subprocess.run(
        [programs["ssh"], "-F", client, "build", "true"],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    if answer.returncode:
        pytest.skip(f"sshd does not let its user in here: {answer.stderr.strip()}")
    return f"ssh=build//ssh_config={client}//python={sys.executable}"


def test_what_one_machine_has_found_fails_at_once_on_another(run, profiles, tmp_path):
    one, other = (Machine(tmp_path / name, profiles) for name in ("one", "other"))

    run(one, "--hypothesis-profile=search", "--dist=load", "--tx=2*popen").assert_outcomes(failed=4)
    run(other, "--hypothesis-profile=desk").assert_outcomes(failed=4)

    searched, replayed = one.tries(), other.tries()
    for stage in ("connect", "ehlo", "mail", "rcpt"):
        smallest = searched[stage][-1]
        assert smallest.count("-at-") == 3
        assert len(searched[stage]) > 2
        assert replayed[stage] == [smallest, smallest]  # once to see that it fails, once for the report


def test_what_is_mended_at_one_desk_still_fails_at_another(run, profiles, tmp_path):
    one, other = (Machine(tmp_path / name, profiles) for name in ("one", "other"))
    mended = Machine(tmp_path / "mended", profiles, outbox=MENDED)

    run(one, "--hypothesis-profile=search", "-k", "rcpt").assert_outcomes(failed=1)
    run(mended, "--hypothesis-profile=desk", "-k", "rcpt").assert_outcomes(passed=1)
    run(other, "--hypothesis-profile=desk", "-k", "rcpt").assert_outcomes(failed=1)

    smallest = one.tries()["rcpt"][-1]
    assert mended.tries()["rcpt"][0] == smallest
    assert other.tries()["rcpt"] == [smallest, smallest]


def test_cases_go_to_hosts_by_ssh_too(run, host, tmp_path):
    near, far = (Machine(tmp_path / name, DRAWING) for name in ("near", "far"))

    run(near, "--dist=load", "--tx=popen", f"--tx={host}//chdir={far.folder}")

    assert near.tries().keys() | far.tries().keys() == {"connect", "ehlo", "mail", "rcpt"}
    assert not near.tries().keys() & far.tries().keys()


def test_a_seed_draws_the_same_cases_in_however_many_processes(run, tmp_path):
    one, other = (Machine(tmp_path / name, DRAWING) for name in ("one", "other"))

    run(one, "-n2", "--dist=load", "--hypothesis-seed=7")
    run(other, "--hypothesis-seed=7")

    assert one.tries().keys() == {"connect", "ehlo", "mail", "rcpt"}
    assert one.tries() == other.tries()
