"""Two nights on a small country: conserved, published, replayed, blind to the future, to the truth and to what is not approved."""

from __future__ import annotations

import json
import shutil
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from jobs.cli.keep import ailments
from jobs.cli.look import known_tables, replayed, same_rows
from jobs.cli.loop import approve_night
from jobs.cli.place import Place
from jobs.lake.kernel import Input, load
from jobs.lake.lake import Lake
from jobs.lake.read import data_files, whole
from jobs.lake.step import Kind, Night
from jobs.lake.tables import MONEY, TABLES, table
from jobs.rehearsal import rehearsal
from jobs.runner import Refused

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

pytestmark = [pytest.mark.spark, pytest.mark.slow]

FIRST, SECOND = date(2026, 1, 20), date(2026, 4, 20)


def test_every_record_received_has_one_fate_and_the_lake_is_whole(night_lake: Place) -> None:
    rows = whole(night_lake.lake.root, "batch").to_pylist()
    assert rows and all(r["received"] == r["accepted"] + r["superseded"] + r["duplicate"] + r["quarantined"] for r in rows)
    assert sum(r["quarantined"] for r in rows) > 0
    assert ailments(night_lake) == []
    for source in {r["source"] for r in rows}:
        bronze = whole(night_lake.lake.root, f"bronze_{source}")
        assert bronze.num_rows == sum(r["received"] for r in rows if r["source"] == source), source


def test_the_list_is_ranked_reasoned_and_ordered(night_lake: Place) -> None:
    tables = known_tables(night_lake, night_lake.published(SECOND))
    selection, reason = tables["selection"].to_pylist(), tables["reason"].to_pylist()
    assert selection
    for pool in {(r["office_id"], r["treatment"]) for r in selection}:
        ranks = sorted(r["rank"] for r in selection if (r["office_id"], r["treatment"]) == pool)
        assert ranks == list(range(1, len(ranks) + 1)), pool
    for row in selection:
        own = sorted((r for r in reason if r["taxpayer_id"] == row["taxpayer_id"]), key=lambda r: r["ordinal"])
        assert len(own) == 3 and all(r["text"] and r["text_zh"] for r in own)
        assert all(json.loads(r["numbers"]) is not None for r in own)


def test_outcomes_of_the_first_list_come_back_point_by_point(night_lake: Place) -> None:
    handed = {r["case_id"] for r in night_lake.read(night_lake.published(FIRST), "selection").to_pylist()}
    tables = known_tables(night_lake, night_lake.published(SECOND))
    events = {r["case_id"] for r in tables["case_event"].to_pylist()}
    assert handed & events
    answered = [r for r in tables["outcome"].to_pylist() if r["case_id"] in handed]
    assert answered and all(r["known_at"] <= SECOND and r["point_id"] for r in answered)
    rates = [r for r in tables["evaluation"].to_pylist() if r["measure"] == "hit_rate"]
    assert rates and all(0 <= r["low"] <= r["value"] <= r["high"] <= 1 for r in rates if r["value"] is not None and r["low"] is not None)


def test_both_nights_replay_to_the_last_digit(night_lake: Place, spark: SparkSession) -> None:
    runner = night_lake.runner_on(spark)
    assert replayed(night_lake, runner, night_lake.published(FIRST)) == []
    assert replayed(night_lake, runner, night_lake.published(SECOND)) == []


def test_a_published_date_and_a_lapsed_list_are_refused(night_lake: Place, spark: SparkSession) -> None:
    with pytest.raises(Refused, match="--revise"):
        night_lake.runner_on(spark).begin(SECOND)
    with pytest.raises(Refused, match="official"):
        approve_night(night_lake, SECOND, "  ")


def test_evidence_is_kept_for_every_case(night_lake: Place) -> None:
    selection = night_lake.read(night_lake.published(SECOND), "selection").to_pylist()
    kept = {(r["as_of"], r["taxpayer_id"]) for r in whole(night_lake.lake.root, "evidence").to_pylist()}
    assert {(SECOND, r["taxpayer_id"]) for r in selection} <= kept


def poisoned(lake: Lake, day: date, to: Path) -> Lake:
    """A copy of the lake in which every row of silver and month tables known after a day is overwritten with noise."""
    shutil.copytree(lake.root, to)
    draw = np.random.default_rng(7)
    for name, contract in TABLES.items():
        if contract.layer not in ("version", "event", "additive", "link"):
            continue
        for file in data_files(str(to), name):
            path = to / contract.path / file.path
            with pq.ParquetFile(path) as reader:
                rows = reader.read()
            late = np.asarray(rows["known_at"].cast(pa.int32())) > (day - date(1970, 1, 1)).days
            if late.any():
                pq.write_table(_noisy(rows, contract.key, late, draw), path)
    return Lake(str(to), lake.buckets)


