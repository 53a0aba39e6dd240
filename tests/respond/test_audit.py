"""Tampering with the audit trail is found and located: changed, deleted, swapped, put in, cut off, and rewritten as a whole."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from jobs.respond.audit import START, Anchor, anchor, link, record, verify
from jobs.respond.records import AuditEntry, AuditHead
from jobs.respond.store import Store

N = 12


@pytest.fixture
def chain(url: str) -> Store:
    opened = Store.open(url)
    for n in range(N):
        with opened.write() as session:
            record(session, "act", f"case:{n}", "somebody", amount=n * 100)
    return opened


def _change(session: Session) -> int:
    session.execute(update(AuditEntry).where(AuditEntry.seq == 5).values(body=json.dumps({"act": "other"})))
    return 5


def _change_with_its_hash(session: Session) -> int:
    entry = session.get(AuditEntry, 5)
    assert entry is not None
    entry.body = '{"act":"other"}'
    entry.hash = link(entry.prev_hash, 5, entry.body)
    return 6  # its own hash fits; the next entry's does not


def _delete(session: Session) -> int:
    session.execute(delete(AuditEntry).where(AuditEntry.seq == 5))
    return 5


def _swap(session: Session) -> int:
    first, second = session.get(AuditEntry, 4), session.get(AuditEntry, 5)
    assert first is not None and second is not None
    first.body, second.body = second.body, first.body
    return 4


def _duplicate(session: Session) -> int:
    last = session.get(AuditEntry, N)
    assert last is not None
    session.add(AuditEntry(seq=N + 1, prev_hash=last.prev_hash, body=last.body, hash=last.hash))
    return N + 1


def _append_rightly_linked(session: Session) -> int:
    last = session.get(AuditEntry, N)
    assert last is not None
    session.add(AuditEntry(seq=N + 1, prev_hash=last.hash, body="{}", hash=link(last.hash, N + 1, "{}")))
    return N + 2  # the head row knows where the chain ended


def _truncate(session: Session) -> int:
    session.execute(delete(AuditEntry).where(AuditEntry.seq > N - 3))
    return N - 2


def _truncate_all(session: Session) -> int:
    session.execute(delete(AuditEntry))
    return 1


@pytest.mark.parametrize("tamper", [_change, _change_with_its_hash, _delete, _swap, _duplicate, _append_rightly_linked, _truncate, _truncate_all])
def test_tampering_is_located(chain: Store, tamper: Callable[[Session], int]) -> None:
    with chain.read() as session:
        assert verify(session).whole and verify(session).entries == N
    with chain.write() as session:
        place = tamper(session)
    with chain.read() as session:
        verdict = verify(session)
    assert (verdict.whole, verdict.seq) == (False, place)


def test_cut_off_with_its_head_shows_against_an_anchor_only(chain: Store) -> None:
    with chain.read() as session:
        kept = anchor(session)
    with chain.write() as session:
        session.execute(delete(AuditEntry).where(AuditEntry.seq > N - 3))
        last = session.get(AuditEntry, N - 3)
        assert last is not None
        session.execute(update(AuditHead).values(seq=N - 3, hash=last.hash))
    with chain.read() as session:
        assert verify(session).whole  # the chain alone cannot know
        assert verify(session, kept).seq == N - 2


def test_rewritten_as_a_whole_shows_against_an_anchor_only(chain: Store) -> None:
    with chain.read() as session:
        kept = anchor(session)
    with chain.write() as session:
        before = START
        for entry in session.scalars(select(AuditEntry).order_by(AuditEntry.seq)):
            entry.prev_hash, entry.body = before, entry.body.replace("somebody", "other")
            entry.hash = before = link(before, entry.seq, entry.body)
        session.execute(update(AuditHead).values(hash=before))
    with chain.read() as session:
        assert verify(session).whole
        assert verify(session, kept).seq == N
        assert verify(session, Anchor(0, START)).whole


def test_an_entry_is_lost_with_its_transaction_and_no_other(chain: Store) -> None:
    with pytest.raises(RuntimeError), chain.write() as session:
        record(session, "act", "case:x", "somebody")
        raise RuntimeError
    with chain.read() as session:
        assert verify(session).entries == N
