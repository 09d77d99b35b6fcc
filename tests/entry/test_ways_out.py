"""No way out of a net sends a packet, as strace sees it in a network namespace where nothing is."""

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
SENDING = re.compile(r"^\d+ +(?:connect|sendto|sendmsg|sendmmsg)\(")
MARK = re.compile(r'sun_path=@"way: (.*?)"')
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
    strace = f"exec strace -f -qq -s 256 -e trace=network -e signal=none -o {trace}"

    def run(way, *program):
        command = [*way, "--net", "--mount", "sh", "-c", f'{mounts} && {strace} "$@"', "sh", *program]
        return subprocess.run(command, capture_output=True, text=True, timeout=200, check=False)

    tried = {way: run(way, "true") for way in (("unshare",), ("unshare", "--map-root-user"))}
    way = next((way for way, done in tried.items() if done.returncode == 0), None)
    if way is None:
        pytest.skip(f"no empty network with strace is to be had: {[done.stderr for done in tried.values()]}")

    def watch(*arguments):
        done = run(way, sys.executable, *arguments)
        assert done.returncode == 0, done.stderr
        return done.stdout, trace.read_text().splitlines()

    return watch


def leaks(trace):
    """What went out of the machine: which way was tried, and to where."""
    found, way = [], "before the first"
    for line in filter(SENDING.match, trace):
        if mark := MARK.search(line):
            way = mark[1]
        for port, address in TARGET.findall(line):
            ip = ip_address(address)
            if not (getattr(ip, "ipv4_mapped", None) or ip).is_loopback:
                found.append((way, f"{address}:{port}"))
    return found


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
