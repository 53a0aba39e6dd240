"""Pulling from a real PostgreSQL: every row lands once, whatever its mark, whenever it was committed, and whoever is killed."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jobs.conf import ConfError, Source
from jobs.sources.pull.staging import PullError
from tests.sources.pull.given import NOW, entries, killed, landed, numbers, pulled, pulling

Database = psycopg.Connection[tuple[object, ...]]
TABLE = "CREATE TABLE pay (no text, id text, day date, amount numeric(18,2), changed timestamptz)"


def contract(overlap: str = "0s", format_: str = "parquet", column: str = "changed", relation: str = "pay", files: dict[str, Any] | None = None, **said: Any) -> Source:
    suffix = {"parquet": "parquet", "csv": "csv"}[format_]
    place = {"kind": "postgres", "connection": "ASSAY_TREASURY", "relation": relation, "mark": {"column": column, "overlap": overlap}, **said}
    return pulling(place, files={"pattern": f"pay_*.{suffix}", "format": format_, **(files or {})})


def insert(database: Database, no: str, minute: int | None, amount: str = "1.00") -> None:
    """A row that says it was changed so many minutes after midnight (none: it says nothing)."""
    changed = None if minute is None else NOW - timedelta(hours=1) + timedelta(minutes=minute)
    database.execute("INSERT INTO pay VALUES (%s, '91350100M000100Y43', '2026-01-05', %s, %s)", (no, amount, changed))


@pytest.fixture
def pay(database: Database) -> Database:
    database.execute(TABLE)
    return database


@pytest.mark.parametrize("format_", ["parquet", "csv"])
def test_what_is_new_lands_once_and_the_contracts_format_reads_it(pay: Database, inbox: Path, format_: str) -> None:
    ours = contract(format_=format_)
    for minute, no in enumerate(("a", 'b "x", y\nz', "纳税")):
        insert(pay, no, minute)
    (name,) = pulled(ours, inbox)
    assert Path(name).match(ours.files.pattern)
    assert numbers(ours, inbox) == sorted(["a", 'b "x", y\nz', "纳税"])
    assert pulled(ours, inbox) == []
    insert(pay, "c", 9)
    assert len(pulled(ours, inbox)) == 1
    assert numbers(ours, inbox) == sorted(["a", 'b "x", y\nz', "c", "纳税"])


def test_values_are_written_to_the_last_digit(pay: Database, inbox: Path) -> None:
    pay.execute("INSERT INTO pay VALUES ('a', NULL, '2026-01-05', 1234567890123456.78, '2026-01-05 10:00:00.123456+08')")
    (name,) = pulled(contract(), inbox)
    (row,) = pq.read_table(inbox / "pay" / name).to_pylist()
    assert row == {"no": "a", "id": None, "day": "2026-01-05", "amount": "1234567890123456.78", "changed": "2026-01-05T10:00:00.123456+08:00"}


def test_rows_at_the_border_are_neither_lost_nor_doubled(pay: Database, inbox: Path) -> None:
    insert(pay, "a", 1)
    insert(pay, "b", 2)
    pulled(contract(), inbox)
    insert(pay, "c", 2)  # the same mark as the last one pulled, committed after it
    insert(pay, "b", 2)  # the very same row once more
    pulled(contract(), inbox)
    assert numbers(contract(), inbox) == ["a", "b", "b", "c"]
    assert pulled(contract(), inbox) == []


#   overlap   a row committed late, 30 minutes below the mark, is found
LATE = [("0s", False), ("29m", False), ("30m", True), ("1h", True), ("1d", True)]


@pytest.mark.parametrize(("overlap", "found"), LATE)
def test_rows_committed_late_are_found_within_the_overlap(pay: Database, inbox: Path, overlap: str, found: bool) -> None:
    ours = contract(overlap)
    insert(pay, "a", 0)
    insert(pay, "b", 40)
    pulled(ours, inbox)
    insert(pay, "late", 10)
    assert (len(pulled(ours, inbox)) == 1) is found
    assert numbers(ours, inbox) == (["a", "b", "late"] if found else ["a", "b"])
    insert(pay, "c", 41)
    pulled(ours, inbox)
    assert numbers(ours, inbox)[:3] == ["a", "b", "c"], "a late file with lower marks takes nothing back"


def test_a_transaction_open_during_the_pull_is_found_by_the_next(pay: Database, inbox: Path) -> None:
    with psycopg.connect(pay.info.dsn, autocommit=False) as other:
        insert(other, "late", 5)  # written first, committed last
        insert(pay, "a", 6)
        pulled(contract("10m"), inbox)
        other.commit()
    pulled(contract("10m"), inbox)
    assert numbers(contract("10m"), inbox) == ["a", "late"]


def test_rows_without_a_mark_and_with_one_in_the_future_hide_nobody(pay: Database, inbox: Path) -> None:
    insert(pay, "unmarked", None)
    insert(pay, "future", 60 * 24 * 365)
    pulled(contract("1h"), inbox)
    insert(pay, "a", 30)
    insert(pay, "unmarked too", None)
    pulled(contract("1h"), inbox)
    assert numbers(contract("1h"), inbox) == ["a", "future", "unmarked", "unmarked too"]
    assert pulled(contract("1h"), inbox) == []


#   type of the mark   values in turn                                          overlap
MARKS = [
    ("date", ["2026-01-05", "2026-01-06", "2026-01-06", "2026-01-05"], "1d"),
    ("timestamp", ["2026-01-05 10:00", "2026-01-05 10:01", "2026-01-05 10:01", "2026-01-05 10:00"], "1m"),
    ("bigint", ["9", "10", "10", "8"], "2"),
    ("smallint", ["9", "10", "10", "8"], "2"),
    ("numeric", ["9.5", "10.5", "10.5", "8.5"], "2"),
]


@pytest.mark.parametrize(("type_", "values", "overlap"), MARKS)
def test_dates_times_and_numbers_are_marks(database: Database, inbox: Path, type_: str, values: list[str], overlap: str) -> None:
    database.execute(f"CREATE TABLE pay (no text, id text, day date, amount numeric, changed {type_})".encode())
    ours = contract(overlap)
    for n, value in enumerate(values):
        database.execute("INSERT INTO pay VALUES (%s, 'i', '2026-01-05', 1, %s)", (str(n), value))
        assert len(pulled(ours, inbox)) == 1
        assert pulled(ours, inbox) == []
    assert numbers(ours, inbox) == ["0", "1", "2", "3"]


def test_a_view_with_a_strange_name_is_read_and_a_name_is_no_command(pay: Database, inbox: Path) -> None:
    insert(pay, "a", 1)
    pay.execute('CREATE SCHEMA "Für ""uns"""')
    pay.execute('CREATE VIEW "Für ""uns"""."x; DROP TABLE pay" AS SELECT * FROM public.pay')
    assert len(pulled(contract(relation='Für "uns".x; DROP TABLE pay'), inbox)) == 1
    with pytest.raises(PullError, match="cannot be read"):
        pulled(contract(relation="pay; DROP TABLE pay"), inbox)
    assert pay.execute("SELECT count(*) FROM pay").fetchone() == (1,)


