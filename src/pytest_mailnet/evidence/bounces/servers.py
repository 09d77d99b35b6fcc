"""The layouts of bounces of mail servers that one can install: a table."""

from __future__ import annotations

from pytest_mailnet.evidence.bounces.layouts import ADDRESS, DIALOGUE, END, RECIPIENT, Layout, Meaning
from pytest_mailnet.evidence.bounces.sendmail import recipients_in
from pytest_mailnet.values import Stage

__all__ = ["SERVERS"]

_PUBLIC = "https://github.com/sisimai/set-of-emails/blob/master/maildir/bsd/lhost-"
_MAILMANS = "https://github.com/jaredmauch/mailman2-python3/blob/main/tests/bounces/"

# What Postfix says of programs that it delivers to, and of files; there may be a reply in their output.
_OF_A_PROGRAM = r"\A\s*(?:Command died|Command output|Command time|delivery failed|cannot (?:update|open))"
_EXIMS_REPLY = (
    r"SMTP error from remote (?:mail server|mailer|server) (?:after|in|for|during) (?:pipelined )?"
    r"(?P<stage>(?i:RCPT TO|MAIL FROM):<[^<>\n]*>[^:\n]{0,200}|[^:,\n]{3,60})[:,]"
    r"(?:\s*(?:host:? ?[\w.\-]+(?: ?[\[(][^\])\s]*[\])])?(?::\d+)?:?|reason:|Delay reason:))*\s*"
    r"(?P<reply>.+?)(?::?\s*retry (?:timeout exceeded|time not reached[^\n]*))?\s*\Z"
)
_EXIMS_COMMAND = (
    r"(?:SMTP timeout (?:while connected to \S+ \[\S+\] )?after|(?:in response|response) to) (?:pipelined )?"
    r"(?P<stage>[A-Za-z][\w .]{2,40})"
)
_QMAILS_REPLY = (
    r"Remote host said(?:\[[\w ]+\])?:\s*(?P<reply>.*?)(?=\s*\n\s*Giving up on\b|\s*\n\s*\n|\s*\n\s*STEP:"
    r"|\s*\[(?:RCPT_TO|MAIL_FROM|DATA|EHLO|HELO|CONNECT)\]|\nI'm not going to try again"
    r"|\n\S{1,255} (?:does not like|failed (?:on|after))|\nRemote host said|\s*\Z)"
)

# How Postfix's SMTP and LMTP clients quote a server.
_POSTFIXS_REPLY = (
    rf"(?!{_OF_A_PROGRAM})\A.*?\b(?:host|server|connect\s+to)\s+(?P<server>\S+?\s?(?:\[[^\]\s]*\])?)"
    r"(?::\d+)?[,:]?\s+(?:said|(?:server\s+)?refused\s+to\s+(?:talk\s+to\s+me|start\s+TLS)):\s+"
    r"(?P<reply>.*?)(?:\s*\(in\s+reply\s+to\s+(?P<stage>[\w\s]+?)(?:\s+command)?\))?\s*\Z"
)

