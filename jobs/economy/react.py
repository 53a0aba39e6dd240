"""The months after a published night: business goes on, taxpayers and offices react to cases and reminders, new files arrive.

What a night brings about is decided once and kept under truth/ (actions, findings, corrections, true effects); each step sends what falls
due. A step reads what the last nights decided and no more, so that its cost does not grow with the nights before.
A step that was interrupted may be run again and writes the same files.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, replace
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from jobs.economy.aftermath import care_after
from jobs.economy.bucket import Job, Written
from jobs.economy.country import enter_all, run
from jobs.economy.delivery import FEEDS, Slice, step_slices, write_slice
from jobs.economy.dossier import FINDING, Dossier, dossiers
from jobs.economy.effects import EFFECT
from jobs.economy.firms import firms
from jobs.economy.kinds import NAMES
from jobs.economy.offices import work
from jobs.economy.outcomes import LONGEST
from jobs.economy.papers_tax import payment_rows
from jobs.economy.reactions import REACTIONS, SHUT, STARTS
from jobs.economy.reminded import Response, respond
from jobs.economy.schedule import changed
from jobs.economy.world import TAXES, World, month_number
from jobs.lake.arrays import day_number

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

_SELECTION = ("taxpayer_id", "case_id", "treatment", "office_id", "points")
_POINT = ("point_id", "taxpayer_id", "risk_code", "tax", "period_from", "period_to")
_REMINDER = ("taxpayer_id", "point_id", "suppressed")
_FINDINGS_PART = 98  # files of what cases brought are apart from those of the buckets


def step(spark: SparkSession, country: Path, selection: pa.Table, points: pa.Table, reminders: pa.Table, as_of: date, until: date) -> None:
    """Let the country live until the morning of `until`: new deliveries in inbox/, actions of offices in feedback/<as_of>.jsonl.

    selection, points, reminders: rows of gold.selection, gold.risk_point and gold.reminder of the published night of `as_of`.
    FileNotFoundError when `country` holds none, ValueError when `until` is not after `as_of` and after what has been lived already, for a
    table that lacks a column and for an office that the country does not have.
    """
    before, truth = World.load(country / "truth"), country / "truth"
    through = until - timedelta(days=1)
    if until <= as_of or through <= before.through:
        raise ValueError(f"until {until}: must be after the night ({as_of}) and after {before.through}, up to where the country has lived already")
    response = _decided(truth, as_of) or _reaction(before, truth, selection, points, reminders, as_of)
    _keep(truth, response, as_of)
    world = replace(lived(before, response), through=through)
    slices = {source: step_slices(before, through, feed.rare) for source, feed in FEEDS.items()}
    written = run(spark, Job(world, str(country.resolve()), slices), world.buckets)
    written += _found(world, _recent(truth / "finding", before.through), slices["treasury"], country / "inbox")
    enter_all(country / "inbox", slices, sorted(written))
    _feedback(country, before.through, through, as_of)
    world.save(truth)


def _reaction(world: World, truth: Path, selection: pa.Table, points: pa.Table, reminders: pa.Table, as_of: date) -> Response:
    for name, table, needs in (("selection", selection, _SELECTION), ("risk_point", points, _POINT), ("reminder", reminders, _REMINDER)):
        if missing := sorted(set(needs) - set(table.column_names)):
            raise ValueError(f"{name} of {as_of}: no column {', '.join(missing)}; give the rows of the published night's table as they are")
    wanted = pa.chunked_array([*selection["taxpayer_id"].chunks, *reminders["taxpayer_id"].chunks], pa.string()).unique()
    suspected = {p["point_id"]: p for p in points.filter(pc.is_in(points["taxpayer_id"], value_set=wanted)).to_pylist()}
    known = dossiers(world, truth, sorted(wanted.to_pylist()), as_of)
    return decide(world, known, suspected, selection.to_pylist(), reminders.to_pylist(), as_of)


def decide(
    world: World, known: Mapping[str, Dossier], points: Mapping[str, dict[str, Any]], selection: list[dict[str, Any]], reminders: list[dict[str, Any]], as_of: date
) -> Response:
    """All that a night brings about: what the reminded do, what offices do, and the true effect on each who was treated."""
    response = respond(world, known, points, reminders, as_of)
    work(world, known, points, selection, as_of, response)
    _level(world, response)
    return response


def lived(world: World, response: Response) -> World:
    """The country after what was decided."""
    return replace(world, acts=_with(world.acts, response.acts), corrections=_with(world.corrections, response.corrections))


def _level(world: World, response: Response) -> None:
    """Turn the factor of each effect into what stood before it and from then on: of evasion, or of an honest firm's carelessness."""
    place = {firm: n for n, firm in enumerate(sorted({e["firm"] for e in response.effects}))}
    if not place:
        return
    f = firms(world, np.array(list(place), dtype=np.int64))
    on_evasion, on_care = changed(world, f), care_after(world, f) * world.factor(f.number)
    for e in response.effects:
        at, month = place[e["firm"]], min(month_number(world, e["from_on"]) - 1, world.horizon - 1)
        starts = e["reaction"] == REACTIONS[STARTS]
        before = 0.0 if starts else float((on_evasion if e["evades"] else on_care)[at, month])
        factor = e.pop("factor")
        e |= {"typology": NAMES[e["typology"]], "before": before, "after": 0.0 if e["reaction"] == REACTIONS[SHUT] else factor if starts else before * factor}


