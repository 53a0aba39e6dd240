"""What happens to a country once: a source's codes are replaced on a day, and its contract reads what came before and what comes after."""

from __future__ import annotations

import csv
import io
from collections import Counter, defaultdict
from dataclasses import replace
from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from jobs import conf as configuration
from jobs.economy.shocks import Recoding, Shocks
from jobs.lake.arrays import day_number
from jobs.sources.check import Receipt, check
from jobs.sources.read import read
from tests.economy.helpers import world, write

SHIPPED = configuration.load(Path(__file__).parents[2] / "conf")
CHANGE = date(2025, 7, 1)


def test_a_row_is_written_in_the_codes_of_the_day_it_is_sent() -> None:
    """Two old codes become one, one has no successor; a null, a source and a column that nothing is said of stay as they are."""
    change = Recoding(source="s", column="kind", first=date(2025, 7, 1), renamed={"a": "x", "b": "x", "c": "z"}, orphans=("d",))
    #        day                 kind   as sent
    given = [
        (date(2025, 6, 30), "a", "a"),
        (date(2025, 7, 1), "a", "x"),
        (date(2025, 7, 2), "b", "x"),
        (date(2025, 7, 2), "c", "z"),
        (date(2025, 7, 2), "d", "d"),
        (date(2025, 7, 2), None, None),
        (date(2024, 1, 1), "c", "c"),
    ]  # fmt: skip
    rows, sent = pa.table({"kind": [k for _, k, _ in given], "other": ["a"] * len(given)}), pa.array([day_number(d) for d, _, _ in given])
    shocks = Shocks(codes=(change,))
    assert shocks.recoded("s", rows, sent)["kind"].to_pylist() == [after for _, _, after in given]
    assert shocks.recoded("s", rows, sent)["other"].to_pylist() == ["a"] * len(given)
    assert shocks.recoded("t", rows, sent).equals(rows) and Shocks().recoded("s", rows, sent).equals(rows)
    assert shocks.recoded("s", rows.select(["other"]), sent).equals(rows.select(["other"]))


@pytest.fixture(scope="module")
def inbox(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(world(900, 36, start=date(2023, 7, 1)), tmp_path_factory.mktemp("recoded")) / "inbox"


#  source     column     day         before                                                                     after                                                              read as
CHANGES = [
    ("licence",  "许可种类", "数据日期", {"餐饮服务许可", "食品流通许可", "道路运输经营许可", "建筑业企业资质", "房地产开发资质", "排污许可"},
     {"食品经营许可", "道路货物运输经营许可", "建筑业企业资质", "房地产开发资质", "排污许可"}, ("kind", {"food", "road_transport", "construction", "real_estate", "discharge"})),
    ("treasury", "tax",    "paid_on", {"增值税", "企业所得税", "个人所得税", "社会保险费", "印花税", "房产税", "土地增值税"},
     {"10101", "10104", "10106", "102", "10111", "10110", "10113"}, ("tax", {"VAT", "CIT", "PIT", "SOCIAL", "STAMP", "PROPERTY", "LVAT"})),
]  # fmt: skip


@pytest.mark.parametrize(("source", "column", "day", "before", "after", "read_as"), CHANGES)
def test_files_carry_old_codes_before_the_day_and_new_ones_from_it_on(source: str, column: str, day: str, before: set[str], after: set[str], read_as: tuple[str, set[str]], inbox: Path) -> None:
    codes: dict[bool, Counter[str]] = defaultdict(Counter)
    for path in (inbox / source).glob("*.csv"):
        for row in csv.DictReader(io.StringIO(path.read_text(encoding="utf-8"))):
            if row[day][:2] == "20" and "年" not in row[day]:  # a date that was spoilt on the way says nothing
                codes[row[day] >= str(CHANGE)][row[column]] += 1
    assert set(codes[False]) == before and set(codes[True]) == after


@pytest.mark.parametrize(("source", "column", "day", "before", "after", "read_as"), CHANGES)
def test_the_contract_reads_both(source: str, column: str, day: str, before: set[str], after: set[str], read_as: tuple[str, set[str]], inbox: Path) -> None:
    contract, (target, meant) = SHIPPED.sources[source], read_as
    found = []
    for path in sorted((inbox / source).glob("*.csv")):
        with path.open("rb") as stream:
            found += [check(part, contract, SHIPPED.house, Receipt(date(2026, 7, 5))) for part in read(stream, contract)]
    rules = {rule for f in found for r in f.records["rules"].to_pylist() for rule in r or ()}
    assert not {r for r in rules if r.endswith(f":{target}")}
    assert {kind for f in found for kind in f.rows[target].to_pylist()} == meant


def test_what_a_silent_source_left_out_comes_in_the_codes_of_the_day_it_comes(tmp_path: Path) -> None:
    """The treasury is silent in February 2026 and its codes change on 1 March: what February left out is sent in March, in March's codes."""
    w = world(300, 27)
    moved = tuple(c.model_copy(update={"first": date(2026, 3, 1)}) for c in w.country.shocks.codes)
    w = replace(w, country=w.country.model_copy(update={"shocks": w.country.shocks.model_copy(update={"codes": moved})}))
    found: dict[str, set[str]] = defaultdict(set)
    for path in (write(w, tmp_path) / "inbox" / "treasury").glob("*.csv"):
        for row in csv.DictReader(io.StringIO(path.read_text(encoding="utf-8"))):
            found[row["paid_on"][:7]].add("number" if row["tax"].isdigit() else "name")
    assert (found["2026-01"], found["2026-02"], found["2026-03"]) == ({"name"}, {"number"}, {"number"})


def test_the_codes_of_a_day_change_nothing_that_is_true(tmp_path: Path) -> None:
    w = world(300, 24)
    without = replace(w, country=w.country.model_copy(update={"shocks": w.country.shocks.model_copy(update={"codes": ()})}))
    one, other = (pq.read_table(write(x, tmp_path / str(n)) / "truth" / "tax") for n, x in enumerate((w, without)))
    assert one.equals(other)
