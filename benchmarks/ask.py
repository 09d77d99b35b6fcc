"""Asks one DNS question over and over, and prints the seconds it took.

Run as a script: `ask.py FD QUESTIONS WINDOW < question`. The UDP socket is inherited, connected already.
So many questions are kept under way at once; with 1 each waits for the answer to the one before.
"""

from __future__ import annotations

import socket
import sys
import time


def main(fd: str, questions: str, window: str) -> None:
    """Ask, and print the time."""
    question = sys.stdin.buffer.read()
    last = int(questions) - 1
    with socket.socket(fileno=int(fd)) as sock:
        sock.settimeout(5)
        start = time.perf_counter()
        under_way = set(range(int(window)))
        for number in under_way:
            sock.send(number.to_bytes(2, "big") + question[2:])
        next_number = len(under_way)
        while under_way:
            answer = sock.recv(4096)
            number = int.from_bytes(answer[:2], "big")
            under_way.remove(number)
            if answer[3] & 15 or answer[6:8] == b"\0\0":
                sys.exit(f"question {number} was answered {answer!r}")
            if next_number <= last:
                under_way.add(next_number)
                sock.send(next_number.to_bytes(2, "big") + question[2:])
                next_number += 1
        print(time.perf_counter() - start)


if __name__ == "__main__":
    main(*sys.argv[1:])
