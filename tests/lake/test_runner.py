"""The runner on a toy pipeline of every kind: pinned, committed once, published, replaced, fenced."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from jobs import conf as configuration
from jobs.lake.lake import Lake
from jobs.lake.read import data_files, read_files, whole
from jobs.lake.step import Kind, Night, Step, Tables
from jobs.lake.tables import table
from jobs.lake.write import Fenced, LakeError
from jobs.runner import Refused, Runner
from tests.lake.helpers import receive

pytestmark = pytest.mark.spark

D1, D2 = date(2026, 1, 10), date(2026, 1, 11)


def house(buckets: int = 4) -> configuration.Conf:
    return configuration.Conf.model_construct(
        house=configuration.House(name={"en": "t", "zh": "t"}, currency="CNY", zone="Asia/Shanghai", buckets=buckets, seed=7), sources={}
    )


def ingest(lake: Lake, spark: Any, night: Night, inbox: Path | None) -> tuple[int, None]:
    return 0, None


def edges(tables: Tables, night: Night) -> Any:
    """Signed invoices seen from the buyer: the one join that crosses buckets."""
    from pyspark.sql import functions as F

    signed = tables.changes["invoice"].where(F.col("buyer_id").isNotNull())
    cents = (F.col("net") * 100 * F.col("sign")).cast("long")
    month = F.trunc("issued_on", "month").alias("month")
    return signed.groupBy(F.col("buyer_id").alias("taxpayer_id"), F.lit("buys").alias("side"), F.col("seller_id").alias("partner_id"), month, "known_at").agg(
        F.sum("sign").alias("n"), F.sum(cents).alias("net"), F.lit(0).cast("long").alias("tax")
    )


def obligations(tables: Tables, night: Night) -> pa.Table:
    """A kernel: one obligation per taxpayer in force."""
    ids = tables["taxpayer"]["taxpayer_id"]
    n = len(ids)
    day = pa.array([night.as_of] * n, pa.date32())
    return pa.table({"taxpayer_id": ids, "tax": ["VAT"] * n, "period_from": day, "period_to": day, "due_at": day, "grace_until": day})


def count(tables: Tables, night: Night) -> pa.Table:
    """A driver step: how many obligations, how many last night, over all nights."""
    sizes = (tables["obligation"].num_rows, tables.previous["obligation"].num_rows, tables.history["obligation"].num_rows)
    return pa.table({"office_id": ["all"] * 3, "measure": ["now", "previous", "history"], "level": ["all"] * 3, "n": pa.array(sizes, pa.int64())})


STEPS = (
    Step("ingest", "sources", Kind.INGEST, ingest),
    Step("edges", "analyse", Kind.FRAME, edges, "trade_edge_month", changes=("invoice",)),
    Step("obligation", "analyse", Kind.KERNEL, obligations, "obligation", reads=("taxpayer",)),
    Step("monitoring", "respond", Kind.DRIVER, count, "monitoring", reads=("obligation",), previous=("obligation",), history=("obligation",)),
)


def taxpayers(*ids: str, known: date = D1) -> list[dict[str, Any]]:
    return [{"taxpayer_id": i, "name": i, "known_at": known, "row_digest": i} for i in ids]


def invoice(no: str, seller: str, buyer: str | None, net: int) -> dict[str, Any]:
    return {"seller_id": seller, "invoice_no": no, "issued_on": date(2025, 12, 5), "buyer_id": buyer, "net": net, "known_at": D1, "row_digest": no}


@pytest.fixture
def runner(spark: Any, tmp_path: Path) -> Runner:
    return Runner(Lake.open(tmp_path / "lake", 4), spark, house(), STEPS)


def night(runner: Runner, as_of: date, revise: bool = False) -> Night:
    found = runner.begin(as_of, revise)
    runner.run(found)
    runner.publish(found)
    return found


def sums(lake: Lake) -> dict[tuple[str, str], tuple[int, int]]:
    rows = whole(lake.root, "trade_edge_month").group_by(["taxpayer_id", "partner_id"]).aggregate([("n", "sum"), ("net", "sum")])
    return {(r["taxpayer_id"], r["partner_id"]): (r["n_sum"], r["net_sum"]) for r in rows.to_pylist()}


def monitored(lake: Lake, as_of: date) -> dict[str, int]:
    files = [f for f in data_files(lake.root, "monitoring") if f.as_of == as_of]
    return {r["measure"]: r["n"] for r in read_files(lake.root, table("monitoring"), files).to_pylist()}


def test_two_nights_from_received_to_published(runner: Runner) -> None:
    lake = runner.lake
    run = lake.take_lease("ingest")
    receive(lake, "taxpayer", taxpayers("A", "B", "C") + taxpayers("late", known=D2), "b1", run)
    receive(lake, "invoice", [invoice("1", "A", "B", 100), invoice("2", "A", "B", 50), invoice("3", "A", None, 9)], "b2", run)
    night(runner, D1)
    assert monitored(lake, D1) == {"now": 3, "previous": 0, "history": 0}  # `late` is not known before D2
    assert sums(lake) == {("B", "A"): (2, 15000)}

    night(runner, D2)  # nothing new: the same sums, the taxpayer known since D2
    assert monitored(lake, D2) == {"now": 4, "previous": 3, "history": 3}
    assert sums(lake) == {("B", "A"): (2, 15000)}

    run = lake.take_lease("ingest")
    lake.retire("b2", run, "wrong file")
    receive(lake, "invoice", [invoice("1", "A", "C", 70)], "b3", run)
    night(runner, D2 + timedelta(days=1))
    assert sums(lake) == {("B", "A"): (0, 0), ("C", "A"): (1, 7000)}


def test_a_date_before_all_data_is_refused_with_the_remedy(runner: Runner) -> None:
    with pytest.raises(Refused, match="a later --as-of"):
        night(runner, date(1999, 1, 1))
    assert runner.lake.nights() == []


def test_a_published_date_is_refused_and_revised_only_on_request(runner: Runner) -> None:
    receive(runner.lake, "taxpayer", taxpayers("A"), "b1", runner.lake.take_lease("ingest"))
    night(runner, D1)
    with pytest.raises(Refused, match="--revise"):
        runner.begin(D1)
    night(runner, D1, revise=True)
    assert [(n.as_of, n.revision) for n in runner.lake.nights()] == [(D1, 2)]
    assert monitored(runner.lake, D1)["now"] == 1


def test_a_night_overtaken_by_another_can_neither_commit_nor_publish(runner: Runner) -> None:
    receive(runner.lake, "taxpayer", taxpayers("A"), "b1", runner.lake.take_lease("ingest"))
    slow = runner.begin(D1)
    runner.lake.take_lease("night of another process")
    with pytest.raises(Fenced, match="overtaken"):
        runner.run(slow)
    assert runner.lake.nights() == []


def test_an_unfinished_night_is_not_published_and_is_resumed_with_its_pins(runner: Runner, spark: Any) -> None:
    lake = runner.lake
    receive(lake, "taxpayer", taxpayers("A"), "b1", lake.take_lease("ingest"))
    started = runner.begin(D1)
    runner.run(started, ["sources"])
    with pytest.raises(Refused, match="monitoring"):
        runner.publish(started)
    other = Runner(lake, spark, runner.conf, STEPS)
    resumed = other.resume(D1)
    assert (resumed.run, resumed.run_id) == (started.run, started.run_id)
    other.run(resumed)
    assert other.publish(resumed).as_of == D1
    assert set(pc.unique(whole(lake.root, "run")["step"]).to_pylist()) == {"begin", "ingest", "edges", "obligation", "monitoring"}


def test_a_lake_keeps_its_bucket_count(tmp_path: Path) -> None:
    Lake.open(tmp_path / "lake", 4)
    with pytest.raises(LakeError, match="4 buckets"):
        Lake.open(tmp_path / "lake", 8)
