"""What a test can get wrong: each is told where it is written, to the letter, with what was meant or what to do."""

from __future__ import annotations

import pickle
import smtplib
import socket
from datetime import UTC, datetime, timedelta

import pytest
import trio

from pytest_mailnet import MailNet
from pytest_mailnet.config import MailNetConfig
from pytest_mailnet.errors import (
    InvalidAddress,
    InvalidReply,
    InvalidSetting,
    MailNetError,
    NothingArrived,
    ReadOnly,
    UnknownAttribute,
    UnknownName,
    WouldHang,
    ZoneError,
)
from pytest_mailnet.faults import FaultSchedule
from pytest_mailnet.net import way_in
from pytest_mailnet.relay.retries import RetrySchedule
from pytest_mailnet.senders.dkim_key import DkimKey

START = datetime(2026, 11, 28, 12, 0, tzinfo=UTC)

# What is written, and how it fails; "…" stands for a list that grows with the catalogue or
# the settings, and for what newer Pythons add.
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
    # lists that only show
    (
        "mailnet.messages.clear()",
        ReadOnly,
        "mailnet.messages.clear() would change nothing: mailnet.messages is a new list each time. What comes later: before = len(mailnet.messages), and then mailnet.messages[before:].",
    ),
    (
        "mailnet.messages.append(message)",
        ReadOnly,
        "mailnet.messages.append(...) would change nothing: mailnet.messages is a new list each time. What comes later: before = len(mailnet.messages), and then mailnet.messages[before:].",
    ),
    (
        "mailnet.messages.pop()",
        ReadOnly,
        "mailnet.messages.pop() would change nothing: mailnet.messages is a new list each time. What comes later: before = len(mailnet.messages), and then mailnet.messages[before:].",
    ),
    (
        "mailnet.messages += [message]",
        ReadOnly,
        "mailnet.messages += ... would change nothing: mailnet.messages is a new list each time. What comes later: before = len(mailnet.messages), and then mailnet.messages[before:].",
    ),
    (
        "del mailnet.messages[0]",
        ReadOnly,
        "del mailnet.messages[...] would change nothing: mailnet.messages is a new list each time. What comes later: before = len(mailnet.messages), and then mailnet.messages[before:].",
    ),
    (
        "mailnet.messages[0] = message",
        ReadOnly,
        "mailnet.messages[...] = ... would change nothing: mailnet.messages is a new list each time. What comes later: before = len(mailnet.messages), and then mailnet.messages[before:].",
    ),
    (
        "mailnet.sessions.clear()",
        ReadOnly,
        "mailnet.sessions.clear() would change nothing: mailnet.sessions is a new list each time. What comes later: before = len(mailnet.sessions), and then mailnet.sessions[before:].",
    ),
    (
        "mailnet.sessions.sort()",
        ReadOnly,
        "mailnet.sessions.sort() would change nothing: mailnet.sessions is a new list each time. What comes later: before = len(mailnet.sessions), and then mailnet.sessions[before:].",
    ),
    (
        "mailnet.dns.queries.clear()",
        ReadOnly,
        "mailnet.dns.queries.clear() would change nothing: mailnet.dns.queries is a new list each time. What comes later: before = len(mailnet.dns.queries), and then mailnet.dns.queries[before:].",
    ),
    (
        "mailnet.dns.names.remove('shop.example')",
        ReadOnly,
        "mailnet.dns.names.remove(...) would change nothing: mailnet.dns.names is a new list each time. .dns.add and .dns.remove change them.",
    ),
    (
        "mailnet.hosts.append(host)",
        ReadOnly,
        "mailnet.hosts.append(...) would change nothing: mailnet.hosts is a new list each time. mailnet.add_server('mx.shop.example') adds one.",
    ),
    (
        "mailnet.providers.remove(shop)",
        ReadOnly,
        "mailnet.providers.remove(...) would change nothing: mailnet.providers is a new list each time. mailnet.add_server('mx.shop.example') adds a server.",
    ),
    (
        "shop.sessions.clear()",
        ReadOnly,
        "provider.sessions.clear() would change nothing: provider.sessions is a new list each time. What comes later: before = len(provider.sessions), and then provider.sessions[before:].",
    ),
    (
        "shop.mailboxes.clear()",
        ReadOnly,
        "provider.mailboxes.clear() would change nothing: provider.mailboxes is a new list each time. .add_mailbox('alice') opens one.",
    ),
    (
        "session.replies.clear()",
        ReadOnly,
        "session.replies.clear() would change nothing: session.replies is a new list each time. session.exchanges has the record.",
    ),
    (
        "shop.hosts['mx.shop.example'] = host",
        TypeError,
        "'mappingproxy' object does not support item assignment",
    ),
    # providers and servers
    (
        "shop.quota = 0",
        UnknownAttribute,
        "a server has no attribute 'quota' to set: that is a mailbox's, as in .add_mailbox('alice').quota",
    ),
    (
        "shop.disabled = True",
        UnknownAttribute,
        "a server has no attribute 'disabled' to set: that is a mailbox's, as in .add_mailbox('alice').disabled",
    ),
    (
        "shop.strict = False",
        UnknownAttribute,
        "a server has no attribute 'strict' to set: settings are the net's: @pytest.mark.mailnet(strict=...)",
    ),
    (
        "shop.greylisting = True",
        UnknownAttribute,
        "a server has no attribute 'greylisting' to set: .enforce('greylisting') turns it on, where a provider has it",
    ),
    (
        "shop.domains = 'x'",
        ReadOnly,
        "'domains' of a server can only be read: mailnet.add_domain('shop.example', on='google-workspace') adds one",
    ),
    (
        "shop.replies.user_unknown = '550 5.1.1 no'",
        ReadOnly,
        "replies.user_unknown can only be read: an answer of one's own is scripted, .on_rcpt('sales@*').reply('550 5.1.1 No such user')",
    ),
    (
        "shop.colour = 'red'",
        UnknownAttribute,
        "a server has no attribute 'colour', and none that can be set",
    ),
    ("shop.submission.x = 1", UnknownAttribute, "a server has no attribute 'x', and none that can be set"),
    (
        "mailnet.gmail.submission.x = 1",
        UnknownAttribute,
        "a provider has no attribute 'x', and none that can be set",
    ),
    (
        "shop.mails",
        UnknownAttribute,
        "a server has no attribute 'mails': mailnet.messages and mailbox.messages have the mail, .sessions the connections",
    ),
    (
        "shop.mesages",
        UnknownAttribute,
        "a server has no attribute 'mesages' (did you mean 'messages' or 'on_message'?)",
    ),
    (
        "shop.helo_only = True",
        UnknownAttribute,
        "a server has no attribute 'helo_only' to set: server.host.helo_only = True",
    ),
    ("shop.on_rcpt = None", ReadOnly, "on_rcpt() of a server is a method: it is called, and cannot be set"),
    (
        "mailnet.gmail.replies.over_qouta",
        UnknownAttribute,
        "no reply of gmail 'over_qouta' (did you mean 'over_quota'?). A reply of one's own is a text: .reply('550 5.1.1 No such user').",
    ),
    (
        "shop.enforce()",
        InvalidSetting,
        "mx.shop.example.enforce() takes the names of rules: wrong_credentials, submission, trusted_network, recipients, local_recipient, authenticated_user, relaying_denied",
    ),
    (
        "shop.enforce('all')",
        InvalidSetting,
        "mx.shop.example.enforce('all') turns nothing on: all its rules are on in a fresh net. Providers have more: mailnet.gmail.enforce('bulk')",
    ),
    (
        "shop.enforce_all()",
        InvalidSetting,
        "mx.shop.example.enforce('all') turns nothing on: all its rules are on in a fresh net. Providers have more: mailnet.gmail.enforce('bulk')",
    ),
    (
        "mailnet.gmail.enforce('unknown_mailbox')",
        InvalidSetting,
        "gmail.enforce('unknown_mailbox') turns nothing on: what it means is on in a fresh net. What turns something on: authentication, …",
    ),
    (
        "mailnet.gmail.enforce('greylistign')",
        UnknownName,
        "no rule of gmail 'greylistign' (there is: …). Its file tells the rules that it applies.",
    ),
    ("shop.explain(None)", InvalidSetting, "explain(None) takes one of mailnet.sessions"),
    (
        "shop.add_domain('no domain')",
        ZoneError,
        "'no domain' is no domain name; one looks like 'shop.example' or '_dmarc.shop.example'",
    ),
    (
        "shop.trust('10.0.0.1/8')",
        InvalidAddress,
        "'10.0.0.1/8' is no network (10.0.0.1/8 has host bits set); it takes one as in '10.0.0.0/8'",
    ),
    ("mailnet.provider(None)", InvalidSetting, "mailnet.provider(None) takes a name, as in 'gmail'"),
    (
        "mailnet.provider('gmial')",
        UnknownName,
        "no provider 'gmial' (did you mean 'gmail' or 'qmail'?). A server of one's own: mailnet.add_server('mx.shop.example', domain='shop.example').",
    ),
    (
        "mailnet.provider('google')",
        UnknownName,
        "no provider 'google' (there is: …). Google's are 'gmail', and 'google-workspace' for domains of one's own.",
    ),
    (
        "mailnet.provider('exchange')",
        UnknownName,
        "no provider 'exchange' (did you mean 'exchange-server'?). Microsoft's are 'hotmail' (Outlook.com), and 'microsoft365' for domains of one's own.",
    ),
    (
        "mailnet.add_domain('shop2.example', on='gmail')",
        InvalidSetting,
        "mailnet.add_domain('shop2.example', on='gmail'): Gmail takes no domains of others; mailnet.add_domain('shop2.example', on='google-workspace') does",
    ),
    (
        "mailnet.add_domain('shop2.example', on='hotmail')",
        InvalidSetting,
        "mailnet.add_domain('shop2.example', on='hotmail'): Outlook.com (Hotmail) takes no domains of others; mailnet.add_domain('shop2.example', on='microsoft365') does",
    ),
    (
        "mailnet.add_server('mx shop')",
        InvalidAddress,
        "'mx shop' cannot be a host or domain name; one looks like 'mx.shop.example'",
    ),
    (
        "mailnet.add_server('smtp://mx2.shop.example')",
        InvalidAddress,
        "'smtp://mx2.shop.example' cannot be a host or domain name; one looks like 'mx.shop.example'",
    ),
    (
        "mailnet.add_server('mx2.shop.example:2525')",
        InvalidAddress,
        "'mx2.shop.example:2525' cannot be a host or domain name; one looks like 'mx.shop.example'",
    ),
    (
        "mailnet.add_server('192.0.2.77')",
        InvalidAddress,
        "'192.0.2.77' cannot be a host or domain name; one looks like 'mx.shop.example'",
    ),
    (
        "mailnet.add_server(25)",
        InvalidAddress,
        "25 cannot be a host or domain name; one looks like 'mx.shop.example'",
    ),
    (
        "mailnet.add_server('mx2.shop.example', ports=25)",
        InvalidSetting,
        "mailnet.add_server('mx2.shop.example', ports=...): it takes several, as in (25, 587), not 25",
    ),
    (
        "mailnet.add_server('mx2.shop.example', ports=(0,))",
        InvalidSetting,
        "mailnet.add_server('mx2.shop.example', ports=...): 0 is no port, 1 to 65535",
    ),
    (
        "mailnet.add_server('mx2.shop.example', domains='shop.example')",
        TypeError,
        "mailnet.add_server() got an unexpected keyword argument 'domains'…",
    ),
    (
        "mailnet.add_server()",
        TypeError,
        "mailnet.add_server() missing 1 required positional argument: 'host'",
    ),
    # mailboxes and accounts
    (
        "mailnet.gmail.add_mailbox('a b')",
        InvalidAddress,
        "'a b@gmail.com' is no mail address: no RCPT command could name it (RFC 5321, 4.1.2)",
    ),
    (
        "mailnet.gmail.add_mailbox('')",
        InvalidAddress,
        "'@gmail.com' is no mail address: it takes a local part, '@', and a domain, as in 'alice@gmail.com'",
    ),
    (
        "mailnet.gmail.add_mailbox(5)",
        InvalidAddress,
        "5 is no mail address; it takes a text, as in 'alice@gmail.com'",
    ),
    (
        "mailnet.gmail.add_mailbox('alice@hotmail.com')",
        InvalidAddress,
        "'alice@hotmail.com' cannot be a mailbox of gmail: its users' addresses end in @gmail.com or @googlemail.com",
    ),
    (
        "mailnet.gmail.add_mailbox('alice', quota='big')",
        InvalidSetting,
        "quota of a mailbox: 'big' is not a number of bytes, 0 or more, or None for no limit",
    ),
    (
        "mailnet.gmail.add_mailbox('alice', password=5)",
        InvalidSetting,
        "add_mailbox('alice', password=5): a password is a text",
    ),
    (
        "mailnet.gmail.mailbox('alise')",
        UnknownName,
        "no mailbox at gmail 'alise@gmail.com' (did you mean 'alice@gmail.com'? There is: alice@gmail.com). A provider knows the mailboxes that the test adds: .add_mailbox('alise').",
    ),
    (
        "alice.quota = -1",
        InvalidSetting,
        "quota of a mailbox: -1 is not a number of bytes, 0 or more, or None for no limit",
    ),
    (
        "alice.hourly_limit = True",
        InvalidSetting,
        "hourly_limit of a mailbox: True is not a number of messages, 0 or more, or None for no limit",
    ),
    ("alice.disabled = 'no'", InvalidSetting, "disabled of a mailbox takes True or False, not 'no'"),
    (
        "alice.disbled = True",
        UnknownAttribute,
        "a mailbox has no attribute 'disbled' to set (did you mean 'disabled'? There is: disabled, hourly_limit, quota)",
    ),
    (
        "alice.messages = []",
        ReadOnly,
        "'messages' of a mailbox can only be read: mailbox.messages.clear() empties it",
    ),
    (
        "alice.address = 'bob@gmail.com'",
        ReadOnly,
        "'address' of a mailbox can only be read: further addresses are aliases, .add_mailbox(address, aliases=...)",
    ),
    (
        "alice.password = 'secret'",
        UnknownAttribute,
        "a mailbox has no attribute 'password' to set: mailbox.account.password is what its owner logs in with",
    ),
    (
        "alice.inbox",
        UnknownAttribute,
        "a mailbox has no attribute 'inbox': its .messages are what has been delivered",
    ),
    (
        "alice.report_spam(message)",
        InvalidSetting,
        "report_spam(Message(envelope=Envelope(mail_from='bob@sender.example', rcpt_tos=('alice@shop.example',), mail_options=('size=15',), rcpt_options=((),)), content=b'Subject: x\\r\\n\\r\\nx\\r\\n', received=datetime.datetime(2026, 11, 28, 12, 0, tzinfo=datetime.timezone.utc), provider='mx.shop.example', trace=b'')): that is no message of alice@gmail.com",
    ),
    (
        "alice.account.password = 5",
        InvalidSetting,
        "password of an account takes a text, or None for none, not 5",
    ),
    (
        "alice.account.pasword = 'x'",
        UnknownAttribute,
        "an account has no attribute 'pasword' to set (did you mean 'password'? There is: aliases, password, two_step)",
    ),
    (
        "alice.account.two_step = 'yes'",
        InvalidSetting,
        "two_step of an account takes True or False, not 'yes'",
    ),
    (
        "alice.account.aliases = 'sales@gmail.com'",
        InvalidSetting,
        "aliases of an account takes addresses, as in ('sales@gmail.com',), not 'sales@gmail.com'",
    ),
    (
        "alice.account.aliases = ['sales']",
        InvalidSetting,
        "aliases of an account takes addresses, as in ('sales@gmail.com',), not ['sales']",
    ),
    ("alice.account.address = 'bob@gmail.com'", ReadOnly, "'address' of an account can only be read"),
    (
        "alice.account.issue_token(seconds=0)",
        InvalidSetting,
        "issue_token(seconds=0): a token lives for more than 0 s; to have one that has expired, move the clock: mailnet.clock.advance(hours=1)",
    ),
    (
        "alice.account.issue_token(seconds='3600')",
        InvalidSetting,
        "issue_token(seconds='3600'): a token lives for more than 0 s; to have one that has expired, move the clock: mailnet.clock.advance(hours=1)",
    ),
    ("alice.account.add_app_password(1234)", InvalidSetting, "add_app_password(1234): a password is a text"),
    # hosts
    ("host.helo_only = 'no'", InvalidSetting, "helo_only of a host takes True or False, not 'no'"),
    (
        "host.helo_onyl = True",
        UnknownAttribute,
        "a host has no attribute 'helo_onyl' to set (did you mean 'helo_only'? There is: helo_only, ports)",
    ),
    (
        "host.extensions = ['SIZE']",
        ReadOnly,
        "'extensions' of a host can only be read: .extensions.add('SIZE 1000'), .discard('SIZE') and .clear() change them",
    ),
    ("host.ports = 25", InvalidSetting, "ports of a host: it takes several, as in (25, 587), not 25"),
    ("host.ports = '25'", InvalidSetting, "ports of a host: it takes several, as in (25, 587), not '25'"),
    ("host.ports = (25, 65536)", InvalidSetting, "ports of a host: 65536 is no port, 1 to 65535"),
    (
        "host.addresses = ('192.0.2.1',)",
        ReadOnly,
        "'addresses' of a host can only be read: mailnet.add_server(name, ip=...) gives a host its addresses",
    ),
    ("host.name = 'mx2.shop.example'", ReadOnly, "'name' of a host can only be read"),
    (
        "host.tls = False",
        ReadOnly,
        "'tls' of a host can only be read: .tls.expired() and its sisters, .tls.require() and .tls.strip_starttls() change it",
    ),
    (
        "host.refuse_connections = True",
        ReadOnly,
        "refuse_connections() of a host is a method: it is called, and cannot be set",
    ),
    (
        "host.messages",
        UnknownAttribute,
        "a host has no attribute 'messages': mailnet.messages and mailbox.messages have the mail, mailnet.sessions the connections",
    ),
    (
        "host.on_rcpt('alice@*')",
        UnknownAttribute,
        "a host has no attribute 'on_rcpt': answers are its provider's: .provider.on_rcpt(...)",
    ),
    (
        "host.tls.expired = True",
        ReadOnly,
        "expired() of a host's tls is a method: it is called, and cannot be set",
    ),
    (
        "host.tls.expird = True",
        UnknownAttribute,
        "a host's tls has no attribute 'expird' to set (there is: certificate, required, stripped)",
    ),
    ("host.tls.required = 'yes'", InvalidSetting, "required of a host's tls takes True or False, not 'yes'"),
    (
        "host.tls.certificate = 'expired'",
        InvalidSetting,
        "certificate of a host's tls takes a Certificate, as .valid(), .expired(), .wrong_name(), .self_signed() and their sisters set it, not 'expired'",
    ),
    (
        "host.extensions.lines = ()",
        ReadOnly,
        "'lines' of a host's extensions can only be read: .add('SIZE 1000'), .discard('SIZE') and .clear() change them",
    ),
    ("host.extensions.add(5)", InvalidSetting, "5 is no line of an EHLO reply, as in 'SIZE 35651584'"),
    (
        "host.extensions.add('SIZE', '1000')",
        TypeError,
        "host.extensions.add() takes 2 positional arguments but 3 were given",
    ),
    (
        "host.extensions.add('SIEZ 1000')",
        UnknownName,
        "no SMTP extension 'SIEZ' (did you mean 'SIZE'?). Extensions of one's own begin with X (RFC 5321, 2.2.2).",
    ),
    (
        "host.extensions.discard('STARTLS')",
        UnknownName,
        "no SMTP extension 'STARTLS' (did you mean 'STARTTLS'?). Extensions of one's own begin with X (RFC 5321, 2.2.2).",
    ),
    ("mailnet.host(None)", InvalidSetting, "mailnet.host(None) takes a name, as in 'mx.shop.example'"),
    (
        "mailnet.host('mx.shop.exmaple')",
        UnknownName,
        "no host 'mx.shop.exmaple' (did you mean 'mx.shop.example' or 'shop.example'?). To have one: mailnet.add_server('mx.shop.exmaple').",
    ),
    ("mailnet.ca.pem = ''", ReadOnly, "'pem' of a mailnet's ca can only be read"),
    # senders
    (
        "mailnet.sender.IP = '192.0.2.1'",
        UnknownAttribute,
        "a sender has no attribute 'IP' to set (did you mean 'ip' or 'ipv6'?)",
    ),
    (
        "mailnet.sender.ip = '300.1.1.1'",
        InvalidAddress,
        "'300.1.1.1' is no IP address; it takes one as in '192.0.2.27' or '2001:db8::27'",
    ),
    (
        "mailnet.sender.ipv6 = '192.0.2.1'",
        InvalidAddress,
        "'192.0.2.1' is no IPv6 address; set sender.ip to it",
    ),
    (
        "mailnet.sender.ptr = 'not a name'",
        ZoneError,
        "'not a name' is no domain name; one looks like 'shop.example' or '_dmarc.shop.example'",
    ),
    (
        "mailnet.sender.ptr = 5",
        ZoneError,
        "5 is no domain name; one looks like 'shop.example' or '_dmarc.shop.example'",
    ),
    (
        "mailnet.sender.helo = 5",
        InvalidSetting,
        "helo of a sender takes the name of a machine, as in 'app.shop.example', not 5",
    ),
    (
        "mailnet.sender.helo = 'not a name'",
        InvalidSetting,
        "helo of a sender takes the name of a machine, as in 'app.shop.example', not 'not a name'",
    ),
    ("mailnet.sender.dynamic = 'no'", InvalidSetting, "dynamic of a sender takes True or False, not 'no'"),
    ("mailnet.sender.bulk = 1", InvalidSetting, "bulk of a sender takes True or False, not 1"),
    (
        "mailnet.sender.throttled = 'yes'",
        InvalidSetting,
        "throttled of a sender takes True or False, not 'yes'",
    ),
    (
        "mailnet.sender.reputation = 'por'",
        InvalidSetting,
        "sender.reputation: 'por' (did you mean 'poor'? There is: bad, good, poor)",
    ),
    (
        "mailnet.sender.listed_in = 'xbl'",
        InvalidSetting,
        "listed_in takes several lists, as in ['xbl'], not 'xbl'",
    ),
    (
        "mailnet.sender.listed_in = ['xblx']",
        InvalidSetting,
        "no list 'xblx' (did you mean 'xbl'?). Any other one is a zone with its code: {'bl.shop.example': '127.0.0.2'}",
    ),
    (
        "mailnet.sender.name = 'x'",
        ReadOnly,
        "'name' of a sender can only be read: .ptr is its reverse name, and .helo what it finds for its own machine",
    ),
    (
        "mailnet.sender.publish('shop.example', spf=5)",
        InvalidSetting,
        "publish('shop.example', spf=5) takes True, False, or a record 'v=spf1 -all'",
    ),
    (
        "mailnet.sender.publish('shop.example', dkim='no')",
        InvalidSetting,
        "publish('shop.example', dkim=...) takes True or False, not 'no'",
    ),
    (
        "mailnet.sender.publish('shop.example', dmarc='rejct')",
        InvalidSetting,
        "publish('shop.example', dmarc='rejct'): no such policy (did you mean 'reject'? There is: none, quarantine, reject)",
    ),
    (
        "mailnet.sender.publish('shop.example', selector='no selector')",
        InvalidSetting,
        "publish('shop.example', selector='no selector'): a selector is one or more labels",
    ),
    (
        "mailnet.sender.publish()",
        TypeError,
        "sender.publish() missing 1 required positional argument: 'domain'",
    ),
    (
        "mailnet.sending_from('198.51.100.9')",
        InvalidSetting,
        "mailnet.sending_from('198.51.100.9') takes what mailnet.add_sender(ip=...) returns",
    ),
    (
        "mailnet.add_sender(ptr='not a name')",
        ZoneError,
        "'not a name' is no domain name; one looks like 'shop.example' or '_dmarc.shop.example'",
    ),
    # the clock and the queue
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
    (
        "mailnet.deliver_all(5)",
        InvalidSetting,
        "mailnet.deliver_all(5): of what? It takes days=, hours=, minutes= and seconds=",
    ),
    (
        "mailnet.deliver_all(days=-1)",
        InvalidSetting,
        "mailnet.deliver_all(): -1 day, 0:00:00 lies in the past",
    ),
    (
        "mailnet.deliver_all(day=1)",
        TypeError,
        "mailnet.deliver_all() got an unexpected keyword argument 'day'…",
    ),
    (
        "mailnet.queue.shedule = RetrySchedule()",
        UnknownAttribute,
        "a mailnet's queue has no attribute 'shedule' to set (did you mean 'schedule'? There is: schedule)",
    ),
    (
        "mailnet.queue.schedule = timedelta(hours=1)",
        InvalidSetting,
        "mailnet.queue.schedule: datetime.timedelta(seconds=3600) is none; it takes one as in RetrySchedule(retries=(timedelta(minutes=30),))",
    ),
    (
        "mailnet.queue.schedule.give_up_after = timedelta(hours=1)",
        ReadOnly,
        "'give_up_after' of a schedule can only be read: mailnet.queue.schedule = RetrySchedule(retries=..., warn_after=..., give_up_after=...) sets another",
    ),
    (
        "mailnet.queue.clear()",
        UnknownAttribute,
        "a mailnet's queue has no attribute 'clear': mailnet.deliver_all() works through it",
    ),
    (
        "RetrySchedule(retries=timedelta(minutes=5))",
        InvalidSetting,
        "RetrySchedule(retries=datetime.timedelta(seconds=300), warn_after=datetime.timedelta(seconds=14400), give_up_after=datetime.timedelta(days=5)): it takes at least one time to wait, as in retries=(timedelta(minutes=30),), and all times are longer than 0",
    ),
    (
        "RetrySchedule(retries=(5,))",
        InvalidSetting,
        "RetrySchedule(retries=(5,), warn_after=datetime.timedelta(seconds=14400), give_up_after=datetime.timedelta(days=5)): it takes at least one time to wait, as in retries=(timedelta(minutes=30),), and all times are longer than 0",
    ),
    # DNS
    (
        "mailnet.dns.ttl = 1",
        UnknownAttribute,
        "a mailnet's dns has no attribute 'ttl' to set: .add(name, rdtype, value, ttl=60) gives it with a record",
    ),
    (
        "mailnet.dns.tll = 1",
        UnknownAttribute,
        "a mailnet's dns has no attribute 'tll', and none that can be set",
    ),
    (
        "mailnet.dns.add('shop.example', 'MX')",
        ZoneError,
        "dns.add('shop.example', 'MX') takes at least one value",
    ),
    (
        "mailnet.dns.add('shop.example', 'MX', ['10 mx.shop.example'])",
        ZoneError,
        "dns.add('shop.example', 'MX', ['10 mx.shop.example']): a value is a text, several follow each other",
    ),
    (
        "mailnet.dns.add('shop.example', 'MX', 'mx.shop.example')",
        ZoneError,
        "dns.add('shop.example', 'MX', 'mx.shop.example'): expecting an integer; MX takes it as in '10 mx.shop.example'",
    ),
    (
        "mailnet.dns.add('shop.example', 'A', '192.0.2.1', ttl='60')",
        ZoneError,
        "dns.add('shop.example', 'A', ttl='60'): it takes 0 to 2147483647 seconds",
    ),
    (
        "mailnet.dns.remove('shop.exmaple')",
        ZoneError,
        "dns.remove: no records 'shop.exmaple' (did you mean 'shop.example' or 'mx.shop.example'?)",
    ),
    (
        "mailnet.dns.fail('shop.example', 'SERVFIAL')",
        ZoneError,
        "dns.fail('shop.example', 'SERVFIAL'): no such failure (did you mean 'SERVFAIL' or 'dns-servfail'?)",
    ),
    (
        "mailnet.dns.fail('shop.example', 'SERVFAIL', times=0)",
        ZoneError,
        "dns.fail('shop.example', 'SERVFAIL', times=0): it fails 1 time or more",
    ),
    (
        "mailnet.dns.fail('shop.example', 'SERVFAIL', times='1')",
        ZoneError,
        "dns.fail('shop.example', 'SERVFAIL', times='1'): it fails 1 time or more",
    ),
    (
        "mailnet.dns.fail('shop.example', 'SERVFAIL'); mailnet.dns.fail('shop.example', 'NXDOMAIN')",
        ZoneError,
        "dns.fail('shop.example', 'dns-nxdomain'): that would never happen, since 'dns-servfail' was asked for first, for good: that takes times=1 to have an end",
    ),
    (
        "mailnet.dns.fail('shop.example', 'SERVFAIL'); mailnet.dns.fail('shop.example', 'SERVFAIL', times=1)",
        ZoneError,
        "dns.fail('shop.example', 'dns-servfail'): that would never happen, since 'dns-servfail' was asked for first, for good: that takes times=1 to have an end",
    ),
    # faults
    (
        "host.fail('reset-at-rctp')",
        UnknownName,
        "no fault 'reset-at-rctp' (did you mean 'reset-at-rcpt' or 'reset-at-data' or 'reset-at-auth'?). pytest_mailnet.faults.FAULTS has them all.",
    ),
    (
        "host.fail('dns-servfail')",
        InvalidSetting,
        "mx.shop.example.fail('dns-servfail'): that happens to a domain, not to a host: mailnet.fail('shop.example', 'dns-servfail')",
    ),
    (
        "host.fail('reset-at-rcpt', times='1')",
        InvalidSetting,
        "fail('reset-at-rcpt', times='1'): a fault happens 1 time or more",
    ),
    (
        "host.fail('reset-at-rcpt'); host.fail('closed-at-rcpt', times=1)",
        InvalidSetting,
        "fail('closed-at-rcpt'): that would never happen, since 'reset-at-rcpt' was asked for first, for good: that takes times=1, or .accept_connections(), to have an end",
    ),
    (
        "host.fail('reset-at-rcpt'); host.fail('reset-at-rcpt', times=1)",
        InvalidSetting,
        "fail('reset-at-rcpt'): that would never happen, since 'reset-at-rcpt' was asked for first, for good: that takes times=1, or .accept_connections(), to have an end",
    ),
    (
        "host.refuse_connections(); host.fail('reset-at-rcpt')",
        InvalidSetting,
        "fail('reset-at-rcpt'): that would never happen, since 'refused-at-connect' was asked for first, for good: that takes times=1, or .accept_connections(), to have an end",
    ),
    (
        "host.fail('reset-at-mail'); host.fail('reset-at-rcpt')",
        InvalidSetting,
        "fail('reset-at-rcpt'): that would never happen, since 'reset-at-mail' was asked for first, for good: that takes times=1, or .accept_connections(), to have an end",
    ),
    (
        "mailnet.fail('gmail.com')",
        TypeError,
        "mailnet.fail() missing 1 required positional argument: 'fault'",
    ),
    (
        "mailnet.fail('gmial.com', 'refused-at-connect')",
        UnknownName,
        "no host 'gmial.com' (did you mean 'gmail.com' or 'ymail.com' or 'mac.com'?). To have one: mailnet.add_server('gmial.com').",
    ),
    (
        "mailnet.fail('gmail.com', 'refused-at-connect', times=0)",
        InvalidSetting,
        "fail('refused-at-connect', times=0): a fault happens 1 time or more",
    ),
    ("mailnet.chaos(rate=5)", InvalidSetting, "mailnet.chaos(rate=5): a rate is 0 (never) to 1 (every time)"),
    (
        "mailnet.chaos(rate='often')",
        InvalidSetting,
        "mailnet.chaos(rate='often'): a rate is 0 (never) to 1 (every time)",
    ),
    (
        "mailnet.chaos(rate=0.1).rate = 1",
        ReadOnly,
        "'rate' of a mailnet's chaos can only be read: mailnet.chaos(rate=0.1, seed=7) makes another, mailnet.chaos(rate=0) calms it",
    ),
    (
        "FaultSchedule('reset-at-rctp')",
        UnknownName,
        "no fault 'reset-at-rctp' (did you mean 'reset-at-rcpt' or 'reset-at-data' or 'reset-at-auth'?). pytest_mailnet.faults.FAULTS has them all.",
    ),
    (
        "FaultSchedule('reset-at-rcpt').steps = ()",
        ReadOnly,
        "'steps' of a schedule of faults can only be read: FaultSchedule('reset-after-dot', None) makes another",
    ),
    # answers
    (
        "shop.on_rcpt(['a@*', 'b@*'])",
        InvalidSetting,
        "mx.shop.example.on_rcpt(['a@*', 'b@*']): it matches by a glob as in 'sales@*' or a function of the step",
    ),
    (
        "shop.on_rcpt('a@*', 'b@*')",
        TypeError,
        "provider.on_rcpt() takes from 1 to 2 positional arguments but 3 were given",
    ),
    (
        "shop.on_rcpt('')",
        InvalidSetting,
        "mx.shop.example.on_rcpt('') would match nothing: what is compared is the whole address, as in 'alice@*'",
    ),
    (
        "shop.on_rcpt('alice')",
        InvalidSetting,
        "mx.shop.example.on_rcpt('alice') would match nothing: what is compared is the whole address, as in 'alice@*'",
    ),
    (
        "shop.on_connect('app.shop.example')",
        InvalidSetting,
        "mx.shop.example.on_connect('app.shop.example') would match nothing: a client is its IP address there, as in '203.0.113.*'",
    ),
    (
        "shop.on_rcpt(sender='bob')",
        InvalidSetting,
        "mx.shop.example.on_rcpt(sender='bob') would match nothing: sender is an address as in 'bob@*', an IP address, or mailnet.sender",
    ),
    (
        "shop.on_rcpt(sender=3)",
        InvalidSetting,
        "mx.shop.example.on_rcpt(sender=3): sender takes a Sender or a glob as in 'bob@*'",
    ),
    (
        "shop.on_recipient('alice@*')",
        UnknownAttribute,
        "a server has no attribute 'on_recipient' (did you mean 'on_rcpt'?)",
    ),
    (
        "shop.on_rcpt().reply(452, 'Mailbox full')",
        InvalidReply,
        "mx.shop.example.on_rcpt().reply(452, 'Mailbox full'): a reply is one text, as in .reply('452 Mailbox full')",
    ),
    (
        "shop.on_rcpt().reply(452)",
        InvalidReply,
        "mx.shop.example.on_rcpt().reply(452): a reply is a text as in '550 5.1.1 No such user', or a Reply",
    ),
    (
        "shop.on_rcpt().reply('')",
        InvalidReply,
        "'' is no SMTP reply: it begins with '' and not with a code of three digits (2, 3, 4 or 5 first), a space, and a text, as in '550 5.1.1 No such user'",
    ),
    (
        "shop.on_rcpt().reply('No')",
        InvalidReply,
        "'No' is no SMTP reply: it begins with 'No' and not with a code of three digits (2, 3, 4 or 5 first), a space, and a text, as in '550 5.1.1 No such user'",
    ),
    (
        "shop.on_rcpt().reply('250-Yes', close='yes')",
        InvalidSetting,
        "mx.shop.example.on_rcpt().reply(close=...) takes True or False, not 'yes'",
    ),
    (
        "shop.on_rcpt().reply('354 Go on')",
        InvalidReply,
        "'354 Go on' makes no sense at RCPT: a client that waits there understands 250, 251, 252 as yes, 4yz as not now and 5yz as no (RFC 5321, 4.3.2)",
    ),
    (
        "shop.on_rcpt().reply('550 5.1.1 <{recipent}> unknown')",
        InvalidReply,
        "mx.shop.example.on_rcpt().reply('550 5.1.1 <{recipent}> unknown'): no variable {recipent} (did you mean 'recipient'?). To send it as it stands: {{recipent}}",
    ),
    (
        "shop.on_rcpt().reply('550 5.1.1 <{Recipient}> unknown')",
        InvalidReply,
        "mx.shop.example.on_rcpt().reply('550 5.1.1 <{Recipient}> unknown'): no variable {Recipient} (did you mean 'recipient'?). To send it as it stands: {{Recipient}}",
    ),
    (
        "shop.on_rcpt().reply_in_turn('450 Later', '550 <{recipent}> unknown')",
        InvalidReply,
        "mx.shop.example.on_rcpt().reply('550 <{recipent}> unknown'): no variable {recipent} (did you mean 'recipient'?). To send it as it stands: {{recipent}}",
    ),
    (
        "shop.on_rcpt().reply_in_turn()",
        InvalidReply,
        "mx.shop.example.on_rcpt().reply_in_turn() takes at least one reply",
    ),
    (
        "shop.on_rcpt().reply('550 No').reply('551 No')",
        InvalidSetting,
        "mx.shop.example.on_rcpt().reply('550 No') has its answer already; a further answer is a further line, mx.shop.example.on_rcpt(...), or several in .reply_in_turn(...)",
    ),
    (
        "shop.on_rcpt().replay('550 No')",
        UnknownAttribute,
        "an answer has no attribute 'replay' (did you mean 'reply'?)",
    ),
    (
        "shop.on_rcpt().respond('550 No')",
        UnknownAttribute,
        "an answer has no attribute 'respond': .reply('550 5.1.1 No such user') says what is answered",
    ),
    (
        "shop.on_rcpt().reply('550 No').once()",
        UnknownAttribute,
        "an answer has no attribute 'once': .times(1) says how often",
    ),
    (
        "shop.on_rcpt().times = 2",
        ReadOnly,
        "times() of an answer is a method: it is called, and cannot be set",
    ),
    (
        "shop.on_rcpt().tims = 2",
        UnknownAttribute,
        "an answer has no attribute 'tims' (did you mean 'times'?), and none that can be set",
    ),
    (
        "shop.on_rcpt().reply('550 No').times('1')",
        InvalidSetting,
        "mx.shop.example.on_rcpt().reply('550 No').times('1'): it takes a number, as in .times(2)",
    ),
    (
        "shop.on_rcpt().reply('550 No').times(1.5)",
        InvalidSetting,
        "mx.shop.example.on_rcpt().reply('550 No').times(1.5): it takes a number, as in .times(2)",
    ),
    (
        "shop.on_rcpt().reply('550 No').times(0)",
        InvalidSetting,
        "mx.shop.example.on_rcpt().reply('550 No').times(0): an answer can be given 1 time or more; leave the line out if it is not to be given",
    ),
    (
        "shop.on_rcpt().reply('550 No').after('1')",
        InvalidSetting,
        "mx.shop.example.on_rcpt().reply('550 No').after('1'): it takes the number of matches to let pass, 0 or more",
    ),
    (
        "shop.on_rcpt().reply('550 No').after(-1)",
        InvalidSetting,
        "mx.shop.example.on_rcpt().reply('550 No').after(-1): it takes the number of matches to let pass, 0 or more",
    ),
    # records
    ("session.user = 'alice'", ReadOnly, "'user' of a session can only be read"),
    (
        "session.usr = 'alice'",
        UnknownAttribute,
        "a session has no attribute 'usr' (did you mean 'user'?), and none that can be set",
    ),
    (
        "session.message",
        UnknownAttribute,
        "a session has no attribute 'message': session.messages are those that the server took in it",
    ),
    ("message.content = b''", ReadOnly, "'content' of a message can only be read"),
    (
        "message.headers",
        UnknownAttribute,
        "a message has no attribute 'headers': message['Subject'] is a header field, message.parsed.items() are all",
    ),
    (
        "message.to",
        UnknownAttribute,
        "a message has no attribute 'to': message.recipients are whom RCPT named, message['To'] is the header field",
    ),
    (
        "message.sesion",
        UnknownAttribute,
        "a message has no attribute 'sesion' (did you mean 'session'?)",
    ),
    ("mailnet.dns.queries[0].name = 'x'", ReadOnly, "'name' of a query can only be read"),
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
    (
        "mailnet.gmail.enforce(['bulk'])",
        InvalidSetting,
        "gmail.enforce(['bulk']): several rules follow each other, as in enforce('bulk', 'content')",
    ),
    (
        "mailnet.fail('gmail.com', ['refused-at-connect'])",
        InvalidSetting,
        "['refused-at-connect'] is no fault; it takes one, or its id as in 'reset-after-dot'",
    ),
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
        "mailnet.microsoft365.add_mailbox('alice@gmail.com')",
        InvalidAddress,
        "'alice@gmail.com' cannot be a mailbox of microsoft365, which has no domain of its own: mailnet.add_domain('gmail.com', on='microsoft365') puts one there",
    ),
    (
        "async def match(step): return True\nshop.on_rcpt(match)",
        InvalidSetting,
        "mx.shop.example.on_rcpt(match): servers do not wait for coroutines; it takes a plain function",
    ),
    ("mailnet.account_for({}).lost = ()", ReadOnly, "'lost' of a reckoning can only be read"),
    (
        "mailnet.account_for({'x': 'lost'})",
        InvalidSetting,
        "account_for: 'lost' of x (there is: deferred, failed, sent); None is for a mail that the application has no word of",
    ),
    ("key.selector = 'x'", ReadOnly, "'selector' of a DKIM key can only be read"),
    # waiting
    (
        "mailnet.wait_for_messages('1')",
        InvalidSetting,
        "mailnet.wait_for_messages('1'): it waits for 1 message or more; that there is none is told by mailnet.messages == []",
    ),
    (
        "mailnet.wait_for_messages(0)",
        InvalidSetting,
        "mailnet.wait_for_messages(0): it waits for 1 message or more; that there is none is told by mailnet.messages == []",
    ),
    (
        "mailnet.wait_for_messages(True)",
        InvalidSetting,
        "mailnet.wait_for_messages(True): it waits for 1 message or more; that there is none is told by mailnet.messages == []",
    ),
    (
        "mailnet.wait_for_messages(1, timeout='5')",
        InvalidSetting,
        "mailnet.wait_for_messages(timeout='5'): it takes a number of seconds, 0 or more",
    ),
    (
        "mailnet.wait_for_messages(2, timeout=0.01)",
        NothingArrived,
        "waited 0.01 s for 2 messages, and 1 message came. str(session) of each in mailnet.sessions tells what was said; wait longer with timeout=...",
    ),
    (
        "mailnet.listen('mx.shop.example', 26)",
        InvalidSetting,
        "mailnet.listen('mx.shop.example', 26): mx.shop.example listens on 25, 465, 587",
    ),
]


