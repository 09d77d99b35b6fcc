"""Programs in the namespaces of a net, which meet it without a patch."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import smtplib
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

import pytest_mailnet
from pytest_mailnet import InvalidSetting, MailNet, NoNamespace
from pytest_mailnet.entry.namespace import nursery, users
from pytest_mailnet.server.engine import Engine

MX = "gmail-smtp-in.l.google.com"
CONNECT = """
import socket, sys
for ip, port in zip(sys.argv[1::2], sys.argv[2::2]):
    try:
        with socket.create_connection((ip, int(port)), timeout=0.5) as sock:
            print(sock.recv(3).decode(), sock.getsockname()[0])
    except OSError as error:
        print(type(error).__name__ if error.errno is None else errno.errorcode[error.errno])
""".replace("socket, sys", "errno, socket, sys")


def with_program(name):
    """Skips a test where a program is not installed."""
    return pytest.mark.skipif(shutil.which(name) is None, reason=f"{name} is not installed")


@pytest.fixture
def connect(mailnet_process):
    """Connect to addresses and ports from a program; returns what it meets at each."""

    def to(*ends):
        words = [str(it) for end in ends for it in end]
        done = mailnet_process.run([sys.executable, "-I", "-S", "-c", CONNECT, *words])
        assert done.returncode == 0, done.stderr
        return done.stdout.splitlines()

    return to


@pytest.fixture
def shop(mailnet):
    """A server of the test's, at an address of its own."""
    return mailnet.add_server("mx.shop.example", domain="shop.example", ip=("192.0.2.27", "2001:db8::27"))


@with_program("curl")
def test_a_program_meets_a_provider_by_name(mailnet, mailnet_process):
    alice = mailnet.gmail.add_mailbox("alice")

    done = mailnet_process.run(
        "curl -qsS --mail-from bob@app.example --mail-rcpt alice@gmail.com --upload-file - "
        f"smtp://{MX}/app.example",
        input="Subject: hi\r\n\r\nhello\r\n",
    )

    assert (done.returncode, done.stderr) == (0, "")
    assert alice.messages[0].content == b"Subject: hi\r\n\r\nhello\r\n"
    [session] = mailnet.sessions
    assert session.client.ip == mailnet.sender.ip
    assert session.server.port == 25
    assert session.ended == "client quit"


def test_a_program_is_at_home_in_the_net(mailnet, mailnet_process):
    done = mailnet_process.run(["sh", "-c", "hostname; cat /etc/resolv.conf; grep app /etc/hosts"])

    assert done.stdout.splitlines() == [
        "app.sender.example",
        "nameserver 192.0.2.53",
        "search .",
        "options ndots:15",
        f"{mailnet.sender.ip} app.sender.example app",
        f"{mailnet.sender.ipv6} app.sender.example app",
    ]


def test_both_kinds_of_ip_lead_to_a_host(mailnet, connect, shop):
    met = connect(("192.0.2.27", 25), ("2001:db8::27", 25))

    assert met == [f"220 {mailnet.sender.ip}", f"220 {mailnet.sender.ipv6}"]
    assert [(str(it.client.ip), it.server.ip) for it in mailnet.sessions] == [
        (mailnet.sender.ip, "192.0.2.27"),
        (mailnet.sender.ipv6, "2001:db8::27"),
    ]


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ("refused-at-connect", "ECONNREFUSED"),
        ("unreachable-at-connect", "EHOSTUNREACH"),
        ("no-route-at-connect", "ENETUNREACH"),
        ("dropped-at-connect", "TimeoutError"),
    ],
)
def test_a_connection_that_fails_fails_as_often_as_the_test_says(mailnet, connect, shop, fault, error):
    mailnet.host("mx.shop.example").fail(fault, times=1)

    met = connect(("192.0.2.27", 25), ("192.0.2.27", 25), ("2001:db8::27", 25))

    assert met == [error, f"220 {mailnet.sender.ip}", f"220 {mailnet.sender.ipv6}"]


