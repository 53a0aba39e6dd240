"""Pulling from a folder: what is new lands once and whole, whatever is repeated, renewed, half written or killed."""

from __future__ import annotations

import os
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jobs.conf import ConfError, Source
from jobs.sources.landing import contract_digest, deliveries
from jobs.sources.pull.staging import PullError
from tests.sources.given import HOUSE, source
from tests.sources.pull.given import NOW, entries, killed, landed, pulled, pulling

POINTS = ("pull:staged", "pull:entered", "pull:landed")


@pytest.fixture
def place(tmp_path: Path) -> Path:
    folder = tmp_path / "place"
    folder.mkdir()
    return folder


@pytest.fixture
def inbox(tmp_path: Path) -> Path:
    return tmp_path / "inbox"


def contract(place: Path, **said: Any) -> Source:
    return pulling({"kind": "folder", "url": str(place), **said})


def put(path: Path, text: str, age: timedelta = timedelta(hours=1)) -> None:
    path.parent.mkdir(exist_ok=True, parents=True)
    path.write_text(text, encoding="utf-8")
    seconds = (NOW - age).timestamp()
    os.utime(path, (seconds, seconds))


def texts(inbox: Path) -> list[str]:
    return sorted((inbox / "pay" / name).read_text(encoding="utf-8") for name in landed(inbox))


def test_what_is_new_lands_as_one_delivery_and_stays_at_its_place(place: Path, inbox: Path) -> None:
    put(place / "pay_1.csv", "a")
    put(place / "pay_2.csv", "b")
    assert pulled(contract(place), inbox) == ["pay_1.csv", "pay_2.csv"]
    assert entries(inbox) == [(1, "pay_1.csv"), (1, "pay_2.csv")]
    assert pulled(contract(place), inbox) == [], "a second pull finds nothing new"
    put(place / "pay_3.csv", "c")
    assert pulled(contract(place), inbox) == ["pay_3.csv"]
    assert entries(inbox)[-1] == (2, "pay_3.csv")
    assert len(list(place.iterdir())) == 3


#    name                 age in minutes   taken
KINDS = [
    ("pay_1.csv", 3, True),
    ("pay_1.csv", 1, False),  # changed a minute ago: still being written
    ("pay_1.csv", -60, False),  # changed in the future: a clock is wrong, and nobody knows whether it is whole
    ("pay_1.csv.part", 60, False),
    (".pay_1.csv", 60, False),
    ("readme.txt", 60, False),
    ("below/pay_1.csv", 60, False),
]


@pytest.mark.parametrize(("name", "age", "taken"), KINDS)
def test_only_settled_whole_and_fitting_files_are_taken(place: Path, inbox: Path, name: str, age: int, taken: bool) -> None:
    put(place / name, "a", timedelta(minutes=age))
    (place / "pay_dir.csv").mkdir()
    assert bool(pulled(contract(place, settle="2m"), inbox)) is taken
    if age == 1:
        assert pulled(contract(place, settle="2m"), inbox, NOW + timedelta(minutes=2)) == [name]


def test_folders_below_are_looked_into_when_the_contract_says_so(place: Path, inbox: Path) -> None:
    put(place / "monday" / "pay_1.csv", "a")
    put(place / "tuesday" / "pay_1.csv", "b")
    pulled(contract(place, recursive=True), inbox)
    assert texts(inbox) == ["a", "b"]
    assert pulled(contract(place, recursive=True), inbox) == []


def test_new_content_under_an_old_name_lands_beside_it_and_a_new_time_alone_is_nothing_new(place: Path, inbox: Path) -> None:
    put(place / "pay_1.csv", "old")
    pulled(contract(place), inbox)
    put(place / "pay_1.csv", "old", timedelta(minutes=30))
    assert pulled(contract(place), inbox) == []
    assert entries(inbox) == [(1, "pay_1.csv"), (1, "pay_1.csv")], "it is remembered under its new time, and not read again"
    put(place / "pay_1.csv", "new", timedelta(minutes=20))
    (name,) = pulled(contract(place), inbox)
    assert name != "pay_1.csv" and texts(inbox) == ["new", "old"]
    assert [(d.receipt, d.missing) for d in deliveries(inbox, contract(place), HOUSE, date(2026, 2, 1))] == [(1, ()), (2, ())]


