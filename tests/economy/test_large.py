"""A large country writes Parquet, and the contracts take it: the same country, raw and as Parquet, gives the same silver and the same quarantine."""

from __future__ import annotations

import json
from collections import Counter
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from jobs import conf as configuration
from jobs.economy import delivery
from jobs.lake.lake import Lake
from jobs.lake.read import whole
from jobs.lake.step import Night
from jobs.lake.tables import TABLES
from jobs.sources.ingest import ingest
from tests.economy.helpers import world, write
from tests.sources.in_process import InProcess

SHIPPED = configuration.load(Path(__file__).parents[2] / "conf")
AS_OF = date(2025, 7, 6)
WHERE = {"run", "batch_id", "file", "line", "row_digest", "raw", "received_at"}  # where and as what a row came


def ingested(inbox: Path, root: Path) -> Lake:
    lake = Lake.open(root, SHIPPED.house.buckets)
    ingest(lake, InProcess(), Night(AS_OF, lake.take_lease("ingest"), SHIPPED), inbox)
    return lake


def content(lake: Lake, name: str) -> list[str]:
    rows = whole(lake.root, name).to_pylist()
    return sorted(json.dumps({k: v for k, v in r.items() if k not in WHERE}, default=str, sort_keys=True) for r in rows)


@pytest.fixture(scope="module")
def twins(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Path, Lake]]:
    """The same country, its agencies writing their own formats and writing Parquet."""
    found = {}
    for name, most in (("raw", 10**6), ("parquet", 0)):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(delivery, "RAW_UP_TO", most)
            inbox = write(world(100, 18), tmp_path_factory.mktemp(name)) / "inbox"
        found[name] = inbox, ingested(inbox, tmp_path_factory.mktemp(name + " lake"))
    return found


def test_all_files_of_a_large_country_are_parquet_and_fit_their_contracts(twins: dict[str, tuple[Path, Lake]]) -> None:
    inbox, _ = twins["parquet"]
    files = [p for p in inbox.rglob("*") if p.is_file() and p.name != "manifest.jsonl"]
    assert set(delivery.FEEDS) - {p.parent.name for p in files} <= {"penalty", "tip_off"}  # rare in a country of a hundred
    assert {p.suffix for p in files} == {".parquet"}
    assert all(SHIPPED.sources[p.parent.name].files.takes(p.name) for p in files)
    assert {p.suffix for p in twins["raw"][0].rglob("*")} >= {".csv", ".jsonl", ".parquet"}


@pytest.mark.parametrize("name", sorted(n for n, t in TABLES.items() if t.layer in ("version", "event")))
def test_silver_is_equal(name: str, twins: dict[str, tuple[Path, Lake]]) -> None:
    raw, parquet = (content(lake, name) for _, lake in twins.values())
    assert raw == parquet


def test_nothing_more_is_quarantined_and_for_the_same_reasons(twins: dict[str, tuple[Path, Lake]]) -> None:
    def why(lake: Lake) -> Counter[tuple[str, str]]:
        return Counter((r["source"], ", ".join(r["rules"])) for r in whole(lake.root, "quarantine").to_pylist())

    raw, parquet = (why(lake) for _, lake in twins.values())
    assert raw == parquet and len(raw) > 20 and not {s for s, rule in raw if rule.startswith(("column", "parquet", "encoding"))}


def test_the_same_number_of_records_is_received_and_accounted_for(twins: dict[str, tuple[Path, Lake]]) -> None:
    def fates(lake: Lake) -> dict[tuple[str, int], list[int]]:
        return {(r["source"], r["receipt"]): [r[n] for n in ("received", "accepted", "superseded", "duplicate", "quarantined")] for r in whole(lake.root, "batch").to_pylist()}

    raw, parquet = (fates(lake) for _, lake in twins.values())
    assert raw == parquet and sum(r[0] for r in raw.values()) > 5_000


#  contract's pattern   file                  taken
NAMES = [
    ("pay_*.csv",       "pay_2025_01.csv",     True),
    ("pay_*.csv",       "pay_2025_01.parquet", True),
    ("pay_*.csv",       "tax_2025_01.parquet", False),
    ("pay_*.csv",       "pay_2025_01.jsonl",   False),
    ("*",               "anything.parquet",    True),
]  # fmt: skip


@pytest.mark.parametrize(("pattern", "name", "taken"), NAMES)
def test_a_contract_takes_parquet_beside_its_own_format_only_where_it_says_so(pattern: str, name: str, taken: bool) -> None:
    own = configuration.Source.model_validate(SHIPPED.sources["treasury"].model_dump(by_alias=True)).files
    both = own.model_copy(update={"pattern": pattern})
    assert both.takes(name) == taken
    assert both.model_copy(update={"parquet": False}).takes(name) == (taken and (pattern == "*" or not name.endswith(".parquet")))


def test_parquet_says_nothing_beside_parquet() -> None:
    given: dict[str, Any] = SHIPPED.sources["invoice"].model_dump(by_alias=True)
    given["files"]["parquet"] = True
    with pytest.raises(ValueError, match="parquet: says nothing beside format parquet"):
        configuration.Source.model_validate(given)


def test_a_large_country_needs_no_more_than_its_columns(twins: dict[str, tuple[Path, Lake]]) -> None:
    """No cell of a Parquet twin is anything but text where the raw format has text: nothing was typed on the way that the agency did not type."""
    typed = {p.parent.name: set(map(str, pq.read_schema(p).types)) for p in twins["parquet"][0].rglob("*.parquet")}
    assert {s for s, types in typed.items() if types != {"string"}} == {"invoice", "bank_month"}
