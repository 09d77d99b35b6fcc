"""Content that comes in pieces, held against a reading of it line by line."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_mailnet.smtp.data import Content

PIECES = st.lists(
    st.sampled_from([b"\r\n", b"\r", b"\n", b".", b"..", b"a", b"\r\n.", b".\r\n"]), max_size=25
)


def by_lines(sent):
    """What aiosmtpd does: lines end in CRLF, a dot alone ends all, a dot at the beginning goes."""
    content = b""
    while not sent.startswith(b".\r\n"):
        line, end, sent = sent.partition(b"\r\n")
        if not end:
            return None
        content += line.removeprefix(b".") + end
    return content, sent[3:]


def fed(content, sent, cuts):
    """Feed what was sent in pieces; return what stands behind the end, None if the end has not come."""
    edges = sorted({min(cut, len(sent)) for cut in cuts} | {0, len(sent)})
    for begin, end in itertools.pairwise(edges):
        behind = content.feed(sent[begin:end])
        if behind is not None:
            return behind + sent[end:]
    return None


@given(PIECES.map(b"".join), st.lists(st.integers(0, 60)))
def test_content_in_pieces_is_what_it_is_by_lines(sent, cuts):
    content = Content(None)

    behind = fed(content, sent, cuts)

    expected = by_lines(sent)
    if expected is None:
        assert behind is None
        assert content.begun == sent
    else:
        assert (content.taken(), behind) == ((expected[0], None), expected[1])


@given(st.binary() | PIECES.map(b"".join), st.lists(st.integers(0, 60)))
def test_any_content_that_is_sent_with_dots_put_before_arrives_as_it_was(wanted, cuts):
    wanted += b"\r\n"
    sent = b"\r\n".join(b"." + line if line.startswith(b".") else line for line in wanted.split(b"\r\n"))
    content = Content(None)

    behind = fed(content, sent + b".\r\nQUIT\r\n", cuts)

    assert (content.taken(), behind) == ((wanted, None), b"QUIT\r\n")


@given(PIECES.map(b"".join), st.integers(1, 30), st.lists(st.integers(0, 60)))
def test_a_limit_is_kept_to_the_byte_however_content_comes(sent, limit, cuts):
    content = Content(limit)

    behind = fed(content, sent + b"\r\n.\r\n", cuts)

    expected, rest = by_lines(sent + b"\r\n.\r\n")
    assert behind == rest
    assert content.taken() == ((expected, None) if len(expected) <= limit else (b"", "message_too_big"))


@pytest.mark.parametrize("piece", [1, 2, 3, 4, 5, 100])
@pytest.mark.parametrize(
    "wanted", [b"x" * 8 + b"\r\n", b"." * 8 + b"\r\n", b"\r\n" * 5, b".\r\n.\r\n....\r\n"]
)
def test_content_of_exactly_the_limit_is_kept(wanted, piece):
    sent = b"\r\n".join(b"." + line if line.startswith(b".") else line for line in wanted.split(b"\r\n"))
    kept, refused = Content(len(wanted)), Content(len(wanted) - 1)

    fed(kept, sent + b".\r\n", range(0, 100, piece))
    fed(refused, sent + b".\r\n", range(0, 100, piece))

    assert kept.taken() == (wanted, None)
    assert refused.taken() == (b"", "message_too_big")


@pytest.mark.parametrize("piece", [1, 7, 1000, 1001, 1002, 5000])
@pytest.mark.parametrize("before", [b"", b"short\r\n" * 300, b"x" * 999 + b"\r\n"])
@pytest.mark.parametrize(("length", "fits"), [(1001, True), (1002, False), (3000, False)])
def test_a_line_has_1001_bytes_at_most_with_its_end_and_dot(piece, before, length, fits):
    line = b"." + b"x" * (length - 3) + b"\r\n"
    content = Content(None)

    behind = fed(content, before + line + b"end\r\n.\r\n", range(0, 9000, piece))

    assert behind == b""
    assert content.taken() == (
        (before + line[1:] + b"end\r\n", None) if fits else (b"", "content_line_too_long")
    )


@pytest.mark.parametrize(("limit", "piece"), [(1000, b"x" * 70 + b"\r\n"), (None, b"x")])
def test_content_that_will_not_be_kept_is_not_held_either(limit, piece):
    content = Content(limit)

    for _ in range(3000):
        content.feed(piece)

    assert len(content.begun) < 10
    assert content.feed(b"\r\n.\r\nQUIT") == b"QUIT"
    assert content.taken()[0] == b""


def test_a_dot_alone_is_an_empty_content():
    content = Content(None)

    assert content.feed(b".\r\n") == b""
    assert content.taken() == (b"", None)
