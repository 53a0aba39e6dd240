"""Retiring a delivery, and receiving deliveries again from their landed files: all of it becomes true in one commit.

Whoever held duplicates of a retired batch's rows, or rows in conflict with them, is received again, or those records would be lost.
Killed before that commit, nothing has changed; killed after it, everything has.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from jobs.conf import Conf
from jobs.lake.faults import fault_point
from jobs.lake.lake import Lake, now
from jobs.lake.read import in_force, whole
from jobs.lake.step import Night
from jobs.lake.write import LakeError
from jobs.sources import CODE_REVISION
from jobs.sources.acts import RETIRED, Order, Row, last_acts
from jobs.sources.bucket import Batch
from jobs.sources.ingest import RELEASE, commit_rows, judged, received
from jobs.sources.landing import contract_digest, received_day
from jobs.sources.profile import Profile
from jobs.sources.receive import CONFLICT
from jobs.sources.release import altered, delivery_of, received_act
from jobs.sources.revision import same_or_raised

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


@dataclass(frozen=True)
class Replaced:
    """The acts by which batches went out of force, and the rows of those received again."""

    retired: list[Row]
    received: list[Row]


def replace_batch(lake: Lake, spark: SparkSession, conf: Conf, inbox: Path, batch_id: str, order: Order, run: int, back: bool) -> Replaced:
    """Retire a batch and what was released out of it; `back`: receive it again under today's contract. Batches that leaned on it are received again.

    A batch that was retired may come back too, unless its receipt is in force under another id.
    LakeError when the batch is not in force, or a landed file that is needed is gone or altered; nothing changes then.
    """
    acts = whole(lake.root, "batch").to_pylist()
    force = in_force(whole(lake.root, "batch"), run)
    if batch_id not in (replaceable(acts, force) if back else force):
        raise LakeError(f"batch {batch_id} is not in force; `assay batch list` names those that are")
    root = received_act(acts, batch_id)
    leaning = _leaning(lake, acts, force, root, conf)
    again = sorted([*([root] if back else []), *leaning], key=lambda a: a["receipt"])
    out = {a["batch_id"] for a in (root, *leaning)} & force
    out |= {b for b in force if _root(acts, received_act(acts, b))["batch_id"] in out}
    batches = _batches(conf, inbox, acts, force - out, again)
    rows = []
    if batches:
        night = Night(max(b.delivery.day for b in batches), run, conf)
        parts = received(lake, spark, night, batches, force - out)
        made = {b.ordinal: [p for p in parts if p.ordinal == b.ordinal] for b in batches}
        judged(lake, night, batches, {n: sum((p.profile for p in found), Profile()) for n, found in made.items()})
        rows = [commit_rows(lake, night, b, made[b.ordinal]) for b in batches]
    fault_point("again:rows")
    stamp = {"run": run, "by": order.by, "note": order.reason, "at": now()}
    retired = [{**received_act(acts, b), **stamp, "act": RETIRED} for b in sorted(out)]
    rows = [row | stamp for row in rows]
    lake.append("batch", [*retired, *rows], f"again:{_digest([batch_id, str(back), *sorted(force)])}", run)
    fault_point("again:acts")
    return Replaced(retired, rows)


def replaceable(acts: list[Row], force: frozenset[str]) -> frozenset[str]:
    """Batches that can be received again: those in force, and deliveries retired whose receipt is not there under another id."""
    there = {(a["source"], a["receipt"]) for a in acts if a["batch_id"] in force}
    return force | {a["batch_id"] for a in last_acts(acts).values() if a["act"] == RETIRED and a["kind"] != RELEASE and (a["source"], a["receipt"]) not in there}


def _root(acts: list[Row], act: Row) -> Row:
    """The delivery out of which a release came; a delivery itself."""
    while act["kind"] == RELEASE:
        act = received_act(acts, act["out_of"])
    return act


def _leaning(lake: Lake, acts: list[Row], force: frozenset[str], root: Row, conf: Conf) -> list[Row]:
    """Deliveries of the same source that came after a batch and whose fates may rest on its rows: duplicates, conflicts, later snapshots."""
    clashing = {r["batch_id"] for r in whole(lake.root, "quarantine").to_pylist() if CONFLICT in (r["rules"] or [])}
    source = conf.sources.get(root["source"])
    snapshot = source is not None and source.delivery == "snapshot"
    found = {}
    for batch in sorted(force):
        act = received_act(acts, batch)
        later = act["source"] == root["source"] and (act["run"], act["receipt"]) > (root["run"], root["receipt"])
        if later and (snapshot or act["duplicate"] or batch in clashing):
            of = _root(acts, act)
            found[of["batch_id"]] = of
    found.pop(root["batch_id"], None)
    return [a for b, a in found.items() if b in force]


def _batches(conf: Conf, inbox: Path, acts: list[Row], stay: frozenset[str], again: list[Row]) -> list[Batch]:
    """The deliveries to be received again, each under a new id that names the state it is received into."""
    found: list[Batch] = []
    for act in again:
        source = conf.sources.get(act["source"])
        if source is None:
            raise LakeError(f"conf/sources/ has no contract '{act['source']}' any more, and batch {act['batch_id']} must be received again")
        same_or_raised(source, conf.house, [a for a in acts if a["act"] == "received"])
        delivery = delivery_of(acts, act, conf, inbox, act["files"])
        if problem := altered(delivery, act):
            raise LakeError(f"batch {act['batch_id']} must be received again, but {problem}")
        beside = [received_act(acts, b) for b in sorted(stay) if received_act(acts, b)["source"] == source.name]
        days = [received_day(a["received_at"], conf.house) for a in beside if a["kind"] != RELEASE] + [b.delivery.day for b in found]
        said = ["again", act["batch_id"], contract_digest(source, conf.house), str(CODE_REVISION), *(a["batch_id"] for a in beside), *(b.batch_id for b in found)]
        earlier = max((d for d in days if d < delivery.day), default=None)
        found.append(Batch(len(found), delivery, source, _digest(said), earlier, out_of=act["batch_id"]))
    return found


def _digest(said: list[str]) -> str:
    return hashlib.sha256("\n".join(said).encode()).hexdigest()[:24]
