"""The operators whose web hooks can be read, a row each."""

from __future__ import annotations

import re
from collections.abc import Iterable

from pytest_mailnet.evidence.webhooks.hook import WebHook
from pytest_mailnet.evidence.webhooks.members import JsonObject, objects_in, text_at, value_at

__all__ = ["OPERATORS"]

# Fields of a report (RFC 3464, 2.3) in a returned message; a field may continue in indented lines.
_FIELD = re.compile(
    r"^(Diagnostic-Code|Remote-MTA|Status)[ \t]{0,9}:[ \t]{0,9}"
    r"([^\r\n]{0,998}(?:\r?\n[ \t][^\r\n]{0,998}){0,50})",
    re.IGNORECASE | re.MULTILINE,
)
_SES_BOUNCE = "eventType/notificationType=Bounce, emailAddress"


def _each_recipient(event: JsonObject) -> Iterable[JsonObject]:
    told = value_at(event, "bounce.bouncedRecipients/deliveryDelay.delayedRecipients")
    return [event | it for it in objects_in(told)] if isinstance(told, list) else [event]


def _with_report(event: JsonObject) -> Iterable[JsonObject]:
    # A field that occurs twice is of two recipients; which of them is meant is unknown.
    found: dict[str, list[str]] = {}
    for name, value in _FIELD.findall(text_at(event, "Content") or ""):
        found.setdefault(name.lower(), []).append(value)
    return [event | {name: values[0] for name, values in found.items() if len(values) == 1}]


