"""A lake with some months of history, written as nights would have left it: a batch a month, merged files, a month state."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa

from jobs.analyse.months import taxpayer_month
from jobs.conf import Conf, House, Text
from jobs.lake.lake import Lake
from jobs.lake.state import write_states
from jobs.lake.step import Kind, Night, Step
from jobs.lake.tables import table
from jobs.lake.upkeep import upkeep
from jobs.lake.write import append_once, table_version, write_files
from jobs.runner import Runner
from tests.lake.fire import SILVER
from tests.sources.given import source
from tests.sources.in_process import InProcess

BUCKETS, NOW = 8, date(2026, 1, 1)
MONTH = Step("taxpayer_month", "analyse", Kind.KERNEL, taxpayer_month, "taxpayer_month", changes=SILVER)
READER = Step("reader", "analyse", Kind.KERNEL, taxpayer_month, "obligation", reads=("taxpayer_month",))
INVOICES = source(
    name="inv", table="invoice", event_at="issued_on", known={"from": "issued_on", "delay_days": 1},
    columns={
        "seller_id": {"from": "seller", "type": "id", "required": True}, "invoice_no": {"from": "no", "required": True},
        "issued_on": {"from": "day", "type": "date", "required": True}, "buyer_id": {"from": "buyer"}, "net": {"from": "net", "type": "money"},
        "tax_amount": {"from": "tax", "type": "money"}, "currency": {"constant": "CNY"},
    },
)  # fmt: skip
CONF = Conf.model_construct(
    house=House(name=Text(en="b", zh="b"), currency="CNY", zone="Asia/Shanghai", buckets=BUCKETS, seed=1), sources={"inv": INVOICES}
)


@dataclass(frozen=True)
class Size:
    """Taxpayers, and invoices of each in a month."""

    taxpayers: int = 20_000
    invoices: int = 5


def month_before(months: int) -> np.datetime64:
    return np.datetime64(NOW, "M") - months


def invoices(size: Size, month: np.datetime64, first: int, count: int | None = None) -> dict[str, np.ndarray]:
    """Columns of a month's invoices: everybody's, or `count` drawn ones."""
    draw = np.random.default_rng(first)
    every = size.taxpayers * size.invoices
    seller = np.arange(every) // size.invoices if count is None else draw.integers(0, size.taxpayers, count)
    n = len(seller)
    days = month.astype("datetime64[D]") + draw.integers(0, 28, n)
    net = draw.integers(100, 100_000, n)
    return {"seller": seller, "no": first + np.arange(n), "day": days, "buyer": draw.integers(0, size.taxpayers, n), "net": net}


def identity(numbers: np.ndarray) -> pa.Array:
    return pa.array([f"T{n:07}" for n in numbers.tolist()], pa.string())


def lake_of(root: Path, months: int, size: Size) -> Lake:
    """History of the last `months` months, one night a month, then upkeep."""
    lake = Lake.open(root, BUCKETS)
    for back in range(months, 0, -1):
        run = lake.take_lease("history")
        month = month_before(back)
        rows = silver(invoices(size, month, back * 10_000_000), f"b{back}", run)
        append_once(lake.root, "invoice", write_files(lake.root, table("invoice"), rows, buckets=BUCKETS), f"b{back}", run)
        act = {"batch_id": f"b{back}", "act": "received", "run": run, "source": "inv", "receipt": 1000 + months - back, "received_at": datetime(2025, 1, 1, tzinfo=UTC)}
        lake.append("batch", [act], f"received-b{back}", run)
        apply(lake, (month + 1).astype("datetime64[D]").astype(date))
    run = lake.take_lease("upkeep")
    write_states(lake, run, NOW)
    upkeep(lake, run, many=0, commits=1)
    return lake


def silver(found: dict[str, np.ndarray], batch: str, run: int) -> pa.Table:
    n = len(found["no"])
    seller, number, days = identity(found["seller"]), pa.array([str(k) for k in found["no"].tolist()], pa.string()), pa.array(found["day"])
    net = pa.array(found["net"]).cast(pa.decimal128(21, 2)).cast(pa.decimal128(18, 2))

    def same(value: object, kind: pa.DataType) -> pa.Array:
        return pa.repeat(pa.scalar(value, kind), n)

    columns = {
        "seller_id": seller, "invoice_no": number, "issued_on": days, "buyer_id": identity(found["buyer"]), "net": net, "tax_amount": net,
        "currency": same("CNY", pa.string()), "source": same("inv", pa.string()), "batch_id": same(batch, pa.string()), "file": same("f", pa.string()),
        "line": pa.array(np.arange(n)), "event_at": days, "known_at": pa.array(found["day"] + 1), "run": same(run, pa.int64()),
        "version": same(0, pa.int64()), "row_digest": number,
    }  # fmt: skip
    return pa.table(columns)


def apply(lake: Lake, as_of: date) -> None:
    """The month tables' step of a night."""
    runner, night = runner_on(lake, MONTH), Night(as_of, lake.take_lease("night"), CONF)
    runner._store(MONTH, night, runner._call(MONTH, night, runner._inputs(MONTH, night)))


def runner_on(lake: Lake, step: Step, inbox: Path | None = None) -> Runner:
    found = Runner(lake, InProcess(), CONF, (step,), inbox)  # type: ignore[arg-type]
    found.versions = {n: table_version(lake.root, n) for n in (*SILVER, "taxpayer_month", "taxpayer_month_state")}
    return found
