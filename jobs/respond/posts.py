"""Posts and their functions from conf into the store, and who is appointed to them. Every change is on the audit trail."""

from __future__ import annotations

from datetime import date

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from jobs.conf import Conf, Post, in_force
from jobs.respond.access import MACHINE
from jobs.respond.audit import record
from jobs.respond.records import Appointment, FunctionGrant, PostRow
from jobs.respond.store import Store


def sync_posts(store: Store, conf: Conf, on: date) -> int:
    """Make posts and grants in the store those of conf/posts.yaml on a date; returns how many grants changed. Takes effect at once."""
    posts = {p.id: p for p in in_force(conf.posts, on)}
    wanted = {(p.id, f) for p in posts.values() for f in p.functions}
    with store.write() as session:
        held = {(g.post_id, g.function) for g in session.scalars(select(FunctionGrant))}
        for post in posts.values():
            session.merge(PostRow(post_id=post.id, name_en=post.name.en, name_zh=post.name.zh, span=post.span))
        session.flush()
        for post_id, function in sorted(held - wanted):
            session.execute(delete(FunctionGrant).where(FunctionGrant.post_id == post_id, FunctionGrant.function == function))
            record(session, "revoke", f"post:{post_id}", MACHINE, function=function)
        for post_id, function in sorted(wanted - held):
            session.add(FunctionGrant(post_id=post_id, function=function))
            record(session, "grant", f"post:{post_id}", MACHINE, function=function)
    return len(held ^ wanted)


def appoint(store: Store, person: str, post: str, office_id: str, valid_from: date, valid_to: date | None = None, by: str = MACHINE) -> None:
    """Appoint a person to a post in an office. Doing it again changes nothing. ValueError for a post that is not there."""
    with store.write() as session:
        if session.get(PostRow, post) is None:
            raise ValueError(f"no post '{post}'; posts are those of conf/posts.yaml")
        _appoint(session, person, post, office_id, valid_from, valid_to, by)


def _appoint(session: Session, person: str, post: str, office_id: str, valid_from: date, valid_to: date | None, by: str) -> None:
    query = select(Appointment).where(Appointment.person == person, Appointment.post_id == post, Appointment.office_id == office_id, Appointment.valid_from == valid_from)
    if session.scalars(query).first() is None:
        session.add(Appointment(person=person, post_id=post, office_id=office_id, valid_from=valid_from, valid_to=valid_to))
        record(session, "appoint", f"person:{person}", by, post=post, office=office_id, valid_from=valid_from, valid_to=valid_to)


def end_appointments(store: Store, person: str, last_day: date, by: str = MACHINE) -> int:
    """End all appointments of a person that are valid after a day; returns how many."""
    with store.write() as session:
        query = select(Appointment).where(Appointment.person == person, (Appointment.valid_to.is_(None)) | (Appointment.valid_to > last_day))
        found = session.scalars(query).all()
        for appointment in found:
            appointment.valid_to = last_day
            record(session, "end_appointment", f"person:{person}", by, post=appointment.post_id, office=appointment.office_id, last_day=last_day)
        return len(found)


def staff(store: Store, conf: Conf, on: date) -> int:
    """Fill every seat of conf/posts.yaml with a made-up staff number, for a synthetic administration; returns the number of seats.

    Staff numbers read <office>-<post>-<seat>. Running it again changes nothing.
    """
    sync_posts(store, conf, on)
    seats = [(office.id, post, n) for office in in_force(conf.offices, on) for post in in_force(conf.posts, on) for n in _seats(post, office.kind)]
    with store.write() as session:
        for office_id, post, n in seats:
            start = max(post.valid_from, date(2000, 1, 1))
            _appoint(session, f"{office_id}-{post.id}-{n:02d}", post.id, office_id, start, post.valid_to, MACHINE)
    return len(seats)


def _seats(post: Post, kind: str) -> range:
    return range(1, post.seats + 1) if kind in post.office_kinds else range(0)