@pytest.fixture
def held(make_mailnet):
    """What a test holds, by the names that the table has for it."""
    with make_mailnet(strict=False, start=START) as net:
        shop = net.add_server("mx.shop.example", domain="shop.example")
        alice = net.gmail.add_mailbox("alice")
        with smtplib.SMTP("mx.shop.example") as client:
            client.sendmail("bob@sender.example", ["alice@shop.example"], "Subject: x\r\n\r\nx")
        yield {
            "mailnet": net,
            "shop": shop,
            "alice": alice,
            "host": net.host("mx.shop.example"),
            "session": net.sessions[0],
            "message": net.messages[0],
            "key": DkimKey("shop.example", "mailnet", ""),
            "MailNet": MailNet,
            "MailNetConfig": MailNetConfig,
            "FaultSchedule": FaultSchedule,
            "RetrySchedule": RetrySchedule,
            "datetime": datetime,
            "timedelta": timedelta,
        }


@pytest.mark.parametrize(("written", "error", "told"), MISUSES, ids=[written for written, *_ in MISUSES])
def test_a_misuse_is_told_where_it_is_written(held, written, error, told):
    with pytest.raises(error) as raised:
        exec(written, held)  # noqa: S102

    begins, _, ends = told.partition("…")
    assert type(raised.value) is error
    assert str(raised.value) == told or ("…" in told and str(raised.value).startswith(begins))
    assert str(raised.value).endswith(ends)


