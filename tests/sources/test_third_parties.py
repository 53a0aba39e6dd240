"""The contracts of the agencies beside the tax service, held against what they send: a small country's files into a real lake."""

from __future__ import annotations

from collections import Counter
from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from jobs import conf as configuration
from jobs.conf import Conf
from jobs.economy.third_parties import PAPERS
from jobs.lake.lake import Lake
from jobs.lake.read import data_files, known, read_files, resolve, whole
from jobs.lake.step import Night
from jobs.lake.tables import table
from jobs.sources.ingest import ingest
from jobs.sources.vault import new_key
from tests.economy.helpers import world, write
from tests.sources.in_process import InProcess

AS_OF = date(2025, 8, 1)
SHIPPED = configuration.load(Path(__file__).parents[2] / "conf")
GATED = ("bank_month", "tip_off")
EXPECTED = {"date", "money", "number", "required", "check_digit", "scientific", "future", "conflict", "version"}


@pytest.fixture(scope="module")
def received(tmp_path_factory: pytest.TempPathFactory) -> tuple[Lake, Path, dict[str, Counter[str]]]:
    """The files of a country, received; and per source the records of each fate."""
    country, root = write(world(300, 18), tmp_path_factory.mktemp("country")), tmp_path_factory.mktemp("lake")
    told = Conf.model_construct(house=SHIPPED.house, codes=SHIPPED.codes, sources={name: SHIPPED.sources[name] for name in PAPERS})
    lake = Lake.open(root, SHIPPED.house.buckets)
    apart = tmp_path_factory.mktemp("apart")
    new_key(apart / "key")
    with pytest.MonkeyPatch.context() as there:
        there.setenv("ASSAY_VAULT", str(apart / "vault"))
        there.setenv("ASSAY_VAULT_KEY", str(apart / "key"))
        rows = ingest(lake, InProcess(), Night(AS_OF, lake.take_lease("ingest"), told), country / "inbox")
    fates: dict[str, Counter[str]] = {}
    for r in rows:
        fates.setdefault(r["source"], Counter()).update({f: r[f] for f in ("received", "accepted", "superseded", "duplicate", "quarantined")})
    return lake, country, fates


def state(lake: Lake, source: str, as_of: date = AS_OF) -> pa.Table:
    name = SHIPPED.sources[source].table
    rows = read_files(lake.root, table(name), data_files(lake.root, name))
    return resolve(known(rows, as_of, 10**6, lake.batches_in_force(10**6)), table(name))


@pytest.mark.parametrize("source", PAPERS)
def test_nearly_all_that_an_agency_sends_is_accepted(source: str, received: tuple[Lake, Path, dict[str, Counter[str]]]) -> None:
    lake, _, fates = received
    found = fates[source]
    assert found["received"] == sum(found[f] for f in ("accepted", "superseded", "duplicate", "quarantined")) > 0
    assert found["quarantined"] <= max(4, 0.06 * found["received"]) and found["accepted"] > 0
    broken = whole(lake.root, "quarantine")
    rules = {rule.split(":")[0] for r in broken.filter(pc.equal(broken["source"], source)).to_pylist() for rule in r["rules"]}
    assert rules <= EXPECTED, rules


def test_spoilt_lines_are_in_quarantine_and_say_why(received: tuple[Lake, Path, dict[str, Counter[str]]]) -> None:
    broken = whole(received[0].root, "quarantine").to_pylist()
    by_source = Counter(r["source"] for r in broken)
    assert all(by_source[name] > 5 for name in ("customs", "electricity", "social_security", "bank_month"))
    assert any("money:value_local" in r["rules"] and r["source"] == "customs" for r in broken)
    assert all(r["reason"] for r in broken)


@pytest.mark.parametrize("source", PAPERS)
def test_nothing_is_known_before_it_happened(source: str, received: tuple[Lake, Path, dict[str, Counter[str]]]) -> None:
    rows = state(received[0], source).to_pylist()
    assert rows and all(r["event_at"] < r["known_at"] <= AS_OF or (source == "tip_off" and r["event_at"] == r["known_at"]) for r in rows)
    early = date(2024, 9, 1)
    assert all(r["known_at"] <= early for r in state(received[0], source, early).to_pylist())
    assert state(received[0], source, early).num_rows < len(rows) or source in ("land", "licence")


def test_a_corrected_reading_replaces_the_one_before_from_the_day_it_was_sent(received: tuple[Lake, Path, dict[str, Counter[str]]]) -> None:
    lake = received[0]
    rows = read_files(lake.root, table("electricity_month"), data_files(lake.root, "electricity_month"))
    versions: dict[tuple[str, date], list[tuple[date, float]]] = {}
    for r in rows.to_pylist():
        versions.setdefault((r["meter_no"], r["month"]), []).append((r["known_at"], r["energy"]))
    again = {k: sorted(v) for k, v in versions.items() if len({e for _, e in v}) > 1}
    assert len(again) > 10
    now, before = ({(r["meter_no"], r["month"]): r["energy"] for r in state(lake, "electricity", day).to_pylist()} for day in (AS_OF, date(2024, 6, 1)))
    for key, told in again.items():
        assert now[key] == told[-1][1]
        if told[0][0] <= date(2024, 6, 1) < told[1][0]:
            assert before[key] == told[0][1]


@pytest.mark.parametrize("source", sorted(set(PAPERS) - {"credit_rating"}))
def test_the_key_of_every_row_stands_in_the_sealed_identity(source: str, received: tuple[Lake, Path, dict[str, Counter[str]]]) -> None:
    column = {"land": "parcel_id", "penalty": "penalty_no", "licence": "licence_no", "customs": "declarant_no", "electricity": "meter_no",
              "social_security": "employer_no", "bank_month": "account_no", "tip_off": "tip_no"}[source]  # fmt: skip
    lake, country, _ = received
    identity = pq.read_table(country / "truth" / "identity", filters=[("source", "=", source)])
    found = state(lake, source)[column].to_pylist()
    assert found and set(found) <= set(identity["record_key"].to_pylist())


def test_gated_sources_are_for_cases_only_and_ratings_are_no_feature() -> None:
    for source in GATED:
        assert all(f.purposes == ("case",) for f in SHIPPED.sources[source].columns.values()), source
        assert not any(d.allowed for d in SHIPPED.disclosure if d.source == source)
    assert "risk" not in SHIPPED.sources["credit_rating"].columns["grade"].purposes
    open_ = {f"{s}.{n}" for s in PAPERS for n, f in SHIPPED.sources[s].columns.items() if "risk" in f.purposes}
    assert {"customs.value_local", "electricity.energy", "social_security.heads", "licence.valid_to"} <= open_
    assert not any("informant" in c.name for c in table("tip_off").own)