def _noisy(rows: pa.Table, key: tuple[str, ...], late: np.ndarray, draw: np.random.Generator) -> pa.Table:
    """The rows with every column of the late ones overwritten, save what names the row, its clocks and its batch."""
    for n, field in enumerate(rows.schema):
        if field.name in key or field.name in ("known_at", "run", "batch_id", "source"):
            continue
        values = rows.column(n).to_pylist()
        noise = draw.integers(-(10**9), 10**9, len(values)).tolist()
        changed = [_other(v, x, field) if bad else v for v, x, bad in zip(values, noise, late, strict=True)]
        rows = rows.set_column(n, field, pa.array(changed, field.type))
    return rows


def _other(value: object, noise: int, field: pa.Field) -> object:
    """Another value of the column's type; ValueError when nobody said how to overwrite it, so that no column escapes."""
    if field.type == MONEY or pa.types.is_integer(field.type) or pa.types.is_floating(field.type):
        return noise
    if pa.types.is_string(field.type):
        return f"noise {noise}"
    if pa.types.is_date(field.type):
        return date.fromordinal(date(2000, 1, 1).toordinal() + abs(noise) % 18000)
    if pa.types.is_boolean(field.type):
        return not value
    raise ValueError(f"no noise for {field.name}, {field.type}")


@pytest.mark.parametrize(("type_", "value"), [(pa.date32(), date(2025, 1, 1)), (pa.bool_(), True), (pa.bool_(), None), (pa.string(), "a"), (MONEY, None), (pa.int32(), 5), (pa.float64(), 0.5)])
def test_noise_overwrites_every_kind_of_column_of_the_late_rows_alone(type_: pa.DataType, value: object) -> None:
    rows = pa.table({"id": ["a", "b"], "x": pa.array([value, value], type_)})
    noisy = _noisy(rows, ("id",), np.array([False, True]), np.random.default_rng(1))
    assert noisy["id"].to_pylist() == ["a", "b"] and noisy["x"][0].as_py() == value and noisy["x"][1].as_py() != value
    with pytest.raises(ValueError, match="no noise for x"):
        _noisy(pa.table({"x": pa.array([b"1"])}), (), np.array([True]), np.random.default_rng(1))


def test_nothing_known_after_the_date_moves_a_feature_or_a_point(night_lake: Place, spark: SparkSession, tmp_path: Path) -> None:
    day, epoch = date(2025, 10, 20), night_lake.lake.epoch()
    found = []
    for lake in (night_lake.lake, poisoned(night_lake.lake, day, tmp_path / "poisoned")):
        runner = Place(lake, night_lake.conf, night_lake.inbox, night_lake.cases).runner_on(spark)
        night = Night(day, epoch, night_lake.conf, seed=night_lake.conf.house.seed)
        steps = tuple(s for s in runner.night_steps if s.room == "analyse" and not s.changes and table(s.outputs[0]).layer == "nightly")
        with rehearsal(runner) as stage:
            found.append(stage.rehearse(night, steps))
    clean, poison = found
    late = load(night_lake.lake.root, Input("now", "taxpayer_month", tuple(data_files(night_lake.lake.root, "taxpayer_month"))), SECOND, epoch)
    assert max(late["known_at"].to_pylist()) > day  # there is a future to be poisoned
    assert clean["feature"].num_rows > 250
    for name, rows in clean.items():
        assert same_rows(rows, poison[name], table(name).key), name


def test_a_dry_run_writes_nothing(night_lake: Place, spark: SparkSession) -> None:
    from jobs.cli.loop import rehearsed

    before = {n: len(data_files(night_lake.lake.root, n)) for n in TABLES}
    assert "selection" in rehearsed(night_lake.runner_on(spark), date(2026, 4, 21))
    assert before == {n: len(data_files(night_lake.lake.root, n)) for n in TABLES}


def test_the_steps_are_all_recorded_with_what_they_read(night_lake: Place, spark: SparkSession) -> None:
    records = [r for r in whole(night_lake.lake.root, "run").to_pylist() if r["as_of"] == SECOND and r["step"] != "begin"]
    runner = night_lake.runner_on(spark)
    assert {r["step"] for r in records} == {s.name for s in runner.night_steps}
    for record in records:
        step = next(s for s in runner.night_steps if s.name == record["step"])
        if step.kind is not Kind.INGEST:
            assert set(step.reads) <= set(json.loads(record["reads"])), step.name
        assert record["conf_digest"] == night_lake.conf.digest and record["seconds"] > 0