def test_hosts_senders_and_ports_that_come_later_are_there_at_once(mailnet, connect):
    connect()
    mailnet.add_server("mx.shop.example", ip="192.0.2.27", ports=[2600])
    late = mailnet.add_server("mx.late.example", ip="192.0.2.28", ports=[25])
    late.host.ports = (2601,)
    sender = mailnet.add_sender(ip="203.0.113.80")

    with mailnet.sending_from(sender):
        from_another = connect(("192.0.2.27", 2600))
    met = connect(("192.0.2.28", 2601), ("192.0.2.28", 25))

    assert from_another == ["220 203.0.113.80"]
    assert met == [f"220 {mailnet.sender.ip}", "ECONNREFUSED"]


def test_a_program_can_bind_to_another_sender(mailnet, mailnet_process, shop):
    mailnet.add_sender(ip="203.0.113.80")

    mailnet_process.run(
        [
            sys.executable,
            "-c",
            "import smtplib; smtplib.SMTP('mx.shop.example', source_address=('203.0.113.80', 0))",
        ],
        check=True,
    )

    assert mailnet.sessions[0].client.ip == "203.0.113.80"


@pytest.mark.mailnet(strict=False)
def test_a_sender_that_moves_or_is_renamed_does_so_for_programs(mailnet, mailnet_process, connect, shop):
    mailnet.sender.ip = "203.0.113.90"
    mailnet.sender.ipv6 = None
    mailnet.sender.helo = "mail.app.example"

    met = connect(("192.0.2.27", 25), ("2001:db8::27", 25), ("203.0.113.7", 25))

    assert met[:2] == ["220 203.0.113.90", "ENETUNREACH"]
    assert mailnet_process.run("hostname").stdout == "mail.app.example\n"
    assert "203.0.113.90 mail.app.example mail" in mailnet_process.run("cat /etc/hosts").stdout


@pytest.mark.mailnet(strict=False)
def test_an_address_outside_the_net_is_as_far_as_in_process(mailnet, connect):
    met = connect(("198.51.100.99", 25), ("198.51.100.99", 4444))

    assert met == ["ENETUNREACH", "ECONNREFUSED"]
    [leak] = [it for it in mailnet_incidents(mailnet) if "198.51.100.99:25" in it]
    assert "no host of this mailnet has that address" in leak


def mailnet_incidents(mailnet):
    """What a net has noted besides sessions and questions."""
    from pytest_mailnet.net.mailnet import life_of

    return [it.text for it in life_of(mailnet).journal.incidents]


def test_a_refused_connection_is_in_the_record(mailnet, connect, shop):
    connect(("192.0.2.27", 2525))

    assert "mx.shop.example does not listen on port 2525" in str(life_record(mailnet))


def life_record(mailnet):
    from pytest_mailnet.net.mailnet import life_of

    return life_of(mailnet).journal.entries


@pytest.mark.parametrize("tcp", [False, True], ids=["udp", "tcp"])
@pytest.mark.parametrize("server", ["192.0.2.53", "198.51.100.53", "2001:db8::53"])
def test_every_name_server_is_the_nets(mailnet, mailnet_process, tcp, server):
    code = (
        "import sys, dns.resolver; r = dns.resolver.Resolver(configure=False); r.nameservers = [sys.argv[1]]; "
        "print(r.resolve('gmail.com', 'MX', tcp=len(sys.argv) > 2)[0].exchange)"
    )

    done = mailnet_process.run([sys.executable, "-c", code, server, *(["tcp"] if tcp else [])])

    assert done.stdout == f"{MX}.\n", done.stderr
    [query] = mailnet.dns.queries
    assert (query.via, query.client) == (
        "tcp" if tcp else "udp",
        mailnet.sender.ipv6 if ":" in server else mailnet.sender.ip,
    )


def test_faults_of_lookups_are_those_of_programs_too(mailnet, mailnet_process):
    mailnet.dns.fail("gmail.com", "SERVFAIL")

    done = mailnet_process.run(
        [sys.executable, "-c", "import dns.resolver; dns.resolver.resolve('gmail.com', 'MX')"]
    )

    assert "answered SERVFAIL" in done.stderr


