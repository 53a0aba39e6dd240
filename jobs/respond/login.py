"""Ways into the portal: a one-time link, exchanged for a session. Only digests of the secrets are stored; what is unknown or over is nobody."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import delete
from sqlalchemy.orm import Session

from jobs.lake.lake import now
from jobs.respond.access import TAXPAYER
from jobs.respond.audit import record
from jobs.respond.records import Login
from jobs.respond.store import Store

LINK_LASTS = timedelta(days=30)
SESSION_LASTS = timedelta(hours=8)


@dataclass(frozen=True)
class Visitor:
    """Who is there: a person's staff number, or `taxpayer:<id>`."""

    subject: str

    @property
    def taxpayer_id(self) -> str | None:
        """The taxpayer's id; None for an official."""
        return self.subject.removeprefix(f"{TAXPAYER}:") if self.subject.startswith(f"{TAXPAYER}:") else None


def issue_link(store: Store, subject: str, by: str, lasts: timedelta = LINK_LASTS) -> str:
    """A secret for one login of a subject (a staff number, or access.taxpayer(id)); it is shown once and stored nowhere."""
    with store.write() as session:
        record(session, "issue_link", f"login:{subject}", by)
        return _issue(session, "link", subject, lasts)


def redeem(store: Store, link: str) -> str | None:
    """Exchange a link for a session, once. None when it is unknown, used or over."""
    with store.write() as session:
        row = session.get(Login, _digest(link), with_for_update=True)
        if row is None or row.kind != "link" or row.expires <= _seconds():
            record(session, "login", "login:unknown", "unknown", "refused")
            return None
        session.delete(row)
        record(session, "login", f"login:{row.subject}", row.subject)
        return _issue(session, "session", row.subject, SESSION_LASTS)


def visitor(store: Store, secret: str | None) -> Visitor | None:
    """Who holds this session; None for nobody."""
    if not secret:
        return None
    with store.read() as session:
        row = session.get(Login, _digest(secret))
        return Visitor(row.subject) if row is not None and row.kind == "session" and row.expires > _seconds() else None


def leave(store: Store, secret: str) -> None:
    """End a session."""
    with store.write() as session:
        session.execute(delete(Login).where(Login.digest == _digest(secret)))


def form_token(secret: str) -> str:
    """The token a form of this session must carry."""
    return hmac.new(secret.encode(), b"form", hashlib.sha256).hexdigest()


def form_is_own(secret: str, token: str) -> bool:
    """Whether a form was made by this session."""
    return hmac.compare_digest(form_token(secret), token)


def _issue(session: Session, kind: str, subject: str, lasts: timedelta) -> str:
    secret = secrets.token_urlsafe(32)
    session.execute(delete(Login).where(Login.expires <= _seconds()))
    session.add(Login(digest=_digest(secret), kind=kind, subject=subject, expires=_seconds() + int(lasts.total_seconds())))
    return secret


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def _seconds() -> int:
    return int(now().timestamp())
