"""Lines of mail logs that tell of no failure, among those that do."""

from __future__ import annotations

import pytest

from pytest_mailnet.evidence.logs import MAIL_LOG
from pytest_mailnet.values import Stage

STAMP = "Mar  9 10:11:12 mx"
EXIM = "2026-03-09 10:11:12 1abcDE-000abc-Fg"


def failures(*lines):
    return [(it.recipient, it.sender, it.stage) for it in MAIL_LOG.failures(lines)]


@pytest.mark.parametrize(
    "line",
    [
        f"{EXIM} Completed",
        f"{EXIM} Completed QT=1s",
        f"{EXIM} ** ",
        f"{EXIM} Frozen (delivery error message)",
        f"{STAMP} smtpd[1]: 0123456789abcdef mta delivery evpid=1 from=<a@b.example> result=TempFail",
        f'{STAMP} smtpd[1]: 0123456789abcdef mta delivery evpid=1 from=<a@b.example> result=Ok stat="250 OK"',
        f"{STAMP} sm-mta[123]: x29ABCDE012345: rejecting commands from relay [192.0.2.8] reject=550 No",
        f"{STAMP} postfix/smtpd[1]: NOQUEUE: reject: unheard of; from=<a@b.example> to=<c@d.example> proto=SMTP",
        f"{STAMP} postfix/smtpd[1]: NOQUEUE: reject: RCPT from a[192.0.2.8]: 550 5.1.1 No; no envelope",
    ],
)
def test_it_tells_of_no_failure(line):
    assert failures(line) == []


def test_exim_forgets_a_mail_that_is_completed():
    lines = (
        f"{EXIM} <= bob@b.example H=a [192.0.2.1]",
        f"{EXIM} Completed",
        f"{EXIM} ** alice@shop.example: No",
    )

    assert failures(*lines) == [("alice@shop.example", None, None)]


def test_exim_knows_the_sender_of_a_mail_that_is_not():
    lines = (f"{EXIM} <= bob@b.example H=a [192.0.2.1]", f"{EXIM} ** alice@shop.example: No")

    assert failures(*lines) == [("alice@shop.example", "bob@b.example", None)]


def test_sendmail_s_filter_refuses_at_a_stage_that_its_line_names():
    line = f"{STAMP} sm-mta[1]: x29ABCDE012345: Milter: to=<alice@shop.example>, reject=550 5.7.1 No"

    assert failures(line) == [("alice@shop.example", None, Stage.RCPT)]
