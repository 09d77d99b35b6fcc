"""No way out of a net sends a packet, as strace sees it in a network namespace where nothing is.

Programs have networks of their own, and there may send what they like. A socket belongs to the network in which
it was made, whoever has it later: the engine serves some that a helper has made in the net's. So a call is told by
its socket, and a socket by who made it, and where.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from ipaddress import ip_address
from pathlib import Path

import pytest

WAYS_OUT = Path(__file__).with_name("ways_out.py")
FILES = {
    "hosts": "127.0.0.1 localhost\n::1 localhost ip6-localhost\n127.0.1.1 mailhub.corp.example\n",
    "resolv.conf": "nameserver 192.0.2.1\noptions timeout:1 attempts:1\n",
    "nsswitch.conf": "hosts: files dns\n",
}
LEAKING = """
import contextlib, socket, sys
sys.path.insert(0, sys.argv[1])
import ways_out
ways_out.bring_loopback_up()
for way in (
    lambda: socket.create_connection(("198.51.100.77", 25), 1),
    lambda: socket.socket(socket.AF_INET6).connect(("2001:db8::77", 25)),
    lambda: socket.socket(type=socket.SOCK_DGRAM).sendto(b"", ("198.51.100.78", 53)),
    lambda: socket.socket(type=socket.SOCK_DGRAM).sendmsg([b""], [], 0, ("198.51.100.79", 53)),
    lambda: socket.gethostbyname("mail.outside.example"),
    lambda: socket.create_connection(("127.0.0.1", 8025), 1),
):
    with contextlib.suppress(OSError):
        way()
"""
ALSO = ",unshare,setns,fork,vfork,clone,clone3 -y --decode-pids=pidns"
# What mail software does to find a host, and some that it has no reason to do.
PROGRAM = """
import contextlib, socket, subprocess
import dns.message, dns.query

def tcp(ip, port):
    socket.create_connection((ip, port), 0.2).close()

def udp(ip, port):
    family = socket.AF_INET6 if ":" in ip else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        sock.sendto(b"hello", (ip, port))
        sock.sendmsg([b"hello"], [], 0, (ip, port))

def mx(by, server):
    by(dns.message.make_query("gmail.com", "MX"), server, 0.5)

def ping(ip):
    with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP) as sock:
        sock.sendto(bytes([8, 0, 0xf7, 0xff, 0, 0, 0, 0]), (ip, 0))

for way in (
    lambda: mx(dns.query.udp, "8.8.8.8"),
    lambda: mx(dns.query.udp, "2001:4860:4860::8888"),
    lambda: mx(dns.query.tcp, "1.1.1.1"),
    lambda: mx(dns.query.tcp, "2606:4700:4700::1111"),
    lambda: tcp("gmail-smtp-in.l.google.com", 25),
    lambda: tcp("mail.outside.example", 25),
    lambda: tcp("8.8.8.8", 443),
    lambda: tcp("198.51.100.77", 25),
    lambda: tcp("2001:db8::77", 25),
    lambda: udp("198.51.100.78", 123),
    lambda: udp("2001:db8::78", 123),
    lambda: udp("224.0.0.251", 5353),
    lambda: udp("255.255.255.255", 67),
    lambda: ping("198.51.100.79"),
    lambda: subprocess.run(["curl", "-m", "2", "smtp://198.51.100.80"], capture_output=True),
):
    with contextlib.suppress(OSError, dns.exception.DNSException):
        way()
print("done")
"""
# curl may be missing.
MEANT = {
    "8.8.8.8:53",
    "2001:4860:4860::8888:53",
    "1.1.1.1:53",
    "2606:4700:4700::1111:53",
    "8.8.8.8:443",
    "198.51.100.77:25",
    "2001:db8::77:25",
    "198.51.100.78:123",
    "2001:db8::78:123",
    "224.0.0.251:5353",
    "255.255.255.255:67",
    "198.51.100.79:0",
}
IN_A_NAMESPACE = """
import sys
from pytest_mailnet import MailNet

with MailNet(strict=False) as net:
    net.gmail.add_mailbox("alice")
    print(net.process().run([sys.executable, "-c", sys.argv[1]], check=True).stdout)
with MailNet(strict=False) as net:  # whose namespaces were made ahead
    net.gmail
    print(net.process().run([sys.executable, "-c", sys.argv[1]], check=True).stdout)
"""
WITHOUT = """
import subprocess, sys

print(subprocess.run([sys.executable, "-c", sys.argv[1]], check=True, capture_output=True, text=True).stdout)
"""
MOVED = """
import sys
import pytest

sys.exit(pytest.main(["-p", "no:cacheprovider", "-q", "-s", "--mailnet-namespace", sys.argv[1]]))
"""
MOVED_TEST = """
import pytest, subprocess, sys

PROGRAM = {program!r}

@pytest.mark.mailnet(strict=False)
def test_it(mailnet):
    mailnet.gmail
    exec(PROGRAM, {{}})
    subprocess.run([sys.executable, "-c", PROGRAM], check=True)
