"""The months after a published night: business goes on, taxpayers and offices react to cases and reminders, new files arrive.

What a night brings about is decided once and kept under truth/ (actions, findings, corrections); each step sends what falls due.
A step that was interrupted may be run again and writes the same files.
"""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from jobs.economy.bucket import Job, Written
from jobs.economy.country import enter_all, run
from jobs.economy.delivery import FEEDS, Slice, step_slices, write_slice
from jobs.economy.dossier import FINDING, dossiers
from jobs.economy.offices import work
from jobs.economy.papers_tax import payment_rows
from jobs.economy.reminded import Response, respond
from jobs.economy.world import TAXES, World
from jobs.lake.arrays import day_number

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

_FINDINGS_PART = 98  # files of what cases brought are apart from those of the buckets


def step(spark: SparkSession, country: Path, selection: pa.Table, points: pa.Table, reminders: pa.Table, as_of: date, until: date) -> None:
    """Let the country live until the morning of `until`: new deliveries in inbox/, actions of offices in feedback/<as_of>.jsonl.

    selection, points, reminders: rows of gold.selection, gold.risk_point and gold.reminder of the published night of `as_of`.
    FileNotFoundError when `country` holds none, ValueError when `until` is not after `as_of` and after what has been lived already.
    """
    before, truth = World.load(country / "truth"), country / "truth"
    through = until - timedelta(days=1)
    if until <= as_of or through <= before.through:
        raise ValueError(f"until {until}: must be after the night ({as_of}) and after {before.through}, up to where the country has lived already")
    response = _decided(truth, as_of) or _reaction(before, truth, selection, points, reminders, as_of)
    _keep(truth, response, as_of)
    world = replace(before, through=through, acts=_with(before.acts, response.acts), corrections=_with(before.corrections, response.corrections))
    slices = {source: step_slices(before.through, through, feed.rare) for source, feed in FEEDS.items()}
    written = run(spark, Job(world, str(country.resolve()), slices), world.buckets)
    written += _found(world, truth, slices["treasury"], country / "inbox")
    enter_all(country / "inbox", slices, sorted(written))
    _feedback(country, before.through, through, as_of)
    world.save(truth)


def _reaction(world: World, truth: Path, selection: pa.Table, points: pa.Table, reminders: pa.Table, as_of: date) -> Response:
    chosen, told = selection.to_pylist(), reminders.to_pylist()
    ids = sorted({r["taxpayer_id"] for r in chosen} | {r["taxpayer_id"] for r in told})
    wanted = pa.array(ids, pa.string())
    suspected = {p["point_id"]: p for p in points.filter(pc.is_in(points["taxpayer_id"], value_set=wanted)).to_pylist()}
    known = dossiers(truth, ids, as_of)
    response = respond(world, known, suspected, told, as_of)
    work(world, known, suspected, chosen, as_of, response)
    return response


def _with(rows: np.ndarray, more: list[tuple[float, ...]]) -> np.ndarray:
    return np.concatenate([rows, np.array(more, dtype=np.float64).reshape(-1, rows.shape[1])])


def _decided(truth: Path, as_of: date) -> Response | None:
    """What was decided for this night by a step that was interrupted: truth has moved on since, the decision stands."""
    path = truth / "response" / f"{as_of}.json"
    if not path.is_file():
        return None
    said = json.loads(path.read_text(encoding="utf-8"))
    for finding in said["findings"]:
        finding |= {n: date.fromisoformat(finding[n]) if finding[n] else None for n in ("period_from", "period_to", "found_on", "paid_on")}
    return Response(**said)


def _keep(truth: Path, response: Response, as_of: date) -> None:
    for name in ("finding", "action", "response"):
        (truth / name).mkdir(exist_ok=True)
    pq.write_table(pa.Table.from_pylist(response.findings, schema=FINDING), truth / "finding" / f"{as_of}.parquet")
    lines = (json.dumps(a, ensure_ascii=False, sort_keys=True) + "\n" for a in response.actions)
    (truth / "action" / f"{as_of}.jsonl").write_text("".join(lines), encoding="utf-8")
    decision = truth / "response" / f"{as_of}.json"
    decision.with_suffix(".part").write_text(json.dumps(asdict(response), default=str, ensure_ascii=False), encoding="utf-8")
    decision.with_suffix(".part").rename(decision)


def _found(world: World, truth: Path, slices: list[Slice], inbox: Path) -> list[Written]:
    """Treasury receipts of what cases found, whichever night they are from, as far as they fall into these deliveries."""
    found = [f for path in sorted((truth / "finding").glob("*.parquet")) for f in pq.read_table(path).to_pylist() if f["paid_on"]]
    parts = []
    for tax in TAXES:
        rows = [f for f in found if f["tax"] == tax]
        ids, number = np.array([f["taxpayer_id"] for f in rows], dtype=str), np.array([f["firm"] for f in rows], dtype=np.int64)
        starts, ends, when = (np.array([day_number(f[n]) for f in rows], dtype=np.int64) for n in ("period_from", "period_to", "paid_on"))
        amount = np.array([f["amount"] for f in rows], dtype=np.int64)
        for kind, share, salt in (("税款", 1.0, 10), ("滞纳金", 0.1, 11)):
            parts.append(payment_rows(world, tax, kind, number, ids, starts, ends, when, np.rint(amount * share).astype(np.int64), salt))
    rows_all, written = pa.concat_tables(parts), []
    for piece in slices:
        name = write_slice(world, "treasury", rows_all, piece, _FINDINGS_PART, inbox)
        if name:
            written.append(("treasury", piece.label, name))
    return written


def _feedback(country: Path, after: date, through: date, as_of: date) -> None:
    """Actions of all nights whose day has come."""
    actions: list[dict[str, Any]] = []
    for path in sorted((country / "truth" / "action").glob("*.jsonl")):
        actions += [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    due = [a for a in actions if after.isoformat() < a["event_on"] <= through.isoformat()]
    (country / "feedback").mkdir(exist_ok=True)
    text = "".join(json.dumps(a, ensure_ascii=False, sort_keys=True) + "\n" for a in sorted(due, key=lambda a: a["event_on"]))
    (country / "feedback" / f"{as_of}.jsonl").write_text(text, encoding="utf-8")
