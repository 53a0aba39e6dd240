"""Contracts: units that scale, purposes that hold for all columns, and a change of what is read that must raise the revision."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from jobs.conf import Conf, Field_, House, Source, load
from jobs.lake.lake import Lake
from jobs.lake.step import Night
from jobs.sources.ingest import ingest, pending
from jobs.sources.landing import contract_digest
from jobs.sources.revision import ContractChanged
from tests.sources.given import GOOD, HOUSE, pay, returns, source
from tests.sources.in_process import InProcess

SHIPPED = load(Path(__file__).parents[2] / "conf")


def field(**said: Any) -> Field_:
    return Field_.model_validate({"from": "x", **said})


#   unit      scale said   scale
@pytest.mark.parametrize(("said", "scale"), [({"unit": "万元"}, 10_000), ({"unit": "元"}, 1), ({"unit": "亿元"}, 10**8), ({"unit": "thousand lei", "scale": 1000}, 1000), ({"unit": "kWh"}, 1)])
def test_a_unit_of_money_scales_by_itself(said: dict[str, Any], scale: int) -> None:
    assert field(type="money", **said).scale == Decimal(scale)


#   said                                     refused because
@pytest.mark.parametrize(
    ("said", "why"),
    [
        ({"type": "money", "unit": "万元", "scale": 1000}, "unit 万元 multiplies with 10000, scale says 1000"),
        ({"type": "money", "scale": 10000}, "needs the `unit`"),
        ({"type": "id", "unit": "万元"}, "scale is for money and numbers, not for id"),
    ],
)
def test_a_unit_that_contradicts_itself_is_refused(said: dict[str, Any], why: str) -> None:
    with pytest.raises(ValidationError, match=why):
        field(**said)


def test_purposes_of_a_source_hold_for_each_column_that_says_nothing_else() -> None:
    columns = {**{n: f.model_dump(by_alias=True, exclude_defaults=True) for n, f in source().columns.items()}}
    columns["amount"]["purposes"] = ["case", "letter"]
    found = source(purposes=["statistics"], columns=columns)
    assert {n: f.purposes for n, f in found.columns.items()} == {**dict.fromkeys(columns, ("statistics",)), "amount": ("case", "letter")}
    assert Source.model_validate(found.model_dump(mode="json", by_alias=True)) == found  # as the archived configuration is read


def test_every_shipped_contract_says_how_long_its_rows_are_kept_and_on_what_law_it_rests() -> None:
    assert [s.name for s in SHIPPED.sources.values() if not s.retention or len(s.legal_basis) < 10] == []


#   changed                                   other rows?
CHANGES: list[tuple[dict[str, Any], bool]] = [
    ({"owner": "another desk"}, False),
    ({"purposes": ["case"]}, False),
    ({"retention": "7y"}, False),
    ({"expect": {"schedule": "0 1 * * *"}}, False),
    ({"broken": "file"}, True),
    ({"revision": 2}, True),
    ({"known": {"from": "filed_on", "delay_days": 2}}, True),
    ({"lines": {"sales": {"from": "sales", "type": "money", "unit": "万元"}}}, True),
]


@pytest.mark.parametrize(("changed", "other"), CHANGES, ids=str)
def test_what_changes_rows_changes_the_digest_and_nothing_else_does(changed: dict[str, Any], other: bool) -> None:
    assert (contract_digest(returns(**changed), HOUSE) != contract_digest(returns(), HOUSE)) == other


def test_the_house_decides_rows_too() -> None:
    assert contract_digest(returns(), HOUSE.model_copy(update={"zone": "Europe/Berlin"})) != contract_digest(returns(), HOUSE)


#   then                     now                                        refused because
REVISIONS: list[tuple[dict[str, Any], dict[str, Any], str | None]] = [
    ({}, {}, None),
    ({}, {"owner": "another desk"}, None),
    ({}, {"broken": "file"}, r"conf/sources/pay\.yaml: revision: the contract .* changed since receipt 1, and the revision is still 1; raise it to 2"),
    ({}, {"broken": "file", "revision": 2}, None),
    ({"revision": 3}, {"revision": 2}, r"2 is lower than 3, by which receipt 1 was read; write 4"),
]


@pytest.mark.parametrize(("then", "now", "refused"), REVISIONS)
def test_a_changed_contract_under_the_same_revision_reads_nothing_more(tmp_path: Path, then: dict[str, Any], now: dict[str, Any], refused: str | None) -> None:
    lake, inbox = Lake.open(tmp_path / "lake", 2), tmp_path / "inbox" / "pay"
    inbox.mkdir(parents=True)
    (inbox / "a.csv").write_text(pay([f"p1,{GOOD},2026-01-02,1.00"]), encoding="utf-8")
    ingest(lake, InProcess(), _night(lake, source(**then)), inbox.parent)  # type: ignore[arg-type]
    (inbox / "b.csv").write_text(pay([f"p2,{GOOD},2026-01-02,1.00"]), encoding="utf-8")
    if refused is None:
        assert [b.delivery.receipt for b in pending(lake, _night(lake, source(**now)), inbox.parent)] == [2]
    else:
        with pytest.raises(ContractChanged, match=refused):
            pending(lake, _night(lake, source(**now)), inbox.parent)


def _night(lake: Lake, contract: Source) -> Night:
    house = House.model_validate({**HOUSE.model_dump(), "buckets": 2})
    return Night(date(2026, 1, 5), lake.take_lease("ingest"), Conf.model_construct(house=house, sources={contract.name: contract}))
