"""What a test can get wrong with a net, its settings and its clock, and what each mistake is told."""

from __future__ import annotations

import pytest

from pytest_mailnet.errors import InvalidSetting, ReadOnly, UnknownAttribute, UnknownName

MISUSES = [
    # settings of a net
    (
        "mailnet.strict = False",
        UnknownAttribute,
        "a mailnet has no attribute 'strict' to set: it is a setting, which a net is made with: @pytest.mark.mailnet(strict=...), make_mailnet(strict=...), MailNet(strict=...), or mailnet_strict in the ini file",
    ),
    (
        "mailnet.log = 'always'",
        UnknownAttribute,
        "a mailnet has no attribute 'log' to set: it is a setting, which a net is made with: @pytest.mark.mailnet(log=...), make_mailnet(log=...), MailNet(log=...), or mailnet_log in the ini file",
    ),
    (
        "mailnet.enforce = 'all'",
        UnknownAttribute,
        "a mailnet has no attribute 'enforce' to set: it is a setting, which a net is made with: @pytest.mark.mailnet(enforce=...), make_mailnet(enforce=...), MailNet(enforce=...), or mailnet_enforce in the ini file",
    ),
    (
        "mailnet.config = None",
        ReadOnly,
        "'config' of a mailnet can only be read: make_mailnet(strict=...), MailNet(strict=...), @pytest.mark.mailnet(strict=...) make one",
    ),
    (
        "mailnet.config.strict = False",
        ReadOnly,
        "'strict' of a mailnet's config can only be read: it is a setting, which a net is made with: @pytest.mark.mailnet(strict=...), make_mailnet(strict=...), MailNet(strict=...), or mailnet_strict in the ini file",
    ),
    (
        "mailnet.config.stirct = False",
        UnknownAttribute,
        "a mailnet's config has no attribute 'stirct' (did you mean 'strict'?), and none that can be set",
    ),
    (
        "mailnet.config.but(stirct=False)",
        InvalidSetting,
        "no setting 'stirct' (did you mean 'strict'?…)",
    ),
    ("mailnet.config.but(strict='no')", InvalidSetting, "strict takes True or False, not 'no'"),
    ("mailnet.config.but(enforce='all')", InvalidSetting, "enforce takes several, as in ('all',), not 'all'"),
    (
        "mailnet.config.but(log='never ever')",
        InvalidSetting,
        "log takes 'failed' or 'always' or 'never', not 'never ever'",
    ),
    ("MailNet(stirct=False)", InvalidSetting, "no setting 'stirct' (did you mean 'strict'?…)"),
    (
        "MailNet({'strict': False})",
        InvalidSetting,
        "MailNet({'strict': False}) takes settings by name: MailNet(strict=False)",
    ),
    (
        "MailNet(start='2030-01-01')",
        InvalidSetting,
        "MailNet(start=...): '2030-01-01' is no datetime; it takes one as in datetime(2026, 1, 31, 12, 0, tzinfo=UTC)",
    ),
    (
        "MailNet(start=datetime(2030, 1, 1))",
        InvalidSetting,
        "MailNet(start=...): datetime.datetime(2030, 1, 1, 0, 0) is naive and could be any moment; give it a tzinfo, as in datetime(2026, 1, 31, 12, 0, tzinfo=UTC)",
    ),
    ("MailNet(enforce=['bulkk'])", InvalidSetting, "enforce: no rule 'bulkk' (did you mean 'bulk'?)"),
    (
        "MailNet(providers=['nowhere.toml'])",
        InvalidSetting,
        "providers: 'nowhere.toml' is no TOML file, and no folder with such files in it",
    ),
    (
        "MailNetConfig(stirct=False)",
        InvalidSetting,
        "no setting 'stirct' (did you mean 'strict'?…)",
    ),
    (
        "MailNetConfig(False)",
        InvalidSetting,
        "MailNetConfig(False) takes settings by name; there are: strict, …",
    ),
    # attributes of a net
    (
        "mailnet.sendgrid",
        UnknownAttribute,
        "a mailnet has no attribute 'sendgrid': mailnet.provider('sendgrid')",
    ),
    ("mailnet.web_de", UnknownAttribute, "a mailnet has no attribute 'web_de': mailnet.provider('web.de')"),
    (
        "mailnet.gmial = 1",
        UnknownAttribute,
        "a mailnet has no attribute 'gmial' (did you mean 'gmail'?), and none that can be set",
    ),
    ("mailnet.messages = []", ReadOnly, "'messages' of a mailnet can only be read"),
    (
        "mailnet.sender = mailnet.add_sender()",
        ReadOnly,
        "'sender' of a mailnet can only be read: its attributes can be set; another one: with mailnet.sending_from(mailnet.add_sender()):",
    ),
    (
        "mailnet.clock = None",
        ReadOnly,
        "'clock' of a mailnet can only be read: mailnet.clock.set(moment) and mailnet.clock.advance(hours=1) move it",
    ),
    (
        "mailnet.queue = []",
        ReadOnly,
        "'queue' of a mailnet can only be read: mailnet.deliver_all() works through it; mailnet.queue.schedule can be set",
    ),
    (
        "mailnet.deliver_all = None",
        ReadOnly,
        "deliver_all() of a mailnet is a method: it is called, and cannot be set",
    ),
    ("mailnet.gmial", UnknownAttribute, "a mailnet has no attribute 'gmial' (did you mean 'gmail'?)"),
    (
        "mailnet.outbox",
        UnknownAttribute,
        "a mailnet has no attribute 'outbox': mailnet.messages has what servers took, mailnet.gmail.mailbox('alice').messages what lies there",
    ),
    (
        "mailnet.mails",
        UnknownAttribute,
        "a mailnet has no attribute 'mails': mailnet.messages has what servers took, mailnet.gmail.mailbox('alice').messages what lies there",
    ),
    (
        "mailnet.inbox",
        UnknownAttribute,
        "a mailnet has no attribute 'inbox': mailnet.messages has what servers took, mailnet.gmail.mailbox('alice').messages what lies there",
    ),
    (
        "mailnet.google",
        UnknownAttribute,
        "a mailnet has no attribute 'google': mailnet.gmail, or mailnet.google_workspace for domains of one's own",
    ),
    (
        "mailnet.gsuite",
        UnknownAttribute,
        "a mailnet has no attribute 'gsuite': mailnet.gmail, or mailnet.google_workspace for domains of one's own",
    ),
    (
        "mailnet.strict",
        UnknownAttribute,
        "a mailnet has no attribute 'strict': it is a setting, which a net is made with: @pytest.mark.mailnet(strict=...), make_mailnet(strict=...), MailNet(strict=...), or mailnet_strict in the ini file",
    ),
    (
        "mailnet.on_rcpt('alice@*')",
        UnknownAttribute,
        "a mailnet has no attribute 'on_rcpt': answers are a provider's: mailnet.gmail.on_rcpt(...)",
    ),
    (
        "mailnet.add_mailbox('alice')",
        UnknownAttribute,
        "a mailnet has no attribute 'add_mailbox': mailboxes are a provider's: mailnet.gmail.add_mailbox('alice')",
    ),
    ("del mailnet.messages", ReadOnly, "'messages' of a mailnet cannot be deleted"),
    ("mailnet.ca.pem = ''", ReadOnly, "'pem' of a mailnet's ca can only be read"),
    # the clock
    (
        "mailnet.clock.speed = 2",
        UnknownAttribute,
        "a mailnet's clock has no attribute 'speed' to set: mailnet.clock.advance(hours=1) and mailnet.clock.set(moment) move the clock",
    ),
    (
        "mailnet.clock.sped = 2",
        UnknownAttribute,
        "a mailnet's clock has no attribute 'sped', and none that can be set",
    ),
    (
        "mailnet.clock.now = lambda: 0",
        ReadOnly,
        "now() of a mailnet's clock is a method: it is called, and cannot be set: mailnet.clock.advance(hours=1) and mailnet.clock.set(moment) move the clock",
    ),
    (
        "mailnet.clock.compressed = True",
        ReadOnly,
        "'compressed' of a mailnet's clock can only be read: mailnet.clock.compress() lets waits take no time",
    ),
    (
        "mailnet.clock.advance()",
        InvalidSetting,
        "the clock stands at 2026-11-28 12:00:00 UTC and moves only forward; a step of 0 s was asked for. A net that starts earlier is made by MailNet(start=...) or make_mailnet(start=...)",
    ),
    (
        "mailnet.clock.advance(60)",
        InvalidSetting,
        "mailnet.clock.advance(60): of what? It takes days=, hours=, minutes= and seconds=",
    ),
    (
        "mailnet.clock.advance(timedelta(hours=1))",
        InvalidSetting,
        "mailnet.clock.advance(datetime.timedelta(seconds=3600)): of what? It takes days=, hours=, minutes= and seconds=",
    ),
    (
        "mailnet.clock.advance(minutes='5')",
        InvalidSetting,
        "mailnet.clock.advance(minutes='5'): it takes a number",
    ),
    (
        "mailnet.clock.advance(minute=5)",
        TypeError,
        "mailnet.clock.advance() got an unexpected keyword argument 'minute'…",
    ),
    (
        "mailnet.clock.set('2030-01-01')",
        InvalidSetting,
        "mailnet.clock.set: '2030-01-01' is no datetime; it takes one as in datetime(2026, 1, 31, 12, 0, tzinfo=UTC)",
    ),
    (
        "mailnet.clock.set(datetime(2030, 1, 1))",
        InvalidSetting,
        "mailnet.clock.set: datetime.datetime(2030, 1, 1, 0, 0) is naive and could be any moment; give it a tzinfo, as in datetime(2026, 1, 31, 12, 0, tzinfo=UTC)",
    ),
    # accounts of what was sent
    (
        "mailnet.account_for(['1@b.example'])",
        InvalidSetting,
        "account_for(['1@b.example']) takes what the application believes of each mail, by its Message-ID, or by that and the recipient: {'1@b.example': 'sent', ('2@b.example', 'a@shop.example'): 'failed'}",
    ),
    (
        "mailnet.account_for({('1@b.example',): 'sent'})",
        InvalidSetting,
        "account_for({('1@b.example',): 'sent'}) takes what the application believes of each mail, by its Message-ID, or by that and the recipient: {'1@b.example': 'sent', ('2@b.example', 'a@shop.example'): 'failed'}",
    ),
    ("mailnet.account_for({}).lost = ()", ReadOnly, "'lost' of a reckoning can only be read"),
    (
        "mailnet.account_for({'x': 'lost'})",
        InvalidSetting,
        "account_for: 'lost' of x (there is: deferred, failed, sent); None is for a mail that the application has no word of",
    ),
    (
        "mailnet.fail('192.0.2.10', 'reset-at-rcpt')",
        UnknownName,
        "no host '192.0.2.10' (there is: mx.shop.example). That is an address, and this is its host.",
    ),
    # real ports
    (
        "mailnet.listen('mx.shop.example', '25')",
        InvalidSetting,
        "mailnet.listen('mx.shop.example', '25'): a port is a number, as in 25",
    ),
    (
        "mailnet.listen('shop.example')",
        UnknownName,
        "no host 'shop.example' (did you mean 'mx.shop.example'? There is: mx.shop.example). That is a domain, and these are its hosts.",
    ),
    (
        "mailnet.listen('mx.shop.example', 26)",
        InvalidSetting,
        "mailnet.listen('mx.shop.example', 26): mx.shop.example listens on 25, 110, 143, 465, 587, 993, 995",
    ),
]


@pytest.mark.parametrize(("written", "error", "told"), MISUSES, ids=[written for written, *_ in MISUSES])
def test_a_misuse_is_told_where_it_is_written(misuse, written, error, told):
    misuse(written, error, told)
