"""DMARC as of RFC 9989: the walk up the names, whose record counts, what is wanted."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_mailnet.dns.resolver import Resolver
from pytest_mailnet.rules.auth.dkim import Signature
from pytest_mailnet.rules.auth.dmarc import check_dmarc
from pytest_mailnet.rules.auth.dmarc_9989 import Dmarc9989
from pytest_mailnet.rules.auth.spf import SpfResult

NO_SPF = SpfResult("none", "", "")


def spf_of(domain):
    return SpfResult("pass", domain, "") if domain else NO_SPF


def signed_by(domain, result="pass"):
    return [Signature(result, domain, "s1")] if domain else []


@pytest.fixture
def wanted(dns):
    """What is wanted of mail of an author that fails: its result, and the policy."""

    def judge(author):
        found = check_dmarc(dns, author, NO_SPF, [])
        return found.result, found.policy

    return judge


class Asked(Resolver):
    """A resolver that notes what it is asked."""

    def __init__(self):
        super().__init__()
        self.questions = []

    def lookup(self, name, rdtype, drawn=None):
        self.questions.append(name)
        return super().lookup(name, rdtype, drawn)


class TestWalk:
    def test_a_long_name_takes_eight_questions(self):
        dns = Asked()

        Dmarc9989(dns).organization("a.b.c.d.e.f.g.h.i.j.mail.example.com")

        assert dns.questions == [
            "_dmarc.a.b.c.d.e.f.g.h.i.j.mail.example.com",
            "_dmarc.g.h.i.j.mail.example.com",
            "_dmarc.h.i.j.mail.example.com",
            "_dmarc.i.j.mail.example.com",
            "_dmarc.j.mail.example.com",
            "_dmarc.mail.example.com",
            "_dmarc.example.com",
            "_dmarc.com",
        ]

    @pytest.mark.parametrize(
        ("author", "questions"),
        [("com", 1), ("a.b.c.d.e.f.g", 7), ("a.b.c.d.e.f.g.h", 8), ("a.b.c.d.e.f.g.h.i", 8)],
    )
    def test_each_label_is_a_question_up_to_eight(self, author, questions):
        dns = Asked()

        Dmarc9989(dns).organization(author)

        assert len(dns.questions) == questions

    @pytest.mark.parametrize("psd", ["y", "n", "Y"])
    def test_it_ends_where_a_record_tells_whose_the_name_is(self, psd):
        dns = Asked()
        dns.add("_dmarc.shop.example", "TXT", f"v=DMARC1; psd={psd}")

        Dmarc9989(dns).organization("news.shop.example")

        assert dns.questions == ["_dmarc.news.shop.example", "_dmarc.shop.example"]

    def test_one_mail_asks_for_each_name_once(self):
        dns = Asked()
        dns.add("_dmarc.shop.example", "TXT", "v=DMARC1; p=reject")

        check_dmarc(dns, "news.shop.example", spf_of("mail.shop.example"), signed_by("shop.example"))

        assert len(dns.questions) == len(set(dns.questions))


# Starting name, the records on its way, the organisational domain: RFC 9989, 4.10.2 and appendix B.4.
ORGANIZATIONS = [
    ("a.mail.example.com", {"mail.example.com": "", "example.com": ""}, "example.com"),
    ("a.mail.example.com", {"mail.example.com": "psd=n"}, "mail.example.com"),
    ("a.mail.example.com", {"com": "psd=y"}, "example.com"),
    ("mail.example.com", {"mail.example.com": "psd=u", "example.com": "psd=y"}, "mail.example.com"),
    ("example.com", {"example.com": "", "signing.example.com": ""}, "example.com"),
    ("signing.example.com", {"example.com": "", "signing.example.com": ""}, "example.com"),
    ("a.b.c.d.e.f.g.h.i.j.k.example.com", {"example.com": ""}, "example.com"),
    ("giant.bank.example", {"giant.bank.example": "", "bank.example": "psd=y"}, "giant.bank.example"),
    ("mail.giant.bank.example", {"giant.bank.example": "", "bank.example": "psd=y"}, "giant.bank.example"),
    ("mail.mega.bank.example", {"bank.example": "psd=y"}, "mega.bank.example"),
    ("bank.example", {"bank.example": "psd=y"}, "bank.example"),
    ("shop.example", {}, "shop.example"),
    ("shop.example", {"example": ""}, "example"),
    ("shop.example", {"shop.example": "psd=x", "example": ""}, "example"),
]


@pytest.mark.parametrize(("domain", "records", "expected"), ORGANIZATIONS)
def test_an_organisation_is_found_on_the_way_up(dns, domain, records, expected):
    for at, tags in records.items():
        dns.add(f"_dmarc.{at}", "TXT", f"v=DMARC1; p=none; {tags}")

    assert Dmarc9989(dns).organization(domain) == expected


class TestWhoseRecord:
    def test_the_organisation_s_goes_before_one_in_the_middle(self, dns, wanted):
        dns.add("_dmarc.shop.example", "TXT", "v=DMARC1; p=reject")
        dns.add("_dmarc.mid.shop.example", "TXT", "v=DMARC1; p=none")

        assert wanted("a.mid.shop.example") == ("fail", "reject")

    def test_a_public_suffix_s_counts_where_the_organisation_has_none(self, dns, wanted):
        dns.add("_dmarc.bank.example", "TXT", "v=DMARC1; p=none; sp=reject; psd=y")

        assert wanted("mail.mega.bank.example") == ("fail", "reject")
        assert wanted("mega.bank.example") == ("fail", "reject")
        assert wanted("bank.example") == ("fail", "none")

    def test_a_public_suffix_s_is_not_asked_where_the_organisation_has_one(self, dns, wanted):
        dns.add("_dmarc.bank.example", "TXT", "v=DMARC1; p=reject; psd=y")
        dns.add("_dmarc.giant.bank.example", "TXT", "v=DMARC1; p=quarantine")

        assert wanted("mail.giant.bank.example") == ("fail", "quarantine")

    def test_one_between_author_and_organisation_is_passed_over_below_a_public_suffix(self, dns, wanted):
        dns.add("_dmarc.bank.example", "TXT", "v=DMARC1; p=none; psd=y")
        dns.add("_dmarc.a.giant.bank.example", "TXT", "v=DMARC1; p=reject")

        assert wanted("b.a.giant.bank.example") == ("fail", "none")

    def test_names_that_the_walk_skips_have_none(self, dns, wanted):
        dns.add("_dmarc.c.d.e.f.g.h.i.example", "TXT", "v=DMARC1; p=reject")

        assert wanted("a.b.c.d.e.f.g.h.i.example") == ("none", "")

    def test_a_name_in_another_alphabet_is_asked_for_in_a_labels(self, dns, wanted):
        dns.add("_dmarc.xn--bcher-kva.example", "TXT", "v=DMARC1; p=reject")

        assert wanted("bücher.example") == ("fail", "reject")


class TestNamesThatThereAreNot:
    @pytest.mark.parametrize(
        ("tags", "existing", "missing"),
        [
            ("p=none; np=reject", "none", "reject"),
            ("p=reject; sp=quarantine; np=none", "quarantine", "none"),
            ("p=reject; sp=quarantine", "quarantine", "quarantine"),
            ("p=reject", "reject", "reject"),
        ],
    )
    def test_they_have_a_policy_of_their_own(self, dns, wanted, tags, existing, missing):
        dns.add("_dmarc.shop.example", "TXT", f"v=DMARC1; {tags}")
        dns.add("news.shop.example", "MX", "10 mx.shop.example")

        assert wanted("news.shop.example") == ("fail", existing)
        assert wanted("nosuch.shop.example") == ("fail", missing)

    @pytest.mark.parametrize(
        ("name", "rdtype", "value"),
        [
            ("x.shop.example", "TXT", "of any type"),
            ("below.x.shop.example", "A", "192.0.2.9"),
            ("x.shop.example", "CNAME", "nosuch.example"),
            ("*.shop.example", "A", "192.0.2.9"),
        ],
    )
    def test_a_name_is_there_by_whatever_record(self, dns, wanted, name, rdtype, value):
        dns.add("_dmarc.shop.example", "TXT", "v=DMARC1; p=none; np=reject")
        dns.add(name, rdtype, value)

        assert wanted("x.shop.example") == ("fail", "none")

    def test_the_domain_of_the_record_itself_has_p(self, dns, wanted):
        dns.add("_dmarc.shop.example", "TXT", "v=DMARC1; p=none; np=reject")

        assert wanted("shop.example") == ("fail", "none")

    def test_a_name_that_dns_does_not_tell_of_is_a_temporary_error(self, dns, wanted):
        dns.add("_dmarc.shop.example", "TXT", "v=DMARC1; p=none; np=reject")
        dns.fail("news.shop.example", "SERVFAIL", rdtype="A")

        assert wanted("news.shop.example") == ("temperror", "")


@pytest.mark.parametrize(
    ("tags", "policy"),
    [
        ("p=reject; t=y", "quarantine"),
        ("p=quarantine; t=y", "none"),
        ("p=none; t=y", "none"),
        ("p=reject; t=n", "reject"),
        ("p=reject; t=maybe", "reject"),
        ("p=reject; T=Y", "quarantine"),
        ("p=reject; pct=0", "reject"),
    ],
)
def test_a_test_takes_the_policy_down_a_level_and_pct_is_unknown(dns, tags, policy):
    dns.add("_dmarc.shop.example", "TXT", f"v=DMARC1; {tags}")

    found = check_dmarc(dns, "shop.example", NO_SPF, [])

    assert (found.policy, found.published) == (policy, tags.split(";")[0].removeprefix("p="))


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        ("v=DMARC1", ("fail", "none")),
        ("v=DMARC1;", ("fail", "none")),
        ("v = DMARC1 ; p = REJECT", ("fail", "reject")),
        ("v=DMARC1; rua=mailto:d@shop.example", ("fail", "none")),
        ("v=DMARC1; unknown=x; p=reject", ("fail", "reject")),
        ("v=DMARC1; p=refuse", ("permerror", "")),
        ("v=DMARC1; p=refuse; rua=mailto:d@shop.example", ("fail", "none")),
        ("v=DMARC1; p=refuse; rua=d@shop.example", ("permerror", "")),
        ("v=DMARC1; p=reject; sp=x", ("permerror", "")),
        ("v=DMARC1; p=reject; np=x; rua=nothing,mailto:d@shop.example!10m", ("fail", "none")),
        ("v=dmarc1; p=reject", ("none", "")),
        ("v=DMARC12; p=reject", ("none", "")),
        (" v=DMARC1; p=reject", ("none", "")),
        ("p=reject; v=DMARC1", ("none", "")),
    ],
)
def test_a_record_is_read_as_its_grammar_says(dns, wanted, record, expected):
    dns.add("_dmarc.shop.example", "TXT", f'"{record}"')

    assert wanted("shop.example") == expected


def test_the_strings_of_a_record_are_one_text(dns, wanted):
    dns.add("_dmarc.shop.example", "TXT", '"v=DMA" "RC1; p=re" "ject"')

    assert wanted("shop.example") == ("fail", "reject")


# Author, who passes SPF, who signs, whether each is aligned: appendix B.1 and B.4.
ALIGNED = [
    ("example.com", "example.com", "", True, False),
    ("example.com", "child.example.com", "", True, False),
    ("child.example.com", "example.net", "", False, False),
    ("example.com", "", "example.com", False, True),
    ("child.example.com", "", "example.com", False, True),
    ("child.example.com", "", "example.net", False, False),
    ("a.b.c.d.e.f.g.h.i.j.k.example.com", "example.com", "signing.example.com", True, True),
    ("giant.bank.example", "mail.giant.bank.example", "mail.mega.bank.example", True, False),
]


@pytest.mark.parametrize(("author", "spf", "signer", "by_spf", "by_dkim"), ALIGNED)
def test_two_names_are_aligned_if_they_are_one_organisation_s(dns, author, spf, signer, by_spf, by_dkim):
    for at in ("example.com", "signing.example.com", "giant.bank.example"):
        dns.add(f"_dmarc.{at}", "TXT", "v=DMARC1; p=reject")
    dns.add("_dmarc.bank.example", "TXT", "v=DMARC1; p=reject; psd=y")

    found = check_dmarc(dns, author, spf_of(spf), signed_by(signer))

    assert (found.aligned_spf, found.aligned_dkim) == (by_spf, by_dkim)
    assert found.result == ("pass" if by_spf or by_dkim else "fail")


def test_a_record_of_its_own_parts_a_domain_from_one_without_any_above(dns):
    dns.add("_dmarc.news.shop.example", "TXT", "v=DMARC1; p=reject")

    assert check_dmarc(dns, "news.shop.example", spf_of("shop.example"), []).result == "fail"


class TestDnsThatFails:
    @pytest.fixture(autouse=True)
    def records(self, dns):
        dns.add("_dmarc.news.shop.example", "TXT", "v=DMARC1; p=reject")
        dns.fail("_dmarc.shop.example", "SERVFAIL")

    def test_what_is_the_author_s_own_domain_passes_without_a_walk(self, dns):
        assert check_dmarc(dns, "news.shop.example", spf_of("news.shop.example"), []).result == "pass"

    def test_what_might_be_aligned_is_a_temporary_error(self, dns):
        assert check_dmarc(dns, "news.shop.example", spf_of("shop.example"), []).result == "temperror"

    def test_what_has_nothing_to_align_fails(self, dns):
        assert check_dmarc(dns, "news.shop.example", NO_SPF, []).result == "fail"

    def test_an_author_without_a_record_of_its_own_is_a_temporary_error(self, dns):
        assert check_dmarc(dns, "x.shop.example", spf_of("x.shop.example"), []).result == "temperror"

    @pytest.mark.parametrize(
        ("signer", "expected"), [("news.shop.example", "temperror"), ("b.example", "fail")]
    )
    def test_a_key_that_could_not_be_asked_for_counts_if_it_is_aligned(self, dns, signer, expected):
        dns.add("_dmarc.b.example", "TXT", "v=DMARC1; p=none")
        dns.add("_dmarc.c.example", "TXT", "v=DMARC1; p=reject")
        author = "news.shop.example" if signer == "news.shop.example" else "c.example"

        found = check_dmarc(dns, author, NO_SPF, signed_by(signer, "temperror"))

        assert found.result == expected


# RFC 9989 once more, in the words of 4.10, with tags by domain in place of DNS, for authors that do not exist.


def walked(zone, start):
    labels = start.split(".")
    names = [start]
    labels = labels[1:] if len(labels) < 8 else labels[-7:]
    while labels:
        names.append(".".join(labels))
        labels = labels[1:]
    found = []
    for name in names:
        if name in zone:
            found.append(name)
            if zone[name].get("psd") in ("y", "n"):
                break
    return found


def organization_of(zone, start):
    found = walked(zone, start)
    for name in found:
        if zone[name].get("psd") == "n":
            return name
        if zone[name].get("psd") == "y" and name != start:
            return start.removesuffix(f".{name}").rpartition(".")[2] + f".{name}"
    return found[-1] if found else start


def by_the_book(zone, author, spf, signers):
    suffixes = [it for it in walked(zone, author) if zone[it].get("psd") == "y"]
    places = [it for it in (author, organization_of(zone, author), *suffixes) if it in zone]
    if not places:
        return "none", ""
    tags = zone[places[0]]
    policy = tags["p"] if places[0] == author else tags.get("np", tags.get("sp", tags["p"]))
    if tags.get("t") == "y":
        policy = {"reject": "quarantine", "quarantine": "none", "none": "none"}[policy]

    def aligned(domain, mode):
        same = organization_of(zone, domain) == organization_of(zone, author)
        return domain == author or (mode != "s" and same)

    passes = [aligned(spf, tags.get("aspf"))] if spf else []
    passes += [aligned(it, tags.get("adkim")) for it in signers]
    return ("pass" if any(passes) else "fail"), policy


LABELS = ("a", "b", "c")
NAMES = [".".join(it) for count in (1, 2, 3) for it in itertools.product(LABELS, repeat=count)]
DEEP = ["a.b.a.b.a.b.a.b.c", "b.a.b.a.b.a.b.c", "a.b.a.b.a.b.c", "c.a.b.a.b.a.b.a.b.c"]
DOMAINS = st.sampled_from([*NAMES, *DEEP])
POLICY = st.sampled_from(["none", "quarantine", "reject"])
TAGS = st.fixed_dictionaries(
    {"p": POLICY},
    optional={
        "sp": POLICY,
        "np": POLICY,
        "psd": st.sampled_from(["y", "n", "u"]),
        "t": st.sampled_from(["y", "n"]),
        "aspf": st.sampled_from(["r", "s"]),
        "adkim": st.sampled_from(["r", "s"]),
    },
)


@given(
    zone=st.dictionaries(DOMAINS, TAGS, max_size=6),
    author=DOMAINS,
    spf=st.none() | DOMAINS,
    signers=st.lists(DOMAINS, max_size=2),
)
def test_whatever_is_published_counts_as_the_rfc_has_it(zone, author, spf, signers):
    dns = Resolver()
    for domain, tags in zone.items():
        dns.add(f"_dmarc.{domain}", "TXT", "v=DMARC1; " + "; ".join(f"{k}={v}" for k, v in tags.items()))
    # An author above some record is there; the book knows no such names.
    exists = any(f"_dmarc.{domain}".endswith(f".{author}") for domain in zone)
    book = {
        at: {tag: value for tag, value in tags.items() if not (exists and tag == "np")}
        for at, tags in zone.items()
    }

    found = check_dmarc(dns, author, spf_of(spf), [it for name in signers for it in signed_by(name)])

    assert (found.result, found.policy) == by_the_book(book, author, spf, signers)
