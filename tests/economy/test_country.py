"""A country's files: reproducible whatever the partitions, valid ids, dirt in measure, evaders in measure, and no truth in the inbox."""

from __future__ import annotations

import hashlib
import json
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest
from stdnum.cn import uscc

from jobs.economy.country import generate

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

pytestmark = pytest.mark.spark


@pytest.fixture(scope="module")
def countries(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The same country written with one partition and with three."""
    out = tmp_path_factory.mktemp("countries")
    for partitions in (1, 3):
        generate(spark, out / str(partitions), 200, 12, 5, date(2025, 1, 1), partitions)
    return out / "1", out / "3"


def digests(country: Path) -> dict[str, str]:
    files = [p for p in country.rglob("*") if p.is_file() and not p.name.endswith(".crc") and "truth" not in p.parts]
    return {str(p.relative_to(country)): hashlib.sha256(p.read_bytes()).hexdigest() for p in files}


def test_the_files_do_not_depend_on_the_partitions(countries: tuple[Path, Path]) -> None:
    one, three = digests(countries[0]), digests(countries[1])
    assert len(one) > 20
    assert one == three


def test_ids_are_valid_unified_social_credit_codes(countries: tuple[Path, Path]) -> None:
    firms = ds.dataset(countries[0] / "truth" / "firm").to_table()
    ids = firms["taxpayer_id"].to_pylist()
    assert len(set(ids)) == len(ids) >= 190
    assert all(uscc.is_valid(i) for i in ids)


def test_a_few_per_cent_of_invoices_are_broken_and_most_are_right(countries: tuple[Path, Path]) -> None:
    rows = [pq.read_table(p) for p in sorted((countries[0] / "inbox" / "invoice").glob("*.parquet"))]
    sellers = [i for t in rows for i in t["seller_id"].to_pylist()]
    broken = sum(not (i and uscc.is_valid(i)) for i in sellers) / len(sellers)
    assert 0.005 < broken < 0.05


def test_evaders_are_a_minority_of_several_kinds(countries: tuple[Path, Path]) -> None:
    firms = ds.dataset(countries[0] / "truth" / "firm").to_table()
    kinds = [t for t in firms["typology"].to_pylist() if t and t not in ("honest", "none")]
    assert 0.05 < len(kinds) / firms.num_rows < 0.35
    assert len(set(kinds)) >= 4


def test_the_inbox_says_nothing_of_the_truth(countries: tuple[Path, Path]) -> None:
    # fictitious_invoices and missing_trader are parts of risk codes, which old cases rightly name
    words = (b"typology", b"suppressed_sales", b"profit_shifting", b"inflated_input")
    for path in (countries[0] / "inbox").rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            assert not any(w in content for w in words), path.name


def test_every_file_is_entered_in_its_manifest_as_history(countries: tuple[Path, Path]) -> None:
    for folder in (countries[0] / "inbox").iterdir():
        entries = [json.loads(line) for line in (folder / "manifest.jsonl").read_text(encoding="utf-8").splitlines()]
        assert {e["kind"] for e in entries} <= {"history"}
        assert {e["file"] for e in entries} == {p.name for p in folder.iterdir() if p.name != "manifest.jsonl"}, folder.name


def test_a_country_is_not_written_over_another(spark: SparkSession, countries: tuple[Path, Path]) -> None:
    with pytest.raises(FileExistsError, match="another folder"):
        generate(spark, countries[0], 200, 12, 5, date(2025, 1, 1), 1)