def _with(rows: np.ndarray, more: list[tuple[float, ...]]) -> np.ndarray:
    return np.concatenate([rows, np.array(more, dtype=np.float64).reshape(-1, rows.shape[1])])


def _decided(truth: Path, as_of: date) -> Response | None:
    """What was decided for this night by a step that was interrupted: truth has moved on since, the decision stands."""
    path = truth / "response" / f"{as_of}.json"
    if not path.is_file():
        return None
    said = json.loads(path.read_text(encoding="utf-8"))
    for rows, schema in ((said["findings"], FINDING), (said["effects"], EFFECT)):
        days = [f.name for f in schema if f.type == pa.date32()]
        for row in rows:
            row |= {n: date.fromisoformat(row[n]) for n in days if row.get(n)}
    return Response(**said)


def _keep(truth: Path, response: Response, as_of: date) -> None:
    for name in ("finding", "action", "response", "effect"):
        (truth / name).mkdir(exist_ok=True)
    pq.write_table(pa.Table.from_pylist(response.findings, schema=FINDING), truth / "finding" / f"{as_of}.parquet")
    pq.write_table(pa.Table.from_pylist(response.effects, schema=EFFECT), truth / "effect" / f"{as_of}.parquet")
    lines = (json.dumps(a, ensure_ascii=False, sort_keys=True) + "\n" for a in response.actions)
    (truth / "action" / f"{as_of}.jsonl").write_text("".join(lines), encoding="utf-8")
    decision = truth / "response" / f"{as_of}.json"
    decision.with_suffix(".part").write_text(json.dumps(asdict(response), default=str, ensure_ascii=False), encoding="utf-8")
    decision.with_suffix(".part").rename(decision)


def _recent(folder: Path, after: date) -> list[Path]:
    """Files of the nights of which something may still fall due after a day."""
    since = (after - timedelta(days=LONGEST)).isoformat()
    return [path for path in sorted(folder.iterdir()) if path.stem >= since]


def _found(world: World, nights: list[Path], slices: list[Slice], inbox: Path) -> list[Written]:
    """Treasury receipts of what cases found, and what went back, as far as they fall into these deliveries."""
    found = [f for path in nights for f in pq.read_table(path).to_pylist() if f["paid_on"]]
    flows = (("税款", "paid_on", 1.0, 10), ("滞纳金", "paid_on", 0.1, 11), ("退库", "repaid_on", -1.0, 12))
    rows = pa.concat_tables([_receipts(world, tax, found, *flow) for tax in TAXES for flow in flows])
    written = []
    for piece in slices:
        name = write_slice(world, "treasury", rows, piece, _FINDINGS_PART, inbox)
        if name:
            written.append(("treasury", piece.label, name))
    return written


def _receipts(world: World, tax: str, found: list[dict[str, Any]], kind: str, on: str, share: float, salt: int) -> pa.Table:
    rows = [f for f in found if f["tax"] == tax and f[on]]
    ids, number = np.array([f["taxpayer_id"] for f in rows], dtype=str), np.array([f["firm"] for f in rows], dtype=np.int64)
    starts, ends, when = (np.array([day_number(f[n]) for f in rows], dtype=np.int64) for n in ("period_from", "period_to", on))
    amount = np.rint(np.array([f["amount"] for f in rows], dtype=np.int64) * share).astype(np.int64)
    return payment_rows(world, tax, kind, number, ids, starts, ends, when, amount, salt)


def _feedback(country: Path, after: date, through: date, as_of: date) -> None:
    """Actions of all nights whose day has come."""
    actions: list[dict[str, Any]] = []
    for path in _recent(country / "truth" / "action", after):
        actions += [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    due = [a for a in actions if after.isoformat() < a["event_on"] <= through.isoformat()]
    (country / "feedback").mkdir(exist_ok=True)
    text = "".join(json.dumps(a, ensure_ascii=False, sort_keys=True) + "\n" for a in sorted(due, key=lambda a: a["event_on"]))
    (country / "feedback" / f"{as_of}.jsonl").write_text(text, encoding="utf-8")
