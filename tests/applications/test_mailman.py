"""Mailman's delivery: its outgoing and its retry runner, with their queues and a database below a temporary folder."""

from __future__ import annotations

import os

import pytest

pytest.importorskip("mailman", reason="Mailman is not installed; `tox -e applications` has it")

pytestmark = [
    # Mailman 3.3 is older than these deprecations of Python, SQLAlchemy and dnspython.
    pytest.mark.filterwarnings(f"ignore:{it}:DeprecationWarning")
    for it in (
        "(read_text|read_binary|open_text|open_binary|path|contents) is deprecated. Use files",
        "'(crypt|nntplib)' is deprecated",
        "pathlib.Path.__enter__",
        "please use dns.resolver.resolve",
        "The ``declarative_base",
    )
]

POSTING = """\
From: Anne <anne@shop.example>
To: ant@lists.example
Subject: Ants
Message-ID: <1@shop.example>

They are everywhere.
"""

SITE = """
[mailman]
layout: testing
site_owner: postmaster@lists.example

[paths.testing]
var_dir: {var}

[devmode]
testing: yes

[mta]
incoming: mailman.mta.null.NullMTA
smtp_host: smtp.lists.example
smtp_port: 25
"""


@pytest.fixture(scope="session")
def site(tmp_path_factory):
    """A Mailman site, which is one for the whole process."""
    from mailman.config import config
    from mailman.core import initialize

    umask = os.umask(0)
    config.create_paths = False
    initialize.initialize_1(initialize.INHIBIT_CONFIG_FILE)
    config.create_paths = True
    config.push("site", SITE.format(var=tmp_path_factory.mktemp("mailman")))
    initialize.initialize_2(testing=True)
    initialize.initialize_3()
    os.umask(umask)
    return config


class List:
    """A mailing list, and what a site's processes do with its mail."""

    def __init__(self, config):
        from mailman.app.lifecycle import create_list
        from mailman.interfaces.domain import IDomainManager
        from mailman.testing.helpers import subscribe
        from zope.component import getUtility

        self._config = config
        getUtility(IDomainManager).add("lists.example")
        self.list = create_list("ant@lists.example")
        self.list.digests_enabled = False  # its file of mails for the next digest stays open
        for name in ("anne", "bart", "cris"):
            subscribe(self.list, name.title(), email=f"{name}@shop.example")
        config.db.commit()

    def post(self):
        """Take a mail for the list, decide about it, and make a mail to its members of it."""
        from mailman.app.inject import inject_text

        inject_text(self.list, POSTING)
        self.run("in", "pipeline")

    def run(self, *queues):
        """Let runners work until their queues are empty."""
        from mailman.testing.helpers import make_testable_runner
        from mailman.utilities.modules import find_name

        for queue in queues:
            [settings] = [it for it in self._config.runner_configs if it.name == f"runner.{queue}"]
            make_testable_runner(find_name(settings["class"]), queue).run()

    def waiting(self, queue):
        return len(self._config.switchboards[queue].files)

    def bounces(self):
        """Who is said to have bounced, and why."""
        from mailman.interfaces.bounce import IBounceProcessor
        from zope.component import getUtility

        return [event.email for event in getUtility(IBounceProcessor).unprocessed]


@pytest.fixture
def ant(site):
    from mailman.testing.helpers import reset_the_world

    yield List(site)
    reset_the_world()


@pytest.fixture
def relay(mailnet):
    return mailnet.add_server("smtp.lists.example")


@pytest.fixture
def configured(site):
    """Change what the site is told of its mail server, for one test."""
    names = []

    def change(**settings):
        names.append(f"change {len(names)}")
        site.push(names[-1], "[mta]\n" + "".join(f"{key}: {value}\n" for key, value in settings.items()))

    yield change
    for name in reversed(names):
        site.pop(name)


def test_a_posting_arrives_at_all_members_in_one_mail(mailnet, relay, ant):
    ant.post()
    ant.run("out")

    [message] = mailnet.messages
    assert message.envelope.mail_from == "ant-bounces@lists.example"
    assert message.envelope.rcpt_tos == ("anne@shop.example", "bart@shop.example", "cris@shop.example")
    assert message.parsed["Subject"] == "[Ant] Ants"
    assert message.parsed["List-Id"] == "<ant.lists.example>"


def test_members_are_sent_mails_in_chunks(mailnet, relay, ant, configured):
    configured(max_recipients=2)

    ant.post()
    ant.run("out")

    assert sorted(len(it.envelope.rcpt_tos) for it in mailnet.messages) == [1, 2]
    assert len(mailnet.sessions) == 1


