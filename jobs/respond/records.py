"""The rows of the case store. Money is in cents, days are dates, texts are Unicode; nothing here decides anything."""

from __future__ import annotations

from datetime import date

from sqlalchemy import BigInteger, Boolean, Date, Float, ForeignKey, Index, Integer, String, Text, UniqueConstraint, text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

OVER = ("closed", "dropped")
_OPEN = text("state NOT IN ('closed', 'dropped')")


class Base(DeclarativeBase):
    """All tables of the case store."""


class Case(Base):
    """One selection in work."""

    __tablename__ = "case_file"
    __table_args__ = (
        Index("one_open_case", "taxpayer_id", unique=True, sqlite_where=_OPEN, postgresql_where=_OPEN),
        Index("case_of_office", "office_id", "state"),
    )
    case_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    taxpayer_id: Mapped[str] = mapped_column(String(64), index=True)
    taxpayer_name: Mapped[str] = mapped_column(Text)
    as_of: Mapped[date] = mapped_column(Date)
    treatment: Mapped[str] = mapped_column(String(32))
    office_id: Mapped[str] = mapped_column(String(32))
    case_source: Mapped[str] = mapped_column(String(32))
    risk_code: Mapped[str] = mapped_column(String(64))
    level: Mapped[str] = mapped_column(String(16))
    position: Mapped[int] = mapped_column(Integer)
    amount: Mapped[int] = mapped_column(BigInteger)
    effort_planned: Mapped[float] = mapped_column(Float)
    reasons: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(String(16))
    opened_on: Mapped[date] = mapped_column(Date)
    due_on: Mapped[date | None] = mapped_column(Date)
    selected_by: Mapped[str] = mapped_column(String(128))
    worked_by: Mapped[str | None] = mapped_column(String(128))
    events: Mapped[int] = mapped_column(Integer, default=0)

    @property
    def is_open(self) -> bool:
        """Neither closed nor dropped."""
        return self.state not in OVER


class TaskPoint(Base):
    """One risk point of a case, and its answer."""

    __tablename__ = "task_point"
    case_id: Mapped[str] = mapped_column(ForeignKey("case_file.case_id"), primary_key=True)
    point_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    risk_code: Mapped[str] = mapped_column(String(64))
    tax: Mapped[str] = mapped_column(String(16))
    period_from: Mapped[date] = mapped_column(Date)
    period_to: Mapped[date] = mapped_column(Date)
    amount_error: Mapped[int | None] = mapped_column(BigInteger)
    amount_evasion: Mapped[int | None] = mapped_column(BigInteger)
    until_error: Mapped[date | None] = mapped_column(Date)
    facts: Mapped[str] = mapped_column(Text)
    fraud: Mapped[bool] = mapped_column(Boolean)
    joined: Mapped[bool] = mapped_column(Boolean)
    state: Mapped[str] = mapped_column(String(16))
    result: Mapped[str | None] = mapped_column(String(16))
    reason_code: Mapped[str | None] = mapped_column(String(64))
    amount: Mapped[int | None] = mapped_column(BigInteger)
    answered_event: Mapped[int | None] = mapped_column(Integer)


class CaseAction(Base):
    """What happened to a case: one event, never changed."""

    __tablename__ = "case_action"
    case_id: Mapped[str] = mapped_column(ForeignKey("case_file.case_id"), primary_key=True)
    event_no: Mapped[int] = mapped_column(Integer, primary_key=True)
    event_on: Mapped[date] = mapped_column(Date)
    kind: Mapped[str] = mapped_column(String(32))
    person: Mapped[str] = mapped_column(String(128))
    post: Mapped[str] = mapped_column(String(64))
    office_id: Mapped[str] = mapped_column(String(32))
    point_id: Mapped[str | None] = mapped_column(String(64))
    risk_code: Mapped[str | None] = mapped_column(String(64))
    tax: Mapped[str | None] = mapped_column(String(16))
    period_from: Mapped[date | None] = mapped_column(Date)
    period_to: Mapped[date | None] = mapped_column(Date)
    result: Mapped[str | None] = mapped_column(String(16))
    reason_code: Mapped[str | None] = mapped_column(String(64))
    amount: Mapped[int | None] = mapped_column(BigInteger)
    effort_days: Mapped[float | None] = mapped_column(Float)
    text: Mapped[str | None] = mapped_column(Text)
    digest: Mapped[str | None] = mapped_column(String(64), unique=True)
    receipt: Mapped[int | None] = mapped_column(Integer, index=True)