def test_a_file_that_changes_while_it_is_read_is_left_for_the_next_pull(place: Path, inbox: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from jobs.sources.pull import folder

    put(place / "pay_1.csv", "half")
    copy = folder.shutil.copyfileobj

    def meanwhile(*given: Any) -> None:
        copy(*given)
        put(place / "pay_1.csv", "half and whole", timedelta(minutes=10))

    monkeypatch.setattr(folder.shutil, "copyfileobj", meanwhile)
    assert pulled(contract(place), inbox) == []
    monkeypatch.undo()
    assert pulled(contract(place), inbox) == ["pay_1.csv"] and texts(inbox) == ["half and whole"]


@pytest.mark.parametrize("point", POINTS)
def test_a_pull_killed_and_repeated_lands_each_file_once(place: Path, inbox: Path, point: str) -> None:
    put(place / "pay_1.csv", "a")
    put(place / "pay_2.csv", "b")
    killed(contract(place), inbox, point)
    pulled(contract(place), inbox)
    assert entries(inbox) == [(1, "pay_1.csv"), (1, "pay_2.csv")] and texts(inbox) == ["a", "b"]


@pytest.mark.parametrize("point", POINTS)
def test_a_night_after_a_killed_pull_sees_the_whole_delivery_or_none(place: Path, inbox: Path, point: str) -> None:
    put(place / "pay_1.csv", "a")
    killed(contract(place), inbox, point)
    seen = [(d.files, d.missing) for d in deliveries(inbox, contract(place), HOUSE, date(2026, 1, 20))]
    assert seen == ([] if point == "pull:staged" else [(("pay_1.csv",), ())])


def test_a_place_that_cannot_be_read_and_a_contract_without_one_name_the_remedy(tmp_path: Path, inbox: Path) -> None:
    with pytest.raises(PullError, match=r"pay: .*gone cannot be listed .*correct pull\.url"):
        pulled(contract(tmp_path / "gone"), inbox)
    with pytest.raises(ConfError, match=r"conf/sources/pay\.yaml: has no `pull` section"):
        pulled(source(), inbox)


def test_where_files_come_from_and_when_changes_no_batch(place: Path) -> None:
    brought = source(files={"pattern": "pay_*.csv", "format": "csv"})
    assert contract_digest(contract(place), HOUSE) == contract_digest(brought, HOUSE)
    later = brought.model_copy(update={"expect": brought.expect.model_copy(update={"late_after": "9d"})})
    assert contract_digest(later, HOUSE) == contract_digest(brought, HOUSE)
    assert contract_digest(source(delivery="snapshot"), HOUSE) != contract_digest(brought, HOUSE)


Steps = st.lists(st.tuples(st.sampled_from(["pay_1.csv", "pay_2.csv"]), st.sampled_from("abc")) | st.just("pull"), max_size=8)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(Steps)
def test_whatever_is_put_and_pulled_every_content_lands_once_per_renewal(tmp_path_factory: pytest.TempPathFactory, steps: list[Any]) -> None:
    root = tmp_path_factory.mktemp("steps")
    (root / "place").mkdir()
    there: dict[str, str] = {}
    expected: dict[str, set[str]] = {}
    for n, step in enumerate([*steps, "pull", "pull"]):
        if step == "pull":
            pulled(contract(root / "place"), root / "inbox")
            for name, text in there.items():
                expected.setdefault(name, set()).add(text)
        else:
            name, text = step
            put(root / "place" / name, text, timedelta(hours=1, seconds=-n))
            there[name] = text
    wanted = sorted(text for found in expected.values() for text in found)
    assert (texts(root / "inbox") if expected else []) == wanted
