"""Lineage of two whole nights: every indicator that found something is traced to lines, the listed points too, and the events name nobody."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pyarrow.compute as pc
import pytest

from jobs.cli.place import Place
from jobs.cli.trace import traced
from jobs.lake.read import whole
from jobs.lineage.figures import FIGURES, finding
from jobs.lineage.known import nights_until
from jobs.lineage.receipts import deliveries, records
from jobs.lineage.trace import Withheld
from tests.lineage.openlineage_schema import faults

pytestmark = [pytest.mark.spark, pytest.mark.slow]

FIRST, SECOND = date(2026, 1, 20), date(2026, 4, 20)
EACH = 2


@pytest.mark.parametrize("as_of", [FIRST, SECOND])
def test_every_indicator_comes_out_again_from_the_lines_of_files(night_lake: Place, as_of: date) -> None:
    known = nights_until(night_lake.lake, as_of)[-1]
    rows = known.whole("indicator_hit")
    computed = rows.filter(pc.is_valid(rows["difference"])).sort_by([("indicator", "ascending"), ("base", "descending"), ("taxpayer_id", "ascending"), ("period_to", "descending")])
    seen: dict[str, int] = {}
    for hit in computed.to_pylist():
        if seen.get(hit["indicator"], 0) >= EACH:
            continue
        seen[hit["indicator"]] = seen.get(hit["indicator"], 0) + 1
        found = finding(known, hit, FIGURES)
        assert [(c.measure, c.value, c.found) for c in found.cells if c.off] == [], (hit["indicator"], hit["taxpayer_id"])
        assert [f for f in found.figures if f.off] == [], hit["indicator"]
        lines = {line.receipt for c in found.cells for line in c.lines}
        assert set(records(known.lake, lines, known.conf.sources)) == lines, hit["indicator"]
        assert {d.state for d in deliveries(known.lake, night_lake.inbox, lines)} <= {"same"}
    published = {i for i, p in known.conf.indicators_on(as_of).items() if p.state == "published"}
    assert len(published & set(seen)) >= 20  # of the others tests/lineage/test_probe.py says that each has its tracers


def test_the_points_of_the_list_come_out_again(night_lake: Place) -> None:
    night = night_lake.published(SECOND)
    listed = [(r["taxpayer_id"], p) for r in night_lake.read(night, "selection").to_pylist() for p in r["points"]]
    traced_n = 0
    for taxpayer, point in sorted(listed)[:8]:
        try:
            found = traced(night_lake, taxpayer, SECOND, point, None, None, None)
        except Withheld:
            continue
        assert found.point is not None and (found.point["point_id"], found.faults) == (point, [])
        traced_n += 1
    assert traced_n > 0


def test_a_random_case_is_withheld(night_lake: Place) -> None:
    rows = night_lake.read(night_lake.published(SECOND), "selection").to_pylist()
    random = [r["taxpayer_id"] for r in rows if r["case_source"] == "random"]
    points = {r["taxpayer_id"] for r in night_lake.read(night_lake.published(SECOND), "risk_point").to_pylist() if r["state"] in ("opened", "changed")}
    for taxpayer in sorted(set(random) & points):
        with pytest.raises(Withheld, match="comprehensive"):
            traced(night_lake, taxpayer, SECOND, None, None, "returns_missing", None)


def test_the_events_of_the_nights_are_whole_and_name_no_taxpayer(night_lake: Place) -> None:
    paths = sorted((Path(night_lake.lake.root) / "lineage").glob("night-*.jsonl"))
    assert [p.stem[:16] for p in paths] == ["night-2026-01-20", "night-2026-04-20"]
    everyone = set(whole(night_lake.lake.root, "taxpayer")["taxpayer_id"].to_pylist())
    for path in paths:
        text = path.read_text(encoding="utf-8")
        assert not [i for i in everyone if i in text]
        events = [json.loads(line) for line in text.splitlines()]
        assert [f for e in events for f in faults(e)] == []
        ends = {k: [e["job"]["name"] for e in events if e["eventType"] == k] for k in ("START", "COMPLETE")}
        assert sorted(ends["START"]) == sorted(ends["COMPLETE"]) and "sources.ingest" in ends["START"] and ends["COMPLETE"][-1] == "night"
        hits = next(e for e in events if e["job"]["name"] == "analyse.indicator_hit" and e["eventType"] == "COMPLETE")
        assert {i["name"] for i in hits["inputs"]} >= {"gold/taxpayer_month", "gold/filing"} and hits["outputs"][0]["outputFacets"]["outputStatistics"]["rowCount"] > 0