SERVERS = (
    Layout(
        name="a Domino bounce",
        source='https://help.hcltechsw.com/domino/, "Customizing the text of mail failure messages"',
        sign=r"\n[ \t]*because(?: of)?:?[ \t]*\n",
        opens=rf"^[ \t]*(?:[^\n@]{{0,80}}[ \t])?{ADDRESS}[^\n]*\n"
        r"(?=(?:[^\n]{0,400}@[^\n]*\n|[ \t]*\n){0,30}[ \t]*because)",
        details=(
            r"\b(?i:transferring|delivering|connect\w{0,3}) (?:to|with)[ \t]+(?P<server>\[?[\w.\-]{4,255})",
            rf"\bbecause(?: of)?:?[ \t]*\n\s*(?P<words>.{{1,2000}}?){END}",
        ),
    ),
    Layout(
        name="an MDaemon bounce",
        source=f"{_MAILMANS}simple_01.txt",
        sign=r"\n[ \t]*-{3} Session Transcript -{3}",
        opens=r"(?:connection to (?P<server>\[[0-9.]{7,15} ?:(?:(?!connection to).){0,400}?\b220 [\w.\-]+)"
        rf"(?:(?!connection to).){{0,2000}}?)?(?P<stage>RCPT) To:{RECIPIENT}"
        r"[^\n]*\n[^\n]*?(?P<reply>\b[45]\d\d[ \-][^\n]*)",
    ),
    Layout(
        name="an IMail bounce",
        source=f"{_MAILMANS}smtp32_01.txt",
        sign=r"\nX-Mailer: [^\n]*SMTP32",
        opens=rf"^(?P<words>[A-Za-z][^\n:@]{{3,100}}?):?[ \t]+{ADDRESS}[ \t]*$",
        ends=r"^[Oo]riginal message follows",
    ),
    Layout(
        name="a bounce of Oracle's Messaging Server",
        source="Oracle Communications Messaging Server System Administrator's Guide, Notification Messages",
        sign=r"\n[ \t]*Recipient address:[^\n]*\n(?:[ \t]*Original address:[^\n]*\n)?[ \t]*Reason:",
        opens=rf"^[ \t]*Recipient address:[ \t]*(?:[\w\-]{{1,20}};)?{ADDRESS}",
        details=(
            r"^[ \t]*Reason:[ \t]*(?P<words>[^\n]{1,500})",
            r"^[ \t]*Diagnostic code:[ \t]*smtp;(?P<reply>.{1,4000}?)(?=\n[ \t]+[A-Z][a-z]+ \w+:|\n\s*\n|\Z)",
            r"^[ \t]*Remote system:[ \t]*(?:dns;)?(?P<server>[^\n]{1,300})",
        ),
        meanings=(
            Meaning(r"(?i:SMTP server has rejected address)", Stage.RCPT),
            Meaning(r"(?i:rejected MAIL FROM)", Stage.MAIL),
        ),
    ),
    Layout(
        name="a Dovecot bounce",
        source="https://doc.dovecot.org/2.3/settings/core/#core_setting-rejection_reason",
        sign=r"\nYour message to <[^>\n]{3,320}> was automatically rejected:",
        opens=rf"^Your message to {ADDRESS} was automatically rejected:",
        details=(rf"\A\s{{0,20}}(?P<reply>.{{1,4000}}?){END}",),
    ),
    Layout(
        name="a Postfix bounce",
        # The reasons are those of its SMTP, LMTP, local and pipe clients, wrapped at 79 characters.
        source="https://www.postfix.org/bounce.5.html",
        sign=r"\nThis is the (?:[\w.\-]+[ \t]+){1,4}at host \S+\.?[ \t]*\n"
        r"|\n[ \t]+(?:The (?:mail system|\w+ program)|--- Delivery report unavailable ---)[ \t]*\n"
        r"|\n[ \t]*<[^<>\s]{1,320}@[^<>\s]{1,255}>(?: \(expanded from [^()]+\))?: "
        r"(?:host|connect to|lost connection) "
        r"|\n(?i:X-[\w\-]+-Queue-ID:)",
        opens=r"^[ \t]?<(?P<recipient>[^<>\n]{1,320})>"
        r"(?:\s+\((?:expanded|generated)\s+from\s+<?(?:(?P<original>[^()<>\s]+@[^()<>\s]+)|[^()<>\n]{1,400})>?\))?:"
        r"(?P<said>[^\n]*(?:\n[ \t]+[^\s][^\n]*)*)",
        details=(
            _POSTFIXS_REPLY,
            r"(?:connect to|lost connection with|conversation with|host|server)\s+(?P<server>\S+?\[\S*?\])",
            r"\bwhile\s+(?P<stage>[\w\s\-]+)",
        ),
        shared=(r"--- (?P<words>Delivery report unavailable) ---",),
        ends=r"(?!)",  # a returned mail is never in the text
        elsewhere=("To",),
        meanings=(
            Meaning(r"refused\s+to\s+start\s+TLS:", Stage.STARTTLS),
            Meaning(
                r"refused\s+to\s+talk\s+to\s+me:",
                Stage.CONNECT,
                rule="Postfix says so of the greeting and of the reply to EHLO or HELO alike",
            ),
            Meaning(r"\A\s*SASL\s+authentication\s+failed", Stage.AUTH),
            Meaning(_OF_A_PROGRAM, fault=""),
        ),
    ),
    Layout(
        name="an Exim bounce",
        # Mail.Ru, GMX and IONOS write theirs like Exim; GMX puts addresses in quotes and indents nothing.
        source="https://www.exim.org/exim-html-current/doc/html/spec_html/, chapters 48 and 49",
        sign=r"\nThis message was created automatically by mail delivery software"
        r"|SMTP error from remote (?:mail server|mailer|server)\b|\n[ \t]+retry timeout exceeded"
        r"|\n[ \t]+Unrouteable address|all hosts (?:for '[^']*' )?have been failing for a long time"
        r"|\nX-Failed-Recipients: [^\n]*@",
        # A pipe or a file has its address behind "generated by".
        opens=r"^(?<!sent by\n\n)(?P<indented> {2}(?=\S))?(?:(?(indented)(?!\S+@)"
        rf"(?=[^\n]{{0,400}}\n? {{0,4}}\(?(?:ultimately )?generated (?:from|by) {ADDRESS})|(?!))"
        rf"|{RECIPIENT}(?(indented)(?:[:)][ \t]*|(?=\s))|:[ \t]*$))"
        r"(?P<said>[^\n]*(?:\n(?! {2}\S|[\"<]\S+@\S+[\">]:)[^\n]*\S[^\n]*)*)",
        details=(
            _EXIMS_REPLY,
            r"\A\s*(?P<words>\S.*?):?\s*retry (?:timeout exceeded|time not reached)",
            r" said: (?P<reply>[45]\d\d.*) \(in reply to (?P<stage>[\w ]+) command\)",
            _EXIMS_COMMAND,
            r"(?P<server>[\w.\-]{1,255} ?[\[(][0-9A-Fa-f.:]{3,45}[\])])",
            r"\bhost: ?(?P<server>[\w.\-]{3,255})",
        ),
        ends=r"^(?i:[ \t]*-{3,} ?(?:This is (?:a copy of|the)|The (?:body|header) of|Message header"
        r"|Original message|The following is)[^\n]*|No action is required on your part[^\n]*"
        r"|The following text was generated during the delivery attempt[^\n]*)$",
        elsewhere=("X-Failed-Recipients",),
        meanings=(
            Meaning(r"\A\s*retry timeout exceeded\s*\Z", fault=""),
            Meaning(r"(?:after|for|to) (?:pipelined )?(?:[^:,\n]{0,40}\bTEXT\b|mail text)", Stage.MESSAGE),
            Meaning(r"SMTP error from remote", fault=""),
        ),
    ),
    Layout(
        name="a qmail bounce",
        # The sentences are those of qmail-remote, qmail-local and qmail-send; Yahoo's are alike.
        source="https://cr.yp.to/proto/qsbmf.txt",
        sign=r"\nHi\. This is the |\n--- (?:Below this line is|Enclosed (?:is|are)) (?:a copy|the original)"
        r"|\n[^\n]{0,80}Remote host said(?:\[[\w ]+\])?:|does not like recipient\."
        r"|\n(?:Unable|Sorry, we were unable) to deliver (?:message|your message) to the following address",
        opens=r"^[ \t]*(?P<label>(?:Delivery failed|Failed recipient)[ \t]*:[ \t]*)?"
        r"<?(?P<recipient>[^<>\s:,;]{1,320}@[^<>\s:,;]{1,255})>?[ \t]*(?(label)|:[ \t]*)$",
        details=(
            _QMAILS_REPLY,
            rf"\A\s*(?P<words>.*?){END}",
            r"\[(?P<stage>RCPT_TO|MAIL_FROM|DATA|EHLO|HELO|CONNECT)\]|STEP:[ \t]*[A-Z]",
            r"STEP:[ \t]*(?P<stage>[A-Z][A-Z ]{2,20})",
            r"(?:^|> )(?P<server>\[?[\w.:\-]{3,255}\]?) (?:does not like|failed (?:on|after))",
            r"(?:Connected to|Giving up on) (?P<server>\S{3,255}?)(?: but|\.?(?:\s|$))",
        ),
        ends=r"^--- (?:Below this line is|Enclosed (?:is|are)|Original message)[^\n]*$",
        meanings=(
            Meaning(r"wasn't able to establish an SMTP connection", Stage.CONNECT, "dropped-at-connect"),
            Meaning(r"couldn't find any host by that name|lookup failed temporarily", fault="dns-servfail"),
            Meaning(r"couldn't find any host named", fault="dns-nxdomain"),
            Meaning(r"couldn't find a mail exchanger", fault="dns-nodata"),
            Meaning(r"connection died\. Possible duplicate", Stage.MESSAGE, "closed-after-dot"),
            Meaning(
                r"TLS [^\n]{0,20}connect (?:failed|timed out)", Stage.STARTTLS, "handshake-closed-at-starttls"
            ),
            Meaning(r" does not like recipient", Stage.RCPT),
            Meaning(r" but sender was rejected", Stage.MAIL),
            Meaning(r" failed on DATA command", Stage.DATA),
            Meaning(r" failed after I sent the message", Stage.MESSAGE),
            Meaning(r" but greeting failed", Stage.CONNECT),
            Meaning(r" but my name was rejected", Stage.EHLO),
            Meaning(r" but authentication was rejected", Stage.AUTH),
            Meaning(r" but unable to start TLS", Stage.STARTTLS),
        ),
    ),
    Layout(
        name="a Courier bounce",
        source="https://www.courier-mta.org/courierdsn.html",
        sign=r"running the Courier mail server|\n[ \t]+(?:UNDELIVERABLE|DELAYED) MAIL[ \t]*\n",
        opens=rf"^(?=<){RECIPIENT}:?[ \t]*\n(?P<said>(?:[ \t]*[^<\s\n][^\n]*\n?|[ \t]*<<<[^\n]*\n?)*)",
        details=(
            r"^[ \t]*(?P<server>[\w.\-]{1,255} \[[^\]\s]{2,64}\]):?[ \t]*$",
            DIALOGUE,
            r"^[ \t]*<<<[ \t]*(?P<reply>.*)",
        ),
        meanings=(Meaning(r"^>>> DATA", Stage.MESSAGE),),  # it is shown for the final dot too
    ),
    Layout(
        name="an OpenSMTPD bounce",
        source="https://github.com/OpenSMTPD/OpenSMTPD/blob/master/usr.sbin/smtpd/bounce.c",
        sign=r"\n[ \t]*This is the MAILER-DAEMON, please DO NOT REPLY to this e-?mail\.",
        opens=r"^(?P<recipient>\"?[^\s:<>\"]{1,320}\"?@[^\s:<>]{1,255}): (?P<said>[^\n]+)",
        ends=r"^ {4}Below is a copy of",
        meanings=(
            Meaning(r"No MX found|No valid route", fault="dns-nodata"),
            Meaning(r"Invalid domain name", fault="dns-nxdomain"),
            Meaning(r"(?:Temporary|temporary) [^\n]{0,20}(?:MX|DNS|lookup)", fault="dns-servfail"),
            Meaning(r"Network error on destination MX", Stage.CONNECT, "dropped-at-connect"),
        ),
    ),
    Layout(
        name="a bounce of the DragonFly Mail Agent",
        source="https://github.com/corecode/dma/blob/master/mail.c",
        sign=r"\nThere was an error delivering your mail to <",
        opens=r"^There was an error delivering your mail to <(?P<recipient>[^<>\n]{1,580})>\.",
        details=(r"(?P<server>\S[^\n]{0,300}?) did not like our (?P<stage>[\w ]{3,30}):\s*(?P<reply>.*)",),
        ends=r"^(?:Message headers follow|Original message follows)\.[ \t]*$",
    ),
    Layout(
        name="a Sendmail bounce",
        source="https://github.com/deepin-community/sendmail/blob/master/sendmail/savemail.c",
        recipients=recipients_in,
        details=(
            r"(?:during|in) client (?P<stage>[\w ]+)",
            r"(?:refused by|timed out with|reset by|read error from|input from) (?P<server>[\w.\-]+)",
        ),
        ends=r"(?!)",
        meanings=(Meaning(r"(?:during|in) client DATA status", Stage.MESSAGE),),
    ),
)
"""In the order in which they are tried; Sendmail's is the least particular."""
