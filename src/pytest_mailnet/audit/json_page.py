"""The findings of an audit as JSON."""

from __future__ import annotations

import json

from pytest_mailnet.audit.findings import Audit
from pytest_mailnet.audit.verdicts import MISTAKES

__all__ = ["in_json"]

_FORMAT = 1  # one more where a key is gone or means something else


def in_json(audit: Audit) -> str:
    """An object with all cases: what happened, what was said and taken, the verdict, the command."""
    return json.dumps(
        {
            "format": _FORMAT,
            "application": audit.application,
            "seconds": round(audit.seconds, 3),
            "searched": audit.searched,
            "mistakes": [it.smallest.case.id for it in audit.mistakes],
            "not_tried": [*audit.unsaid, *audit.without],
            "cases": [
                {
                    "case": it.case.id,
                    "happens": it.case.does,
                    "verdict": it.judgement.verdict,
                    "mistake": it.judgement.verdict in MISTAKES,
                    "why": it.judgement.why,
                    "said": [{"text": said.text, "believed": dict(said.believed)} for said in it.said],
                    "taken": [
                        {"recipients": taken.recipients, "heard": taken.heard, "call": taken.call + 1}
                        for taken in it.taken
                    ],
                    "again": audit.again(it),
                    "record": it.record,
                }
                for it in audit.trials
            ],
        },
        indent=1,
        ensure_ascii=False,
    )