HELD = [
    "mailnet",
    "mailnet.config",
    "mailnet.clock",
    "mailnet.dns",
    "mailnet.queue",
    "mailnet.queue.schedule",
    "mailnet.sender",
    "mailnet.ca",
    "mailnet.gmail",
    "mailnet.gmail.submission",
    "mailnet.gmail.replies",
    "mailnet.chaos(rate=0.0)",
    "mailnet.account_for({})",
    "mailnet.dns.queries[0]",
    "shop",
    "shop.on_rcpt()",
    "host",
    "host.tls",
    "host.extensions",
    "alice",
    "alice.account",
    "session",
    "message",
    "key",
    "FaultSchedule()",
]


@pytest.mark.parametrize("name", HELD)
def test_nothing_that_a_test_holds_takes_an_attribute_that_it_does_not_have(held, name):
    one = eval(name, held)

    with pytest.raises(AttributeError) as raised:
        one.no_such_setting = True

    assert isinstance(raised.value, MailNetError)


@pytest.mark.parametrize("name", HELD)
def test_no_inner_class_is_named_where_an_attribute_is_missing(held, name):
    one = eval(name, held)

    with pytest.raises(AttributeError) as raised:
        _ = one.no_such_setting

    assert isinstance(raised.value, MailNetError)
    assert f"'{type(one).__name__}'" not in str(raised.value)