def test_a_session_is_the_same_as_in_process(mailnet, mailnet_process):
    mailnet.gmail.add_mailbox("alice")
    code = (
        "import smtplib\n"
        f"with smtplib.SMTP('{MX}') as client:\n"
        "    try: client.sendmail('bob@app.example', ['alice@gmail.com', 'carl@gmail.com'], 'Subject: hi\\n\\nhello')\n"
        "    except smtplib.SMTPException as error: print(error)\n"
    )

    exec(code)  # noqa: S102
    mailnet_process.run([sys.executable, "-c", code], check=True)

    here, there = mailnet.sessions
    assert [it.request for it in here.exchanges] == [it.request for it in there.exchanges]
    assert [it.code for it in here.exchanges] == [it.code for it in there.exchanges]
    assert (here.client.ip, here.server, here.ended) == (there.client.ip, there.server, there.ended)


def test_the_rest_of_the_machine_is_not_there(mailnet_process):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        code = f"import socket; socket.create_connection(('127.0.0.1', {port}))"

        done = mailnet_process.run([sys.executable, "-c", code])

    assert "ConnectionRefusedError" in done.stderr


def test_what_is_still_running_ends_with_the_net(make_mailnet):
    with make_mailnet() as net:
        command = ["sh", "-c", "setsid sleep 600.25 & echo started; exec sleep 600.25"]
        program = net.process().popen(command, stdout=subprocess.PIPE)
        assert program.stdout.readline() == b"started\n"
        assert [it for it in all_processes() if "600.25" in it]

    assert [it for it in all_processes() if "600.25" in it] == []
    assert program.returncode == -9
    program.stdout.close()


def all_processes():
    """The command lines of all processes of the machine."""
    found = []
    for it in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            found.append(it.read_text())
    return found


def test_a_program_that_takes_too_long_is_killed(mailnet_process):
    with pytest.raises(subprocess.TimeoutExpired):
        mailnet_process.run("sleep 601", timeout=0.2)

    assert [it for it in all_processes() if "sleep\x00601" in it] == []


