"""The layouts of bounces of those who carry or filter mail for others, and of Exchange: a table."""

from __future__ import annotations

from pytest_mailnet.evidence.bounces.layouts import ADDRESS, DIALOGUE, END, RECIPIENT, Layout, Meaning
from pytest_mailnet.values import Stage

__all__ = ["SERVICES"]

_PUBLIC = "https://github.com/sisimai/set-of-emails/blob/master/maildir/bsd/lhost-"
_MAILMANS = "https://github.com/jaredmauch/mailman2-python3/blob/main/tests/bounces/"

# Google puts the code in front of a reply that has it already, and its client's state behind.
_GOOGLES = (
    r"[ \t]*(?:([45]\d\d) (?=\1[ \-]))?(?P<reply>[45]\d\d[ \-]\S.*?)(?:[ \t]*\(state \d{1,2}\)\.?)?[ \t]*"
    rf"{END}"
)
_GOOGLES_PEER = r"(?P<server>[\w.\-]{1,255} (?:\(\d{1,3}\)|\[?[0-9A-Fa-f.:]{3,45}\]?)(?::\d+)?)"
_NO_LOOK_UP = r"\A(?:(?!DNS Error).)*DNS Error.{0,500}?"

# In every language Exchange since 2007 has a part for administrators: a line with the recipient, perhaps one
# with the server, and "#550 5.1.1 No such user ##", or "Remote Server returned '550 5.1.1 No such user'".
_CODE = r"[45]\d\d[ \-]"
_SERVER = r"(?i:remote|serv|сервер|サーバ|服务器|伺服器|서버|sunucu|palvelin)"
_STATUS = r"(?:(?=.{0,32}?(?<![\w.])(?P<status>[245]\.\d{1,3}\.\d{1,3})(?![\d.]))|)"
_MARKED = rf"#{_STATUS}(?P<reply>(?:{_CODE}|[ \t]*<).{{1,4000}}?)[ \t]*#(?:SMTP)?#"
_RETURNED = (
    rf"['\"]{_STATUS}(?P<reply>(?:{_CODE}|<).{{1,4000}}?)['\"][ \t]*"
    r"(?=\n[ \t]*\n|\n[ \t]*[^\n]{1,60}:[ \t]*\n|\s{0,40}\Z)"
)
# Microsoft 365 since 2014: "Reported error: 550 5.1.10 …" in any language.
_LABELLED = (
    r"^[ \t]*[^\W\d][^\n:：]{2,40}[ \t]?[:：]\s?[ \t]*"
    r"(?P<reply>[45]\d\d[ \-]+#?[245]\.\d{1,3}\.\d{1,3}\b[^\n]{2,4000})$"
)
_ATTEMPTED = r"[\w.\-]{1,255}\](?: \[LastAttemptedIP=[0-9A-Fa-f.:]{3,45})?"
# "MSEXCH:IMS:ORG:SITE:SERVER 0 (000C05A6) Unknown Recipient"
_CONNECTORS = (
    r"\bMSEXCH:[^\n]{1,300}?[ \t]\d{1,6} \([0-9A-Fa-f]{8}\)\s*"
    rf"(?P<reply>(?P<words>[^\n]*).{{0,2000}}?){END}"
)
# "<mx.shop.example #5.5.0 smtp;550 5.7.1 …>"; "<mx.shop.example #5.1.1>" has no reply.
_MARK = r"<[ \t]*(?P<server>[\w.\-]{0,255})[ \t]*#(?P<status>[245]\.\d{1,3}\.\d{1,3})"
_EXCHANGE_ENDS = r"^[ \t]*(?i:received: (?:from|by) |-{5,}[ \t]*original|message-id:)"