def test_each_member_has_a_mail_and_an_address_for_its_bounces(mailnet, relay, ant, configured):
    configured(verp_delivery_interval=1)

    ant.post()
    ant.run("out")

    assert sorted(it.envelope.mail_from for it in mailnet.messages) == [
        f"ant-bounces+{name}=shop.example@lists.example" for name in ("anne", "bart", "cris")
    ]


def test_a_refused_member_has_bounced_and_the_others_have_the_mail(mailnet, relay, ant):
    relay.on_rcpt("bart@*").reply("550 5.1.1 Nobody here")

    ant.post()
    ant.run("out")

    [message] = mailnet.messages
    assert message.envelope.rcpt_tos == ("anne@shop.example", "cris@shop.example")
    assert ant.bounces() == ["bart@shop.example"]
    assert ant.waiting("retry") == 0


def test_a_member_who_is_put_off_is_tried_again_alone(mailnet, relay, ant):
    relay.on_rcpt("bart@*").reply("451 4.7.1 Greylisted, try again later").times(1)

    ant.post()
    ant.run("out")
    waiting = ant.waiting("retry")
    ant.run("retry", "out")

    first, second = mailnet.messages
    assert waiting == 1
    assert first.envelope.rcpt_tos == ("anne@shop.example", "cris@shop.example")
    assert second.envelope.rcpt_tos == ("bart@shop.example",)
    assert (ant.bounces(), ant.waiting("retry")) == ([], 0)


def test_552_is_a_reason_to_try_again(mailnet, relay, ant):
    """RFC 5321, 4.5.3.1.10, has it so for too many recipients; Mailman has it so for all."""
    relay.on_message().reply("552 5.3.4 Message too big").times(1)

    ant.post()
    ant.run("out")

    assert (ant.bounces(), ant.waiting("retry")) == ([], 1)


def test_a_content_that_is_refused_lets_every_member_bounce(mailnet, relay, ant):
    relay.on_message().reply("554 5.7.1 Looks like spam").times(1)

    ant.post()
    ant.run("out")

    assert sorted(ant.bounces()) == ["anne@shop.example", "bart@shop.example", "cris@shop.example"]


def test_a_mail_server_that_is_down_is_tried_again(mailnet, relay, ant):
    mailnet.host("smtp.lists.example").fail("refused-at-connect", times=1)

    ant.post()
    ant.run("out")
    waiting = ant.waiting("retry")
    ant.run("retry", "out")

    assert waiting == 1
    assert len(mailnet.messages) == 1


@pytest.mark.parametrize(("port", "mode"), [(587, "starttls"), (465, "smtps")])
def test_mailman_logs_in_over_tls(mailnet, ant, configured, port, mode):
    mailnet.gmail.add_mailbox("lists", password="sesame", aliases=["ant-bounces@lists.example"])
    configured(
        smtp_host="smtp.gmail.com",
        smtp_port=port,
        smtp_secure_mode=mode,
        smtp_user="lists@gmail.com",
        smtp_pass="sesame",
    )

    ant.post()
    ant.run("out")

    assert [session.user for session in mailnet.sessions] == ["lists@gmail.com"]
    assert len(mailnet.queue) == 1


def test_a_wrong_password_lets_every_member_bounce(mailnet, ant, configured):
    """The reply to the log-in counts as the reply to each recipient, and 535 is permanent."""
    mailnet.gmail.add_mailbox("lists", password="sesame")
    configured(
        smtp_host="smtp.gmail.com",
        smtp_port=587,
        smtp_secure_mode="starttls",
        smtp_user="lists@gmail.com",
        smtp_pass="changed since",
    )

    ant.post()
    ant.run("out")

    assert mailnet.messages == []
    assert len(ant.bounces()) == 3
    assert ant.waiting("retry") == 0


def test_a_certificate_for_another_host_is_a_reason_to_try_again(mailnet, relay, ant, configured):
    mailnet.host("smtp.lists.example").tls.wrong_name()
    configured(smtp_port=587, smtp_secure_mode="starttls")

    ant.post()
    ant.run("out")

    assert mailnet.messages == []
    assert (ant.bounces(), ant.waiting("retry")) == ([], 1)


def test_a_poster_whose_domain_has_mail_of_others_rejected_is_not_the_author_any_more(mailnet, relay, ant):
    from mailman.interfaces.mailinglist import DMARCMitigateAction

    mailnet.dns.add("_dmarc.shop.example", "TXT", "v=DMARC1; p=reject")
    ant.list.dmarc_mitigate_action = DMARCMitigateAction.munge_from

    ant.post()
    ant.run("out")

    [message] = mailnet.messages
    assert message.parsed["From"] == "Anne via Ant <ant@lists.example>"
    assert [(it.name, it.rdtype) for it in mailnet.dns.queries][:1] == [("_dmarc.shop.example", "TXT")]
