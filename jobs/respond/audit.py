"""The audit trail: a chain in which every entry carries the digest of the one before it.

Change, delete, insert or swap an entry and the chain breaks at that place. Cutting off its end shows against the head row, and against an
anchor kept outside the store (the lake keeps one at every hand-over); only the anchor shows a chain rewritten as a whole.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from jobs.lake.lake import now
from jobs.respond.records import AuditEntry, AuditHead

START = "0" * 64


@dataclass(frozen=True)
class Anchor:
    """The chain's end at some moment, to be kept elsewhere."""

    seq: int
    hash: str


@dataclass(frozen=True)
class Verdict:
    """What verification found: the first faulty place and what is wrong there; none: the chain is whole."""

    entries: int
    seq: int | None = None
    fault: str | None = None

    @property
    def whole(self) -> bool:
        """Nothing is wrong."""
        return self.fault is None


def canonical(content: Mapping[str, Any]) -> str:
    """JSON with sorted keys and no spaces: one content, one text."""
    return json.dumps(content, sort_keys=True, ensure_ascii=False, separators=(",", ":"), default=str)


def link(prev_hash: str, seq: int, body: str) -> str:
    """The digest of one entry."""
    return hashlib.sha256(f"{prev_hash}\n{seq}\n{body}".encode()).hexdigest()


def record(session: Session, act: str, thing: str, person: str, outcome: str = "done", **detail: Any) -> None:
    """Append one entry in the caller's transaction. `thing` is what was acted on; `outcome` is done, refused or seen."""
    head = session.get(AuditHead, 1, with_for_update=True)
    if head is None:
        raise LookupError("audit_head: the chain's head row is missing; restore the store from its backup")
    given = {k: v for k, v in detail.items() if v is not None}
    body = canonical({"at": now().isoformat(timespec="milliseconds"), "act": act, "thing": thing, "person": person, "outcome": outcome, **given})
    seq = head.seq + 1
    entry = AuditEntry(seq=seq, prev_hash=head.hash, body=body, hash=link(head.hash, seq, body))
    session.add(entry)
    head.seq, head.hash = seq, entry.hash


def anchor(session: Session) -> Anchor:
    """The chain's end now."""
    head = session.get(AuditHead, 1)
    return Anchor(head.seq, head.hash) if head else Anchor(0, START)


def verify(session: Session, kept: Anchor | None = None) -> Verdict:
    """Walk the whole chain; with an anchor also check that the entry it names is still the same one."""
    before, seq = START, 0
    for entry in session.scalars(select(AuditEntry).order_by(AuditEntry.seq).execution_options(yield_per=5000)):
        seq += 1
        if entry.seq != seq:
            return Verdict(seq - 1, seq, f"entry {seq} is missing")
        if entry.prev_hash != before or entry.hash != link(before, seq, entry.body):
            return Verdict(seq - 1, seq, f"entry {seq} was changed, moved or put in")
        if kept is not None and kept.seq == seq and kept.hash != entry.hash:
            return Verdict(seq, seq, f"entry {seq} differs from the anchor: the chain was rewritten at or before it")
        before = entry.hash
    end = anchor(session)
    if (end.seq, end.hash) != (seq, before):
        return Verdict(seq, seq + 1, f"the chain ends at {seq}, its head row says {end.seq}: entries were cut off")
    if kept is not None and kept.seq > seq:
        return Verdict(seq, seq + 1, f"the chain ends at {seq}, the anchor knows {kept.seq}: entries were cut off")
    return Verdict(seq)