def test_a_program_is_used_as_any_process(mailnet_process, tmp_path):
    with mailnet_process.popen(
        ["sh", "-c", "read line; echo $line $WHO; pwd; exit 3"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=tmp_path,
        env={"WHO": "you"},
    ) as program:
        out, _ = program.communicate("hello\n")

    assert (out, program.returncode) == (f"hello you\n{tmp_path}\n", 3)


def test_signals_reach_the_program(mailnet_process):
    code = "trap 'echo told; exit 7' TERM; echo ready; while :; do sleep 0.01; done"
    with mailnet_process.popen(["sh", "-c", code], stdout=subprocess.PIPE, text=True) as program:
        assert program.stdout.readline() == "ready\n"

        program.terminate()

        assert program.stdout.read() == "told\n"
    assert program.returncode == 7


def test_a_program_that_is_not_there_is_told_as_subprocess_does(mailnet_process):
    with pytest.raises(FileNotFoundError, match="no-such-program"):
        mailnet_process.run("no-such-program --now")


def test_a_failing_program_can_be_an_error(mailnet_process):
    with pytest.raises(subprocess.CalledProcessError) as failed:
        mailnet_process.run("sh -c 'echo why >&2; exit 4'", check=True)

    assert (failed.value.returncode, failed.value.stderr) == (4, "why\n")


def test_a_net_that_was_left_runs_no_programs(make_mailnet):
    with make_mailnet() as net:
        process = net.process()

    with pytest.raises(InvalidSetting, match="the net has been left"):
        process.run("true")
    with pytest.raises(InvalidSetting, match="the net is not active"):
        net.process()


def test_a_program_trusts_the_nets_authority_where_it_is_asked_for(mailnet, mailnet_process):
    code = (
        "import smtplib, ssl; c = smtplib.SMTP('mx.shop.example'); "
        "print(c.starttls(context=ssl.create_default_context())[0])"
    )
    mailnet.add_server("mx.shop.example").host.extensions.add("STARTTLS")
    without = mailnet_process.run([sys.executable, "-c", code])

    mailnet.process(trust_ca=True)

    assert "CERTIFICATE_VERIFY_FAILED" in without.stderr
    assert mailnet_process.run([sys.executable, "-c", code]).stdout == "220\n"


def test_a_child_that_is_led_into_the_net_by_patches_is_led_by_the_namespace_there(mailnet, mailnet_process):
    mailnet.include_children()
    code = "import os, smtplib, sys; smtplib.SMTP('mx.shop.example').quit(); print('pytest_mailnet' in sys.modules)"
    mailnet.add_server("mx.shop.example")

    done = mailnet_process.run([sys.executable, "-c", code], check=True)

    assert done.stdout == "False\n"
    assert len(mailnet.sessions) == 1


def test_two_nets_have_namespaces_of_their_own(make_mailnet):
    with make_mailnet() as one, make_mailnet() as other:
        for net in (one, other):
            net.add_server("mx.shop.example", ip="192.0.2.27")
            net.process().run(
                [sys.executable, "-c", "import smtplib; smtplib.SMTP('mx.shop.example').quit()"], check=True
            )

    assert (len(one.sessions), len(other.sessions)) == (1, 1)


# Sends the first packet from the net's end as soon as a pair of devices is there; prints how many do not arrive.
FIRST_PACKETS = """
import os, socket
from pytest_mailnet.entry.namespace.netlink import Netlink
from pytest_mailnet.entry.namespace.syscalls import NEW_NET, NEW_USERS, unshare

if os.geteuid():
    unshare(NEW_USERS)
lost = 0
for _ in range(50):
    unshare(NEW_NET)
    programs, namespace = Netlink(), os.open("/proc/self/ns/net", os.O_RDONLY)
    client = socket.socket(type=socket.SOCK_DGRAM)
    unshare(NEW_NET)
    net, server = Netlink(), socket.socket(type=socket.SOCK_DGRAM)
    net.join(namespace, 0)
    net.switch_on()
    programs.switch_on()
    net.wait_until_it_carries()
    net.have_all(4)
    net.lead(4, "203.0.113.7")
    programs.add_address("203.0.113.7")
    programs.lead(4, source="203.0.113.7")
    server.bind(("192.0.2.53", 0))
    client.bind(("203.0.113.7", 0))
    client.settimeout(0.2)
    server.sendto(b"answer", client.getsockname())
    try:
        client.recv(100)
    except TimeoutError:
        lost += 1
print(lost)
"""


@pytest.mark.usefixtures("mailnet_process")
def test_the_first_answer_in_a_namespace_arrives():
    done = subprocess.run([sys.executable, "-c", FIRST_PACKETS], capture_output=True, text=True, check=False)

    assert done.stdout == "0\n", done.stderr


def test_the_namespaces_of_the_next_net_are_made_ahead_and_end_with_the_run(monkeypatch):
    # Further ids are mapped when a net asks.
    monkeypatch.setattr(nursery, "mapping", lambda: "one" if os.geteuid() else "root")
    engine = Engine()
    try:
        with MailNet(engine=engine) as net:
            net.process()
        [spare] = engine.kept(nursery.Nursery)._spare
        made, first = spare.recv(32, socket.MSG_PEEK).decode().split("\0")
        with MailNet(engine=engine) as net:
            there = net.process()._namespace.first
        [spare] = engine.kept(nursery.Nursery)._spare
        _, last = spare.recv(32, socket.MSG_PEEK).decode().split("\0")
    except NoNamespace as reason:
        pytest.skip(str(reason))
    finally:
        engine.close()

    assert (made, int(first)) == ("ok", there)
    assert not Path(f"/proc/{last}").exists()


def test_no_device_leads_out(mailnet_process):
    first = mailnet_process._namespace.first
    [helper] = re.findall(r"PPid:\s+(\d+)", Path(f"/proc/{first}/status").read_text())

    for pid in (first, helper):
        devices = Path(f"/proc/{pid}/net/dev").read_text().splitlines()[2:]
        assert sorted(line.split(":")[0].strip() for line in devices) == ["lo", "mailnet0"]
    routes = Path(f"/proc/{first}/net/route").read_text().splitlines()[1:]
    assert [line.split()[0] for line in routes] == ["mailnet0"]


def test_a_test_skips_with_the_reason_where_there_are_none(pytester):
    pytester.makeconftest("""
        import pytest
        from pytest_mailnet import NoNamespace
        from pytest_mailnet.entry.namespace import nursery

        def refuse():
            raise NoNamespace("namespaces are Linux's, and this is another")

        @pytest.fixture(autouse=True)
        def none(monkeypatch):
            monkeypatch.setattr(nursery, "mapping", refuse)
        """)
    pytester.makepyfile("def test_it(mailnet_process): pass")

    result = pytester.runpytest("-rs")

    result.assert_outcomes(skipped=1)
    result.stdout.fnmatch_lines(["SKIPPED*: namespaces are Linux's, and this is another"])


ROOTLESS = """
from pytest_mailnet import MailNet
with MailNet() as net:
    net.gmail
    print(net.process().run(["sh", "-c", "id -u; exec cat /proc/self/uid_map"]).stdout.split())
    print(net.process().run("hostname").stdout)
"""


@pytest.fixture
def as_a_user(tmp_path):
    """Run Python as a user who is not root."""
    if os.geteuid() != 0:
        return lambda code, *within: subprocess.run(
            [*within, sys.executable, "-c", code], capture_output=True, text=True, check=False
        )
    if shutil.which("setpriv") is None:
        pytest.skip("setpriv is not installed")
    own = [
        "setpriv",
        "--reuid=65534",
        "--regid=65534",
        "--clear-groups",
        "--inh-caps=-all",
        "--ambient-caps=-all",
    ]
    # Root's own interpreter may be where nobody else can read.
    found = [
        it
        for it in (
            sys.executable,
            shutil.which(f"python3.{sys.version_info.minor}", path="/usr/bin:/usr/local/bin"),
        )
        if it
        and subprocess.run(
            [*own, "sh", "-c", f"exec {it} -c pass"], capture_output=True, check=False
        ).returncode
        == 0
    ]
    if not found:
        pytest.skip("no interpreter is there that another user may run")
    source = Path(pytest_mailnet.__file__).parent.parent
    paths = os.pathsep.join([str(source), *(it for it in sys.path if "site-packages" in it)])

    def run(code, *within):
        done = subprocess.run(
            [*within, *own, found[0], "-c", code],
            capture_output=True,
            text=True,
            check=False,
            env={"PATH": os.environ["PATH"], "PYTHONPATH": paths, "PYTHONDONTWRITEBYTECODE": "1"},
            cwd="/",
        )
        if "ModuleNotFoundError" in done.stderr or "PermissionError" in done.stderr:
            pytest.skip(f"another user cannot read this package: {done.stderr}")
        return done

    return run


def test_a_user_who_is_not_root_has_namespaces_too(as_a_user):
    done = as_a_user(ROOTLESS)

    if "NoNamespace" in done.stderr:
        pytest.skip(done.stderr.splitlines()[-1])
    assert done.stderr == ""
    users, name = done.stdout.splitlines()[:2]
    assert users.startswith("['0', '0', '")
    assert name == "app.sender.example"


@with_program("newuidmap")
@with_program("unshare")
def test_a_user_is_given_further_ids_by_newuidmap(as_a_user, tmp_path):
    if os.geteuid() != 0:
        pytest.skip("takes root, to give a user ids")
    ids = tmp_path / "ids"
    ids.write_text("65534:100000:65536\n")
    over = 'for table in /etc/subuid /etc/subgid; do mount --bind "$0" $table || exit; done; exec "$@"'

    done = as_a_user(ROOTLESS, "unshare", "--mount", "sh", "-c", over, str(ids))

    if "NoNamespace" in done.stderr or "mount:" in done.stderr:
        pytest.skip(done.stderr.splitlines()[-1])
    assert done.stderr == ""
    assert done.stdout.splitlines()[0] == "['0', '0', '65534', '1', '1', '100000', '65536']"


def test_a_user_with_further_ids_has_them_there(make_mailnet, monkeypatch, tmp_path):
    for program in ("newuidmap", "newgidmap"):
        file = tmp_path / program
        kind = program[3:6]
        # Root needs no leave to do what these do.
        file.write_text(f'#!/bin/sh\nprintf "$2 $3 $4\\n$5 $6 $7\\n" > /proc/$1/{kind}_map\n')
        file.chmod(0o755)
    table = tmp_path / "ids"
    table.write_text(f"root:1000:1\n{os.geteuid()}:100000:65536\n")
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setattr(users, "_TABLES", (str(table), str(table)))
    monkeypatch.setattr(nursery, "mapping", lambda: "several")
    if os.geteuid() != 0:
        pytest.skip("takes root, to do what newuidmap does")

    with MailNet() as net:
        done = net.process().run(["cat", "/proc/self/uid_map"])

    assert done.stdout.split() == ["0", "0", "1", "1", "1000", "1"]


def test_a_process_that_dies_takes_all_with_it(tmp_path):
    code = (
        "import sys; from pytest_mailnet import MailNet\n"
        "net = MailNet(); net.__enter__()\n"
        "net.process().popen(['sh', '-c', 'echo there; exec sleep 600.5'])\n"
        "sys.stdin.read()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout.readline() == b"there\n"
        process.kill()
    until = time.monotonic() + 10
    while any("sleep\x00600.5" in it for it in all_processes()) and time.monotonic() < until:
        time.sleep(0.01)

    assert [it for it in all_processes() if "sleep\x00600.5" in it] == []


SERVER = """
import socket, sys
family = socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET
server = socket.create_server((sys.argv[1], 25), family=family)
print("listening", flush=True)
client, peer = server.accept()
print(peer[0], flush=True)
lines = client.makefile("rwb")
def say(text): lines.write(text.encode() + b"\\r\\n"); lines.flush()
say("220 mx.app.example")
for line in lines:
    if line[:4].upper() == b"DATA":
        say("354 go on")
        while lines.readline() != b".\\r\\n": pass
    say("250 taken")
"""


@pytest.fixture
def listening(mailnet, mailnet_process):
    """Start a mail server among the programs, and put it into the net; returns its standard output."""
    with contextlib.ExitStack() as outputs:

        def at(ip):
            program = mailnet_process.popen(
                [sys.executable, "-c", SERVER, ip], stdout=subprocess.PIPE, text=True
            )
            outputs.enter_context(program.stdout)
            assert program.stdout.readline() == "listening\n"
            where = mailnet.sender.ipv6 if ":" in ip else mailnet.sender.ip
            mailnet.add_server("mx.app.example", domain="app.example", at=(where, 25))
            return program.stdout

        yield at


@pytest.mark.parametrize("ip", ["0.0.0.0", "::"])
def test_a_server_among_the_programs_is_called_from_the_providers_address(mailnet, listening, ip):
    heard = listening(ip)
    mailnet.gmail.add_mailbox("alice").forward_to("bob@app.example")

    with smtplib.SMTP(MX) as client:
        client.sendmail("carl@shop.example", "alice@gmail.com", "Subject: hi")
    mailnet.deliver_all()

    assert heard.readline().strip() == (mailnet.sessions[-1].client.ip if ip == "0.0.0.0" else "2001:db8::53")
    assert len(mailnet.queue) == 0


def test_a_program_that_calls_its_own_host_by_way_of_the_net_is_called_by_nobody(
    mailnet, mailnet_process, listening
):
    heard = listening("0.0.0.0")
    code = "import smtplib; smtplib.SMTP('mx.app.example').sendmail('a@b.example', 'bob@app.example', '')"

    mailnet_process.run([sys.executable, "-c", code], check=True)

    assert heard.readline() == "192.0.2.53\n"


def test_a_program_is_named_from_the_folder_that_it_runs_in(mailnet_process, tmp_path):
    program = tmp_path / "hello"
    program.write_text("#!/bin/sh\necho hello\n")
    program.chmod(0o755)

    assert mailnet_process.run("./hello", cwd=tmp_path).stdout == "hello\n"


def test_without_a_command_nothing_is_started(mailnet_process):
    with pytest.raises(InvalidSetting, match="a command has at least a program's name"):
        mailnet_process.run([])
