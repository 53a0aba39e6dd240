"""No amount of a currency stands in code: the same country in a currency worth a tenth is the same country."""

from __future__ import annotations

import csv
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from jobs.economy.delivery import FEEDS
from jobs.economy.setting import Country, usual
from jobs.economy.typologies import chances
from tests.economy.helpers import Counted, count, world, write

TENFOLD = 10
# Every key of china's YAML that is an amount of its currency; `*` is each of a list.
AMOUNTS = (
    "smallest", "money.wage.*", "money.individual_below", "money.least_order", "money.least_capital", "money.shell_capital", "money.kilowatt_hour", "law.*.vat_general_above",
    "law.*.cit_small_below", "law.*.pit.*.over", "law.*.pit_allowance", "evasion.invoice_mill.sells.*", "evasion.missing_trader.sells.*", "honest.passing_trader.sells.*", "enforcement.tolerance",
    "third_parties.penalty.fine.*", "third_parties.credit_rating.grave", "third_parties.bank_month.private_above", "third_parties.bank_month.own_income.*", "third_parties.social_security.base_floor",
    "third_parties.social_security.base_cap", "third_parties.customs.currencies.USD.rate", "third_parties.customs.currencies.EUR.rate", "third_parties.customs.currencies.CNY.rate",
)  # fmt: skip


def scaled(content: Any, path: list[str]) -> Any:
    if not path:
        return content * TENFOLD
    if path[0] == "*":
        return [scaled(one, path[1:]) for one in content]
    return content | {path[0]: scaled(content[path[0]], path[1:])}


def tenfold() -> Country:
    content: Any = usual().model_dump()
    for path in AMOUNTS:
        content = scaled(content, path.split("."))
    return Country.model_validate(content)


@pytest.fixture(scope="module")
def both() -> tuple[Counted, Counted]:
    w = world(1200, 24)
    found = count(w), count(replace(w, country=tenfold()))
    assert chances(found[0].world).tolist() == chances(found[1].world).tolist()
    return found


def test_who_is_who_and_who_trades_with_whom_stay_the_same(both: tuple[Counted, Counted]) -> None:
    one, other = both
    for name in ("industry", "individual", "general", "typology", "segment", "death", "intensity"):
        assert np.array_equal(getattr(one.firms, name), getattr(other.firms, name)), name
    assert np.array_equal(one.books.heads, other.books.heads) and len(one.bought) == len(other.bought)
    assert np.abs(one.books.energy - other.books.energy).max() <= 1
    for a, b in ((one.bought.supplier, other.bought.supplier), (one.bought.month, other.bought.month)):
        assert np.array_equal(a, b)
    assert {n: len(v) for n, v in one.books.bills.items()} == {n: len(v) for n, v in other.books.bills.items()}


def test_every_amount_is_ten_times_as_much(both: tuple[Counted, Counted]) -> None:
    one, other = both
    for name in ("sales", "purchases", "wages", "other", "booked_stock", "owner_loans", "rent"):
        a, b = (getattr(c.books, name).sum() for c in (one, other))
        assert b == pytest.approx(TENFOLD * a, rel=1e-4), name
    for r, s in zip(one.returns, other.returns, strict=True):
        assert s.due.sum() == pytest.approx(TENFOLD * r.due.sum(), rel=2e-3, abs=1e5), r.form
    cash = [c.accounts.balance["cash"].sum() for c in (one, other)]
    assert cash[1] == pytest.approx(TENFOLD * cash[0], rel=1e-3)


def cells(folder: Path, source: str, column: str) -> list[float]:
    """Every amount of a column of a source's files that is a number."""
    found = [row[column] for path in sorted((folder / "inbox" / source).glob("*.csv")) for row in csv.DictReader(path.open(encoding="utf-8"))]
    return [float(c) for c in found if c.replace(".", "", 1).isdigit()]


def rows_sent(folder: Path) -> Counter[str]:
    census = pa.concat_tables(pq.read_table(path) for path in sorted((folder / "truth" / "census").glob("*.parquet")))
    found = Counter[str]()
    for row in census.filter(pc.field("measure") == "rows").to_pylist():
        found[row["group"]] += row["n"]
    return found


def test_every_source_sends_as_many_rows(tmp_path: Path) -> None:
    w = world(400, 18)
    one, other = rows_sent(write(w, tmp_path / "one")), rows_sent(write(replace(w, country=tenfold()), tmp_path / "other"))
    assert len(one) == len(FEEDS)
    for source, n in one.items():
        assert other[source] == pytest.approx(n, rel=0.01), source  # cents are finer in the other currency, which decides now and then
    for source, column in (("penalty", "罚款金额"), ("social_security", "缴费基数"), ("treasury", "amount")):
        a, b = (float(np.median(cells(tmp_path / name, source, column))) for name in ("one", "other"))
        assert b == pytest.approx(TENFOLD * a, rel=0.1), source  # other lines are spoilt on the way