"""
SENDING = re.compile(r"^\d+ +(?:connect|sendto|sendmsg|sendmmsg)\(")
MARK = re.compile(r'sun_path=@"way: (.*?)"')
CALL = re.compile(r"^(\d+) +(?:(\w+)\(|<\.\.\. \w+ resumed>)(.*)$")
UNFINISHED = " <unfinished ...>"
SOCKET = re.compile(r"socket:\[(\d+)\]")
CHILD = re.compile(r"= (\d+)(?: /\* (\d+) in strace's PID NS \*/)?$")
TARGET = re.compile(r'port=htons\((\d+)\).*?(?:inet_addr\(|inet_pton\(AF_INET6, )"(.*?)"')


@pytest.fixture(scope="module")
def watched(tmp_path_factory):
    """Run a Python program where there is no network; return what it printed and what strace saw."""
    folder = tmp_path_factory.mktemp("machine")
    for tool in ("strace", "unshare"):
        if shutil.which(tool) is None:
            pytest.skip(f"{tool} is not installed")
    for name, text in FILES.items():
        (folder / name).write_text(text)
    mounts = " && ".join(f"mount --bind {folder / name} /etc/{name}" for name in FILES)
    trace = folder / "trace"

    def run(way, also, *program):
        strace = f"exec strace -f -qq -s 256 -e trace=network{also} -e signal=none -o {trace}"
        command = [*way, "--net", "--mount", "sh", "-c", f'{mounts} && {strace} "$@"', "sh", *program]
        return subprocess.run(command, capture_output=True, text=True, timeout=200, check=False)

    tried = {way: run(way, "", "true") for way in (("unshare",), ("unshare", "--map-root-user"))}
    way = next((way for way, done in tried.items() if done.returncode == 0), None)
    if way is None:
        pytest.skip(f"no empty network with strace is to be had: {[done.stderr for done in tried.values()]}")

    def watch(*arguments, also=""):
        done = run(way, also, sys.executable, *arguments)
        if none := re.search("this machine gives no namespaces.*", done.stdout + done.stderr):
            pytest.skip(none[0])
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout, trace.read_text().splitlines()

    return watch


def outside(call):
    """Where a call sends or connects to, beyond loopback."""
    for port, address in TARGET.findall(call):
        ip = ip_address(address)
        if not (getattr(ip, "ipv4_mapped", None) or ip).is_loopback:
            yield f"{address}:{port}"


def leaks(trace):
    """What went out of the machine: which way was tried, and to where."""
    found, way = [], "before the first"
    for line in filter(SENDING.match, trace):
        if mark := MARK.search(line):
            way = mark[1]
        found += [(way, where) for where in outside(line)]
    return found


def calls(trace):
    """The calls in the order in which they began: who, what, and its arguments with its result."""
    found, begun = [], {}
    for line in trace:
        match = CALL.match(line)
        if match is None:  # a process has ended
            continue
        pid, name, rest = match.groups()
        if name is None:
            begun.pop(pid)[2] += rest
            continue
        call = [pid, name, rest.removesuffix(UNFINISHED)]
        found.append(call)
        if rest.endswith(UNFINISHED):
            begun[pid] = call
    return found


def sent(trace):
    """Where something was sent or connected to, beyond loopback: in the machine's own network, and in others."""
    apart, made_apart = set(), set()
    machine, others = set(), set()
    for pid, name, text in calls(trace):
        if name in {"unshare", "setns"} and "CLONE_NEWNET" in text and text.endswith("= 0"):
            apart.add(pid)
        elif name in {"fork", "vfork", "clone", "clone3"} and (child := CHILD.search(text)):
            if pid in apart:
                apart.add(child[2] or child[1])
        elif name in {"socket", "accept", "accept4"} and (made := SOCKET.findall(text)):
            # What is accepted is where the listening socket is.
            if made[0] in made_apart or (name == "socket" and pid in apart):
                made_apart.add(made[-1])
        elif name in {"connect", "sendto", "sendmsg", "sendmmsg"}:
            where = others if SOCKET.search(text)[1] in made_apart else machine
            where.update(outside(text))
    return machine, others


@pytest.mark.timeout(240)
def test_no_way_out_sends_a_packet(watched):
    printed, trace = watched(WAYS_OUT)

    ended = json.loads(printed)
    assert leaks(trace) == []
    assert {way: how for way, (how, _) in ended.items()} == {way: ends for way, (_, ends) in ended.items()}
    assert {mark[1] for line in trace if (mark := MARK.search(line))} == ended.keys()


def test_strace_sees_what_goes_out_without_a_net(watched):
    _, trace = watched("-c", LEAKING, WAYS_OUT.parent)

    assert list(dict.fromkeys(where for _, where in leaks(trace))) == [
        "198.51.100.77:25",
        "2001:db8::77:25",
        "198.51.100.78:53",
        "198.51.100.79:53",
        "192.0.2.1:53",
    ]


@pytest.mark.timeout(120)
def test_a_program_sends_nothing_in_the_machine_s_own_network(watched):
    printed, trace = watched("-c", IN_A_NAMESPACE, PROGRAM, also=ALSO)

    machine, others = sent(trace)
    assert printed.split() == ["done", "done"]
    assert machine == set()
    assert others >= MEANT


@pytest.mark.timeout(120)
def test_a_test_run_that_has_moved_sends_nothing_there_either(watched, tmp_path):
    (tmp_path / "test_it.py").write_text(MOVED_TEST.format(program=PROGRAM))

    printed, trace = watched("-c", MOVED, tmp_path, also=ALSO)

    machine, others = sent(trace)
    assert "1 passed" in printed
    assert machine == set()
    assert others >= MEANT


@pytest.mark.timeout(120)
def test_strace_sees_what_the_same_program_sends_elsewhere(watched):
    printed, trace = watched("-c", WITHOUT, PROGRAM, also=ALSO)

    machine, others = sent(trace)
    assert printed.split() == ["done"]
    assert machine >= MEANT
    assert others == set()