OPERATORS: tuple[WebHook, ...] = (
    WebHook(
        name="an Amazon SES notification",
        source="https://docs.aws.amazon.com/ses/latest/dg/notification-contents.html and "
        "https://docs.aws.amazon.com/ses/latest/dg/event-publishing-retrieving-sns-contents.html",
        signs="eventType/notificationType=Bounce|Click|Complaint|Delivery|DeliveryDelay|Open|Reject"
        "|Rendering Failure|Send|Subscription, mail/bounce/deliveryDelay",
        # SNS, Lambda (from SNS and SQS), SQS and EventBridge wrap an event in these.
        carriers="Message Records Sns body Messages Body detail",
        no_failure="action=delivered|relayed|expanded",
        refused=f"{_SES_BOUNCE}, bounce.bounceSubType=Suppressed|OnAccountSuppressionList; "
        "eventType/notificationType=Reject, mail.destination",
        delayed=f"{_SES_BOUNCE}, action=delayed; eventType/notificationType=DeliveryDelay, emailAddress",
        # SES reports even a soft bounce only after it has given up.
        failed=f"{_SES_BOUNCE}, action=failed; {_SES_BOUNCE}, bounce.bounceType=Permanent|Transient",
        unclear=_SES_BOUNCE,
        missing="no Bounce, DeliveryDelay or Reject in it names a recipient",
        parts=_each_recipient,
        recipient="emailAddress/mail.destination",
        sender="mail.source",
        texts="diagnosticCode reject.reason",
        status="status",
        # The reporting MTA is the client (RFC 3464, 2.2.2), mostly Amazon's own.
        address="bounce.remoteMtaIp",
        # SES reports its own attempts in the form of replies, and quotes the server's last one behind them.
        quoted=re.compile(r"(?s)Message expired: unable to deliver in \d{1,9} minutes\.?\s{0,9}<?(.*?)>?$"),
        own=re.compile(
            r"^(?:smtp;\s{0,9})?421 4\.4\.[0-2] "
            r"(?:Failed to establish connection|Connection timed out|Unable to lookup DNS)"
        ),
    ),
    WebHook(
        name="a SendGrid web hook",
        source="https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/event; lists of bounces: "
        "https://docs.sendgrid.com/v2-api/bounces",
        # A stored event may have lost its ids.
        signs="event, email, sg_event_id/sg_message_id; "
        "event=bounce|deferred|dropped, email, reason/response, !message-id/ts_event/ts_epoch/event_id; "
        "created, email, reason, status, !event",
        refused="event=dropped",
        delayed="event=deferred",
        failed="event=bounce; !event, created",
        missing="no bounce, deferred or dropped event is in it",
        recipient="email",
        texts="reason response",  # "ip" is SendGrid's own address
        status="status",
        # An error of its Go program: "dial tcp 10.0.0.1:0->192.0.2.8:25: i/o timeout".
        peer=re.compile(
            r"\b(?:dial|read|write) tcp (?:[0-9A-Fa-f.:\[\]]{1,60}->)?(?P<address>[0-9A-Fa-f.:\[\]]{1,60})"
            r":\d{1,5}:"
        ),
    ),
    WebHook(
        name="a Mailgun web hook",
        source="https://documentation.mailgun.com/docs/mailgun/user-manual/webhooks/webhook-payloads; events "
        "API and forms: github:mailgun/documentation, source/api-events.rst and user_manual.rst",
        signs="event-data.event; event=failed, delivery-status; event, token, timestamp, signature; event, "
        "timestamp, message/recipient, delivery-status/envelope/log-level/user-variables/campaigns",
        carriers="event-data items",
        refused="event=failed|dropped, reason=suppress-bounce|suppress-complaint|suppress-unsubscribe; "
        "event=rejected",
        delayed="event=failed, severity=temporary",
        failed="event=failed, severity=permanent; event=bounced|dropped, token",
        unclear="event=failed",
        missing="no failed, rejected, bounced or dropped event is in it",
        recipient="recipient",
        sender="envelope.sender",
        texts="reject.reason reject.description delivery-status.message delivery-status.description error "
        "description notification",
        code="delivery-status.code/code",
        status="delivery-status.enhanced-code/code",
        host="delivery-status.mx-host",
    ),
    WebHook(
        name="a Postmark web hook",
        source="https://postmarkapp.com/developer/webhooks/bounce-webhook; types: "
        "https://unpkg.com/browse/postmark@4.0.5/dist/client/models/bounces/Bounce.d.ts",
        signs="RecordType=Bounce|Click|Delivery|Open|SpamComplaint|SubscriptionChange, MessageID/ServerID; "
        "RecordType=Bounce, Type, Email; !RecordType, Type, Email, BouncedAt",
        carriers="Bounces",
        delayed="Type=Transient, RecordType=Bounce|, Email",
        # Bounces of other types are complaints, automatic replies and the like.
        failed="Type=HardBounce|SoftBounce|DnsError|BadEmailAddress|Blocked|DMARCPolicy|SMTPApiError"
        "|VirusNotification, RecordType=Bounce|, Email",
        doubtful="Type=SpamNotification, RecordType=Bounce|, Email",  # it may have been delivered as spam
        unclear="Type=Unknown, RecordType=Bounce|, Email",
        missing="no bounce is in it whose type is that of a failed delivery",
        parts=_with_report,
        recipient="Email",
        sender="From",
        texts="Details diagnostic-code Description",
        status="status",
        host="remote-mta",
    ),
    WebHook(
        name="a SparkPost web hook",
        source="github:SparkPost/developers.sparkpost.com, content/api/webhooks.apib and events.apib; "
        "https://support.sparkpost.com/docs/deliverability/bounce-classification-codes; texts of its MTA: "
        "https://support.sparkpost.com/docs/faq/understanding-delays-bounces",
        signs="msys; type, event_id, rcpt_to/customer_id",
        carriers="msys message_event gen_event results",
        no_failure="bounce_class=60|80|90|100",  # auto-reply, (un)subscribe, challenge
        refused="type=policy_rejection|generation_rejection",
        delayed="type=delay",
        failed="type=bounce|out_of_band",
        missing="no bounce, delay, out_of_band or rejection event is in it",
        recipient="raw_rcpt_to/rcpt_to",
        sender="msg_from",
        texts="raw_reason/reason",
        code="error_code",
        address="ip_address",
        # In an out-of-band bounce it is that of the server that took the mail.
        address_if="type=bounce|delay",
        quoted=re.compile(r"(?s)[Ll]ast transfail:\s{0,9}(.*?)\)?$"),
        own=re.compile(r"\[internal\]"),
    ),
    WebHook(
        name="a Brevo web hook",
        source="https://developers.brevo.com/docs/transactional-webhooks; reasons as received: "
        "github:anymail/django-anymail, tests/test_brevo_webhooks.py",
        signs="event, email, message-id/ts_event/ts_epoch, !sg_event_id/sg_message_id",
        refused="event=blocked",
        delayed="event=deferred",
        failed="event=hard_bounce|soft_bounce|invalid_email|error",
        missing="no hard_bounce, soft_bounce, deferred, blocked, invalid_email or error event is in it",
        recipient="email",
        texts="reason event",
        quoted=re.compile(r"(?s)^(?:\d{3} )?[A-Z][A-Za-z]{1,20}Error: (\d{3}[ -].*)$"),
    ),
    WebHook(
        name="a Mandrill web hook",
        source="https://mandrill.zendesk.com/hc/en-us/articles/205583307-Message-Event-Webhook-Format",
        signs="event, msg.email, msg._id/msg.ts",
        carriers="mandrill_events",
        refused="event=reject",
        delayed="event=deferral",
        failed="event=hard_bounce|soft_bounce",
        missing="no hard_bounce, soft_bounce, deferral or reject event is in it",
        recipient="msg.email",
        sender="msg.sender",
        texts="msg.diag msg.bounce_description msg.smtp_events.-1.diag event",
        address="msg.smtp_events.-1.destination_ip",
        address_if="event=deferral",
    ),
    WebHook(
        name="a Mailjet web hook",
        source="github:mailjet/api-documentation, guides/_event-api.md",
        signs="event, email, MessageID/mj_campaign_id",
        refused="event=blocked",
        delayed="event=bounce, error=greylisted, hard_bounce=false|",
        failed="event=bounce",
        missing="no bounce or blocked event is in it",
        recipient="email",
        texts="comment error error_related_to",
    ),
    WebHook(
        name="a Resend web hook",
        source="https://resend.com/docs/webhooks/event-types; github:resend/resend-node, "
        "src/webhooks/interfaces/webhook-event.interface.ts",
        signs="type, created_at, data.to",
        refused="type=email.bounced, data.bounce.subType=Suppressed|OnAccountSuppressionList; "
        "type=email.failed|email.suppressed",
        delayed="type=email.delivery_delayed",
        failed="type=email.bounced",  # it sends by Amazon SES, see there
        missing="no email.bounced, email.delivery_delayed, email.failed or email.suppressed event is in it",
        recipient="data.to",
        sender="data.from",
        texts="data.bounce.diagnosticCode.-1 data.bounce.message data.failed.reason data.suppressed.message "
        "type",
    ),
    WebHook(
        name="a Postal web hook",
        source="https://docs.postalserver.io/developer/webhooks; github:postalserver/postal, "
        "lib/postal/message_db/delivery.rb and app/senders/smtp_sender.rb",
        signs="event, uuid, payload.message.token/payload.original_message.token",
        no_failure="payload.message.direction=incoming",  # it is passed on by HTTP
        refused="event=MessageHeld",
        delayed="event=MessageDelayed",
        failed="event=MessageDeliveryFailed|MessageBounced",
        missing="no MessageDeliveryFailed, MessageDelayed, MessageHeld or MessageBounced of a mail is in it",
        recipient="payload.message.to/payload.original_message.to",
        sender="payload.message.from/payload.original_message.from",
        texts="payload.output payload.details event",
        peer=re.compile(
            r"when sending to (?P<address>[0-9A-Fa-f.:]{2,45}):\d{1,5} \((?P<host>[\w.-]{1,255})\)"
        ),
    ),
    WebHook(
        name="a MailerSend web hook",
        source="https://developers.mailersend.com/api/v1/webhooks.html; the older form: "
        "github:anymail/django-anymail, tests/test_mailersend_webhooks.py",
        signs="type, data.type, data.email, data.message_id/data.email.message",
        delayed="type=activity.deferred",
        failed="type=activity.hard_bounced|activity.soft_bounced",
        missing="no hard_bounced, soft_bounced or deferred activity is in it",
        recipient="data.email.recipient.email/data.email",
        sender="data.email.from",
        texts="data.morph.reason type",
    ),
    WebHook(
        name="a Mailtrap web hook",
        source="https://docs.mailtrap.io/email-api-smtp/advanced/webhooks; replies in brackets: "
        "github:anymail/django-anymail, tests/test_mailtrap_webhooks.py",
        signs="event, email, event_id, message_id",
        carriers="events",
        refused="event=suspension|reject",
        delayed="event=soft bounce",
        failed="event=bounce",
        missing="no bounce, soft bounce, suspension or reject event is in it",
        recipient="email",
        texts="response reason",
        code="response_code",
        quoted=re.compile(r"(?s)^(?:soft )?bounced? \((\d{3}[ -].*)\)$"),
    ),
    WebHook(
        name="a Unisender Go web hook",
        source="https://godocs.unisender.ru/web-api-ref#callback-format",
        signs="event_name=transactional_email_status, email/event_data.email, status/event_data.status",
        carriers="events_by_user events event_data",
        delayed="status=soft_bounced",
        failed="status=hard_bounced",
        missing="no hard_bounced or soft_bounced status is in it",
        recipient="email",
        texts="delivery_info.destination_response delivery_info.delivery_status status",
    ),
)
"""The rows; no document is of two of them."""
