"""A small application: who signs up is mailed a link, and is told what the mail server says of the address.

It runs by `uvicorn registration:app`. Its users are in memory.
"""

from __future__ import annotations

import asyncio
import contextlib
import email.utils
import logging
import os
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from email.message import EmailMessage
from pathlib import Path
from typing import Annotated

import aiosmtplib
from fastapi import Body, Depends, FastAPI, HTTPException
from pydantic import EmailStr  # noqa: TC002  # FastAPI reads it as it runs

EVERY = 300  # seconds between two tries
TROUBLE = (aiosmtplib.SMTPException, OSError)  # what aiosmtplib raises; it lets some of asyncio's own through

log = logging.getLogger(__name__)


class NotConfigured(Exception):
    """The provider does not let the application send: somebody has to look after its account."""


@dataclass(frozen=True)
class Account:
    """Who logs in where; `token` makes an access token that is good now."""

    host: str
    address: str
    token: Callable[[], Awaitable[str]]


@dataclass
class User:
    """Somebody who has signed up; `state` is waiting, mailed, refused or confirmed."""

    email: str
    secret: str = field(default_factory=lambda: secrets.token_urlsafe(16))
    message_id: str = field(default_factory=lambda: email.utils.make_msgid(domain="app.example"))
    state: str = "waiting"
    reason: str = ""


users: dict[str, User] = {}


async def token() -> str:
    """The access token that another program keeps fresh in a file."""
    return Path(os.environ["TOKEN_FILE"]).read_text("utf-8").strip()  # noqa: ASYNC240  # a small one


def account() -> Account:
    """The application's account; a suite overrides it."""
    return Account("smtp.gmail.com", os.environ["MAIL_USER"], token)


@contextlib.asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Try again what was put off, as long as the application runs."""
    by, stopping = app.dependency_overrides.get(account, account)(), asyncio.Event()
    trying = asyncio.create_task(_try_again(by, stopping))
    yield
    stopping.set()
    await trying  # a mail that is on its way is sent to its end


app = FastAPI(lifespan=lifespan)


@app.post("/signup", status_code=202)
async def sign_up(
    address: Annotated[EmailStr, Body(embed=True, alias="email")], by: Annotated[Account, Depends(account)]
) -> dict[str, str]:
    """Add a user and mail the link."""
    user = users.setdefault(address, User(address))
    if user.state == "confirmed":
        return {"state": user.state}
    user.state = "waiting"
    try:
        await mail_link(user, by)
    except NotConfigured as error:
        log.exception("the provider refuses the application")
        raise HTTPException(503, "We cannot send mail at the moment. We will, as soon as we can.") from error
    if user.state == "refused":
        del users[address]
        raise HTTPException(422, user.reason)
    return {"state": user.state}


@app.get("/confirm/{secret}")
async def confirm(secret: str) -> dict[str, str]:
    """Take the secret of a link that somebody has followed."""
    for user in users.values():
        if secrets.compare_digest(user.secret, secret):
            user.state = "confirmed"
            return {"state": user.state}
    raise HTTPException(404, "no such link")


async def mail_link(user: User, by: Account) -> None:
    """Mail the link, and note what came of it.

    Raises:
        NotConfigured: if the provider does not let the application send; the user is still waiting.
    """
    client = aiosmtplib.SMTP(
        hostname=by.host,
        port=587,
        start_tls=True,  # or not at all: without it, aiosmtplib goes on in the clear where nothing is offered
        username=by.address,
        oauth_token_generator=by.token,
        timeout=20,
    )
    try:
        await client.connect()
        await client.send_message(_letter(user, by), sender=by.address, recipients=[user.email])
        user.state = "mailed"
        await client.quit()
    except aiosmtplib.SMTPRecipientsRefused as refused:
        [it] = refused.recipients
        user.state, user.reason = ("refused" if it.code >= 500 else "waiting"), f"{it.code} {it.message}"
    except TROUBLE as error:
        user.reason = str(error)
        if user.state == "waiting" and isinstance(error, aiosmtplib.SMTPResponseException):
            _hold_against_the_account(error)
    finally:
        client.close()


def _hold_against_the_account(error: aiosmtplib.SMTPResponseException) -> None:
    if error.code >= 500:
        raise NotConfigured(f"{error.code} {error.message}") from error


async def _try_again(by: Account, stopping: asyncio.Event) -> None:
    while True:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stopping.wait(), EVERY)
            return
        for user in [it for it in users.values() if it.state == "waiting"]:
            with contextlib.suppress(NotConfigured):
                await mail_link(user, by)


def _letter(user: User, by: Account) -> EmailMessage:
    letter = EmailMessage()
    letter["From"] = by.address
    letter["To"] = user.email
    letter["Subject"] = "Please confirm your address"
    letter["Message-ID"] = user.message_id
    letter.set_content(f"Welcome! Follow this link: https://app.example/confirm/{user.secret}\n")
    return letter