@pytest.mark.parametrize(
    "name", ["mailnet.messages", "mailnet.sessions", "mailnet.dns.queries", "mailnet.hosts"]
)
def test_a_list_that_only_shows_is_a_list_in_all_else(held, name):
    shown = eval(name, held)

    assert isinstance(shown, list)
    assert shown == list(shown)
    assert repr(shown) == repr(list(shown))
    assert type(shown[:1]) is list
    assert sorted(shown, key=repr) == sorted(iter(shown), key=repr)


def test_a_list_that_only_shows_is_pickled_as_one_that_can_be_changed(mailnet):
    mailnet.dns.add("shop.example", "A", "192.0.2.1")

    names = pickle.loads(pickle.dumps(mailnet.dns.names))  # noqa: S301

    assert names == mailnet.dns.names
    names.clear()


def test_a_mailbox_can_be_emptied(held):
    [box] = held["shop"].mailboxes

    box.messages.clear()

    assert box.messages == []


def test_what_begins_with_an_underscore_is_let_through(held):
    held["host"]._own = True

    assert held["host"]._own is True


def test_ports_can_be_set_and_the_others_refuse(held):
    held["host"].ports = [2500]

    with smtplib.SMTP("mx.shop.example", 2500) as client:
        assert client.noop()[0] == 250
    with pytest.raises(ConnectionRefusedError, match="does not listen on port 25, only on 2500"):
        smtplib.SMTP("mx.shop.example", 25)