def test_the_agencys_table_cannot_be_written_to(pay: Database, inbox: Path) -> None:
    pay.execute("CREATE FUNCTION wipe() RETURNS text LANGUAGE sql VOLATILE AS $$ DELETE FROM pay RETURNING 'gone' $$")
    pay.execute("CREATE VIEW trap AS SELECT no, id, day, amount, changed, wipe() AS x FROM pay")
    pay.execute("CREATE VIEW sprung AS SELECT coalesce(wipe(), no) AS no, id, day, amount, changed FROM pay")
    insert(pay, "a", 1)
    with pytest.raises(PullError, match="read-only transaction"):
        pulled(contract(relation="sprung"), inbox)
    assert pay.execute("SELECT count(*) FROM pay").fetchone() == (1,)
    assert landed(inbox) == []


def test_many_rows_are_one_delivery_of_several_files(pay: Database, inbox: Path) -> None:
    for n in range(7):
        insert(pay, str(n), n)
    ours = contract(rows_per_file=3)
    assert len(pulled(ours, inbox)) == 3
    assert {receipt for receipt, _ in entries(inbox)} == {1}
    insert(pay, "7", 6)
    assert len(pulled(ours, inbox)) == 1
    assert numbers(ours, inbox) == list("01234567")


def test_a_snapshot_lands_whole_and_only_when_it_is_another_than_the_last(pay: Database, inbox: Path) -> None:
    place = {"kind": "postgres", "connection": "ASSAY_TREASURY", "relation": "pay"}
    ours = pulling(place, delivery="snapshot", files={"pattern": "pay_*.parquet", "format": "parquet"})
    assert pulled(ours, inbox) == [], "an empty snapshot would end all that is known"
    insert(pay, "a", 1)
    insert(pay, "b", 2)
    assert len(pulled(ours, inbox)) == 1 and pulled(ours, inbox) == []
    pay.execute("DELETE FROM pay WHERE no = 'a'")
    assert len(pulled(ours, inbox, NOW + timedelta(days=1))) == 1
    insert(pay, "a", 1)
    assert len(pulled(ours, inbox, NOW + timedelta(days=2))) == 1, "as it was before last, which is not as it was last"
    assert numbers(ours, inbox) == ["a", "a", "b", "b", "b"]


