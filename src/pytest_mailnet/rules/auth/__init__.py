"""Whether a mail comes from whom it says: SPF, DKIM, ARC and DMARC, by the net's DNS and clock.

SPF is evaluated by pyspf, signatures are verified by dkimpy; both come with the extra `auth`.
"""

from __future__ import annotations

from pytest_mailnet.rules.auth.results import Authentication, authentication_of, trace_of

__all__ = ["Authentication", "authentication_of", "trace_of"]