ASYNC = "holds up {}, and with it what would send the messages: await mailnet.wait_for_messages_async()"


@pytest.mark.asyncio
async def test_a_wait_that_holds_up_the_event_loop_is_told(mailnet):
    with pytest.raises(WouldHang) as raised:
        mailnet.wait_for_messages()

    assert str(raised.value) == f"mailnet.wait_for_messages() {ASYNC.format('the event loop')}"


def test_a_wait_that_holds_up_trio_is_told(mailnet):
    async def main():
        mailnet.wait_for_messages()

    with pytest.raises(WouldHang) as raised:
        trio.run(main)

    assert str(raised.value) == f"mailnet.wait_for_messages() {ASYNC.format('trio')}"


@pytest.mark.parametrize(
    ("name", "told"),
    [
        (
            "gmail.com",
            "'gmail.com' has no address in this mailnet: mail for it goes to its MX, gmail-smtp-in.l.google.com",
        ),
        (
            "shop.example",
            "'shop.example' has no address in this mailnet: mail for it goes to its MX, mx.shop.example",
        ),
        (
            "mx1.hotmail.com",
            "'mx1.hotmail.com' is not in this mailnet: it was a host of hotmail in 2009. To have it: "
            "mailnet.provider('hotmail', era=2009), before hotmail is used",
        ),
    ],
)
def test_a_name_that_mail_does_not_go_to_leads_to_where_it_goes(held, name, told):
    with pytest.raises(socket.gaierror) as raised:
        smtplib.SMTP(name, 25)

    assert raised.value.strerror == f"Name or service not known: {told}"


def test_a_test_server_s_port_that_refuses_leads_to_the_net_s_servers(held, monkeypatch):
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))  # and does not listen
        port = silent.getsockname()[1]
        monkeypatch.setattr(way_in, "_OF_TEST_SERVERS", {port})

        with pytest.raises(ConnectionRefusedError) as raised:
            smtplib.SMTP("127.0.0.1", port)

    assert raised.value.__notes__ == [
        "In a mailnet mail goes to servers by name, such as mx.shop.example (port 25, 465, 587) and "
        "gmail-smtp-in.l.google.com (port 25). A port of the machine leads to one after "
        "mailnet.listen('mx.shop.example')"
    ]


def test_other_ports_that_refuse_are_the_machine_s_affair(held):
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        where = silent.getsockname()

        with pytest.raises(ConnectionRefusedError) as raised:
            socket.create_connection(where)

    assert not hasattr(raised.value, "__notes__")