SERVICES = (
    Layout(
        name="a Google bounce",
        # Until 2016 "Technical details of permanent failure: …"; since then a page in the user's language, in
        # which the reply is a paragraph of its own.
        source="https://support.google.com/mail/answer/6596",
        sign=r"\nFrom: [^\n]*(?i:mailer-daemon@(?:googlemail|gmail|google)\.com)"
        r"|\nMessage-ID: [^\n]*@(?:mx\.)?google\.com>?\nX-Failed-Recipients:",
        opens=rf"^[ \t]+(?:\*[ \t]+)?{ADDRESS}[ \t]*$",
        details=(
            rf"SMTP Error \(state \d{{1,2}}\):\s*{_GOOGLES}",
            rf"the other server returned was:{_GOOGLES}",
            rf"^{_GOOGLES}",
            r"\bby\s+(?P<server>[\w.\-]{1,255}?\.?\s+\[[0-9A-Fa-f.:]{3,45}\])",
            rf"^\[(?:\(\d{{1,3}}\) )?{_GOOGLES_PEER}: ",
        ),
        ends=r"^[ \t]*-{3,}[ \t]*(?i:Original message|Message header follows)",
        elsewhere=("X-Failed-Recipients", ""),
        meanings=(
            Meaning(r"\A(?=.*DNS Error).*(?i:null mx)", fault=""),  # an answer (RFC 7505), not a fault of DNS
            Meaning(
                rf"{_NO_LOOK_UP}(?i:NXDOMAIN|(?:domain|name) not found|does(?:n't| not) exist)",
                fault="dns-nxdomain",
            ),
            Meaning(
                rf"{_NO_LOOK_UP}(?i:SERVFAIL|returned (?:general|server) failure|server fail)",
                fault="dns-servfail",
            ),
            Meaning(rf"{_NO_LOOK_UP}(?i:REFUSED)", fault="dns-refused"),
            Meaning(rf"{_NO_LOOK_UP}(?i:timed? ?out|DEADLINE|timeout)", fault="dns-time-out"),
            Meaning(
                rf"{_NO_LOOK_UP}(?i:no data|NODATA|NOERROR|no (?:mx|valid mx|address) )", fault="dns-nodata"
            ),
            # Behind "socket error" there is not the system's error, only that the server did not accept.
            Meaning(
                r"did not accept our requests to connect(?!.*: [^\]\n]*(?:timed out|reset|unreachable))",
                Stage.CONNECT,
                "refused-at-connect",
            ),
        ),
    ),
    Layout(
        name="a Microsoft 365 or Exchange bounce",
        source="https://learn.microsoft.com/exchange/mail-flow/non-delivery-reports-and-bounce-messages",
        sign=r"[#'\"][ \t]*(?:[45]\d\d[ \-]|<)",
        opens=rf"^[ \t]*{RECIPIENT}[ \t]*(?:<mailto:[^>\n]{{1,320}}>)?[ \t]*(?:\n[ \t]*){{1,3}}"
        r"(?=(?:[\w.\-]{1,255}\.[\w\-]{2,63}[ \t]*\n[ \t]*)?"
        rf"(?:(?:[\w.\-]{{1,255}}[ \t]+)?#(?:{_CODE}|[ \t]*<)"
        rf"|[^\n'\"]{{0,120}}?{_SERVER}[^\n'\"]{{0,80}}['\"](?:{_CODE}|<)))",
        details=(
            rf"\A[^#'\"]*{_MARKED}",
            rf"\A[^'\"]*{_RETURNED}",
            rf"\[LastAttemptedServerName=(?P<server>{_ATTEMPTED})",
            r"\{FQDN=(?P<server>[\w.\-]{1,255}\}(?:;\{IP=[0-9A-Fa-f.:]{3,45})?)",
            r"(?:\A[ \t]*|<[ \t]*)(?P<server>[\w.\-]{1,255}\.[\w\-]{2,63})[ \t]*(?:\n|#)",
        ),
    ),
    Layout(
        name="a Microsoft 365 bounce",
        source="https://learn.microsoft.com/exchange/troubleshoot/email-delivery/ndr",
        sign=r"\nX-MS-Exchange-Message-Is-Ndr:|Office ?365|Microsoft ?365|DSN generated by:",
        details=(
            _LABELLED,
            r"(?i:Remote server|Rejected by)[ \t]*:[ \t]*(?P<server>[\w.\-]{4,255})",
        ),
        elsewhere=("",),
    ),
    Layout(
        name="an Exchange bounce",
        source="Microsoft's articles Q195671, Q251152 and Q246881",
        sign=r"MSEXCH:|#[245]\.\d",
        # "Alice (alice@shop.example) on 1/30/2006 5:39 PM", "c=US;a= ;dda:SMTP=alice@shop.example; on Fri, 4
        # Oct 2002"; for "on" other languages have "am", "le", "el", "il", "op", "em", "den", "dnia".
        opens=rf"^[ \t]*[^\n@]{{0,80}}?(?:SMTP=)?{ADDRESS}[)'\";]{{0,2}}[ \t]+"
        r"(?:\w{1,5}[ \t]+)?(?:\w{2,12}[.,]{1,2}[ \t]+)?\d{1,4}[ ./\-][^\n]{4,60}$",
        details=(
            _CONNECTORS,
            rf"(?P<reply>{_MARK}\s+[\w\-]{{1,12}};(?P<words>.{{1,2000}})>)[ \t]*$",
            rf"\A(?P<words>.{{1,2000}}?){_MARK}",
        ),
        ends=_EXCHANGE_ENDS,
    ),
    Layout(
        name="a bounce of Windows' SMTP service",
        source="Microsoft's article Q195671",
        sign=r"\n(?:Delivery|Unable to deliver message) to the following recipient",
        opens=rf"^[ \t]+(?:\*[ \t]+)?{ADDRESS}[ \t]*$",
        shared=(r"^(?P<words>(?:Delivery|Unable to deliver) [^\n]{0,200}(?:\n[^\n@]{1,200}){0,2})$",),
        ends=_EXCHANGE_ENDS,
    ),
    Layout(
        name="a Zoho bounce",
        # "alice@shop.example Invalid Address, ERROR_CODE :550, ERROR_CODE :5.1.1 No such user".
        # If no server has replied it has a code of its own: 421 for "Host not reachable.".
        source=f"{_PUBLIC}zoho-01.eml",
        sign=r"ERROR_CODE",
        opens=rf"^[ \t]*\[?{ADDRESS},?[ \t]+(?=[^\n]{{0,300}}ERROR_CODE ?:)",
        details=(
            r"ERROR_CODE ?:[ \t]*(?P<code>[45]\d\d)",
            r"ERROR_CODE ?:[^:]{0,9}ERROR_CODE ?:[ \t]*,?[ \t]*(?P<reply>.{1,2000}?)\]?(?=\n[ \t]*\n|\Z)",
        ),
        ends=r"^Received: ?(?:from|by) ",
    ),
    Layout(
        name="an InterMail bounce",
        # Telephone companies use it; KDDI puts the same text in Japanese above.
        source=f"{_PUBLIC}kddi-01.eml",
        sign=r"\n[ \t]*Recipient: <[^>\n]{3,320}>[ \t]*\n[ \t]*(?:Reason:|>>>)"
        r"|Your mail sent (?:on|at)|The user\(s\) account is|This Message was undeliverable due to the"
        r"|The following (?:destination addresses were (?:unk|inv)|recipients did not receive)"
        r"|Following recipients? (?:was|were) rejected|Each of the following recipients was rejected by",
        opens=r"(?:^[ \t]*(?P<words>[^\n@]{4,400}[.:])[ \t]*\n(?:[ \t]*\n){0,2})?"
        rf"^[ \t]*(?:SMTP|RFC822|Recipient:|Could not be delivered to:?)?[ \t]*<{ADDRESS}[ \t]*$",
        details=(
            r"Reason: *(?P<reply>(?P<words>[^\n]{1,2000}(?:\n[ \t]+[^\s:]{1,80}[ .,;][^\n]{0,500}){0,9}))",
            r"(?P<words>As [^\n]{4,400})",
            DIALOGUE,
        ),
        ends=r"^[ \t]*(?i:Please reply to |-{5,}[ \t]*(?:Original|Header)|Received: (?:from|by) )",
    ),
    Layout(
        name="a SendGrid bounce",
        # "alice:000000:<alice@shop.example> : 192.0.2.25 : mx.shop.example:[192.0.2.8] : 550 …  in RCPT TO"
        source=f"{_PUBLIC}sendgrid-01.eml",
        sign=r"generated message from SendGrid",
        opens=rf"^[^\n:]{{1,100}}:\w{{1,20}}:<{ADDRESS} :[ \t]*"
        r"(?:[0-9A-Fa-f.:]{3,45} : (?P<server>[^\n ]{3,300}) : )?",
        details=(r"\A(?P<reply>.{1,4000}?)(?: {1,4}in (?P<stage>[A-Za-z][A-Za-z ]{2,30}))?[ \t]*(?=\n|\Z)",),
    ),
    Layout(
        name="a bounce of Cisco's AsyncOS",
        source="Cisco AsyncOS User Guide, Bounce Notification",
        sign=r"\nThe following message to <[^>\n]{3,320}> was undeliverable\.",
        opens=rf"^The following message to {ADDRESS} was undeliverable\.",
        details=(rf"The reason for the problem:\s{{0,20}}(?P<reply>.{{1,4000}}?){END}",),
    ),
    Layout(
        name="a Mimecast bounce",
        source=f"{_MAILMANS}simple_44.txt",
        sign=r"\nThis is a delivery failure notification message indicating that",
        opens=rf"addressed to email address :[ \t]*\n--[ \t]*{ADDRESS}",
        details=(rf"^Additional information follows :[ \t]*\n--[ \t]*(?P<reply>.{{1,4000}}?){END}",),
    ),
    Layout(
        name="a MailMarshal bounce",
        source=f"{_PUBLIC}mailmarshalsmtp-02.eml",
        sign=r"\nCould not be delivered because of",
        opens=rf"(?<=\n)[ \t]+{ADDRESS}[ \t]*$",
        # The reply stands above the recipients, and is for all of them.
        shared=(rf"^Could not be delivered because of[^\n]*\n\s{{0,40}}(?P<reply>\S.{{1,4000}}?){END}",),
        ends=r"^(?:Additional Information|Message Details|-{5,}[ \t]*Original)",
    ),
    Layout(
        name="a SurfControl bounce",
        source=f"{_PUBLIC}surfcontrol-01.eml",
        sign=r"\nA transcript of the attempts to send the message follows",
        opens=rf"^{ADDRESS}:[ \t]*(?P<server>\[[0-9A-Fa-f.:]{{3,45}}\]),[ \t]*",
        details=(r"\A(?P<reply>.{1,2000}?)(?=\n---|\n[ \t]*\n|\Z)",),
    ),
)
"""In the order in which they are tried."""