@pytest.mark.parametrize("point", ["pull:written", "pull:written#2", "pull:staged", "pull:entered", "pull:landed"])
def test_a_pull_killed_and_repeated_lands_each_row_once(pay: Database, inbox: Path, point: str) -> None:
    for n in range(4):
        insert(pay, str(n), n)
    ours = contract("1h", rows_per_file=2)
    killed(ours, inbox, point)
    pulled(ours, inbox)
    assert numbers(ours, inbox) == list("0123")
    assert len(entries(inbox)) == 2


def test_a_landed_file_that_was_taken_away_leaves_the_rows_to_the_lake(pay: Database, inbox: Path) -> None:
    insert(pay, "a", 1)
    (name,) = pulled(contract(), inbox)
    (inbox / "pay" / name).unlink()
    assert len(pulled(contract(), inbox, NOW + timedelta(minutes=1))) == 1, "the border's row comes again: no loss, and the lake knows duplicates"


#   said of the contract                           what the environment holds        the message says
WRONG = [
    ({"column": "no"}, None, ConfError, r"conf/sources/pay\.yaml: pull\.mark\.column: no is neither a date, a time nor a number"),
    ({"column": "gone"}, None, ConfError, r"pay has no column gone; it has no, id, day, amount, changed"),
    ({"overlap": "7"}, None, ConfError, r"pull\.mark\.overlap: '7' does not go with changed"),
    ({"relation": "nowhere"}, None, PullError, r'pay: nowhere of the database in ASSAY_TREASURY cannot be read \(relation "nowhere" does not exist\)'),
    ({"format_": "csv", "files": {"encoding": "cp1252"}}, None, PullError, "take encoding utf-8"),
    ({}, "", ConfError, r"pull\.connection: the environment variable ASSAY_TREASURY is empty"),
    ({}, "hunter2", ConfError, "ASSAY_TREASURY: holds no connection string"),
    ({}, "postgresql://u:hunter2@db.example/x", ConfError, "over TLS only; add sslmode=verify-full"),
    ({}, "host=db.example password=hunter2 sslmode=prefer", ConfError, "over TLS only"),
    ({}, "postgresql://u:hunter2@127.0.0.1:1/x", PullError, "cannot be read"),
]


@pytest.mark.parametrize(("said", "held", "error", "message"), WRONG)
def test_what_does_not_fit_is_named_and_no_secret_is_told(
    pay: Database, inbox: Path, monkeypatch: pytest.MonkeyPatch, said: dict[str, Any], held: str | None, error: type[Exception], message: str
) -> None:
    insert(pay, "纳税", 1)
    pulled(contract(), inbox)
    if held is not None:
        monkeypatch.setenv("ASSAY_TREASURY", held)
    with pytest.raises(error, match=message) as fault:
        pulled(contract(**{"overlap": "1h", **said}), inbox)
    assert "hunter2" not in str(fault.value) and fault.value.__cause__ is None
    assert len(landed(inbox)) == 1


Rows = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 6)) | st.just("pull"), max_size=14)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(Rows)
def test_whatever_is_committed_and_pulled_in_any_order_every_row_lands_once(pay: Database, tmp_path_factory: pytest.TempPathFactory, steps: list[Any]) -> None:
    inbox = tmp_path_factory.mktemp("steps")
    pay.execute("DELETE FROM pay")
    ours = contract("1h", rows_per_file=2)  # every mark that is drawn lies within it
    put: Counter[str] = Counter()
    for step in [*steps, "pull"]:
        if step == "pull":
            pulled(ours, inbox)
        else:
            insert(pay, str(step[0]), step[1])
            put[str(step[0])] += 1
    assert numbers(ours, inbox) == sorted(put.elements())
