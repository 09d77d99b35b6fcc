"""TLS contexts: who trusts the machine's authorities trusts the net's own too, while it is active."""

from __future__ import annotations

import os
import ssl
import sys
from typing import Any

from pytest_mailnet.intercept.patches import Patches
from pytest_mailnet.intercept.world import World

__all__ = ["install"]


def install(patches: Patches, world: World) -> None:
    """Add the world's authority to every context that loads the default authorities, or certifi's."""
    load_default_certs = ssl.SSLContext.load_default_certs
    load_verify_locations = ssl.SSLContext.load_verify_locations

    def trust(context: ssl.SSLContext) -> None:
        authority = world.authority()
        if authority:
            load_verify_locations(context, cadata=authority)

    def with_authority(context: ssl.SSLContext, purpose: ssl.Purpose = ssl.Purpose.SERVER_AUTH) -> None:
        load_default_certs(context, purpose)
        trust(context)

    def with_authority_beside_certifi(
        context: ssl.SSLContext, cafile: Any = None, capath: Any = None, cadata: Any = None
    ) -> None:
        load_verify_locations(context, cafile, capath, cadata)
        if cafile is not None and _is_certifi(cafile):
            trust(context)

    patches.put(ssl.SSLContext, "load_default_certs", with_authority)
    patches.put(ssl.SSLContext, "load_verify_locations", with_authority_beside_certifi)


def _is_certifi(cafile: Any) -> bool:
    # Who trusts certifi's authorities has imported it.
    certifi = sys.modules.get("certifi")
    return certifi is not None and os.fspath(cafile) == certifi.where()