class Statement(Base):
    """What the taxpayer states (陈述、申辩), and the answer to it."""

    __tablename__ = "statement"
    case_id: Mapped[str] = mapped_column(ForeignKey("case_file.case_id"), primary_key=True)
    event_no: Mapped[int] = mapped_column(Integer, primary_key=True)
    point_id: Mapped[str | None] = mapped_column(String(64))
    made_on: Mapped[date] = mapped_column(Date)
    text: Mapped[str] = mapped_column(Text)
    answer: Mapped[str | None] = mapped_column(Text)
    answered_on: Mapped[date | None] = mapped_column(Date)
    answered_by: Mapped[str | None] = mapped_column(String(128))


class Letter(Base):
    """A letter as the taxpayer gets it: only what may be told is in it."""

    __tablename__ = "letter"
    letter_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    case_id: Mapped[str] = mapped_column(ForeignKey("case_file.case_id"))
    taxpayer_id: Mapped[str] = mapped_column(String(64), index=True)
    sent_on: Mapped[date] = mapped_column(Date)
    content: Mapped[str] = mapped_column(Text)


class PostRow(Base):
    """A post (岗) and how far it reaches."""

    __tablename__ = "post"
    post_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    name_en: Mapped[str] = mapped_column(Text)
    name_zh: Mapped[str] = mapped_column(Text)
    span: Mapped[str] = mapped_column(String(16))


class FunctionGrant(Base):
    """A function that a post may use."""

    __tablename__ = "function_grant"
    post_id: Mapped[str] = mapped_column(ForeignKey("post.post_id"), primary_key=True)
    function: Mapped[str] = mapped_column(String(64), primary_key=True)


class Appointment(Base):
    """A person's post in an office, with valid dates."""

    __tablename__ = "appointment"
    __table_args__ = (UniqueConstraint("person", "post_id", "office_id", "valid_from"),)
    appointment_id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=True)
    person: Mapped[str] = mapped_column(String(128), index=True)
    post_id: Mapped[str] = mapped_column(ForeignKey("post.post_id"))
    office_id: Mapped[str] = mapped_column(String(32))
    valid_from: Mapped[date] = mapped_column(Date)
    valid_to: Mapped[date | None] = mapped_column(Date)


class Handover(Base):
    """One selection handed over: its key makes it happen once."""

    __tablename__ = "handover"
    as_of: Mapped[date] = mapped_column(Date, primary_key=True)
    taxpayer_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    case_id: Mapped[str] = mapped_column(String(64))
    became: Mapped[str] = mapped_column(String(16))


class Export(Base):
    """One file of events sent back to the lake."""

    __tablename__ = "export"
    receipt: Mapped[int] = mapped_column(Integer, primary_key=True)
    file: Mapped[str] = mapped_column(String(128))
    received_at: Mapped[str] = mapped_column(String(40))
    done: Mapped[bool] = mapped_column(Boolean)


class AuditEntry(Base):
    """One link of the audit chain."""

    __tablename__ = "audit"
    seq: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    prev_hash: Mapped[str] = mapped_column(String(64))
    body: Mapped[str] = mapped_column(Text)
    hash: Mapped[str] = mapped_column(String(64))


class AuditHead(Base):
    """The end of the chain: what must be there when the last entries are cut off."""

    __tablename__ = "audit_head"
    one: Mapped[int] = mapped_column(Integer, primary_key=True)
    seq: Mapped[int] = mapped_column(BigInteger)
    hash: Mapped[str] = mapped_column(String(64))


class Login(Base):
    """A one-time link or a session of the portal; only the digest of the secret is kept."""

    __tablename__ = "login"
    digest: Mapped[str] = mapped_column(String(64), primary_key=True)
    kind: Mapped[str] = mapped_column(String(16))
    subject: Mapped[str] = mapped_column(String(128))
    expires: Mapped[int] = mapped_column(BigInteger)
