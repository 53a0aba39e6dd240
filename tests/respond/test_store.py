"""The store itself: migrations match the records, hand-over happens once, even when it is really killed."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import date, timedelta
from pathlib import Path

import pyarrow as pa
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError

from jobs.lake.lake import Lake
from jobs.respond.audit import verify
from jobs.respond.deliver import deliver
from jobs.respond.evidence import evidence
from jobs.respond.handover import hand_over, handed_over
from jobs.respond.records import Base, Case, CaseAction, Handover, Letter, TaskPoint
from jobs.respond.store import Store
from jobs.respond.workflow import Action, act
from tests.respond.helpers import AS_OF, DISTRICT, OFFICIAL, case_id, chosen, conf, drawn, point, rows, taxpayer_id

NEXT = date(2026, 4, 20)


def test_migrations_give_what_the_records_say(store: Store) -> None:
    with store.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Base.metadata) == []


def test_opening_again_changes_nothing(url: str) -> None:
    for _ in range(2):
        opened = Store.open(url)
        with opened.read() as session:
            assert verify(session).entries == 0
        opened.close()


def test_one_case_for_each_selection_with_its_points(store: Store) -> None:
    assert hand_over(store, conf(), drawn(), AS_OF, OFFICIAL) == 6
    with store.read() as session:
        first = session.get(Case, case_id(1))
        assert first is not None and (first.state, first.office_id, first.selected_by) == ("pushed", DISTRICT, OFFICIAL)
        assert first.risk_code == "cit_cost_inflated"  # 50,000 against 24,395
        assert session.scalar(select(func.count()).select_from(TaskPoint).where(TaskPoint.case_id == first.case_id)) == 2
        assert session.scalars(select(Letter.taxpayer_id)).all() == [taxpayer_id(3)]
        assert session.get(Case, case_id(7)) is None  # its reminder was suppressed
        assert verify(session).whole


def test_handing_over_twice_is_handing_over_once(store: Store) -> None:
    for _ in range(3):
        assert hand_over(store, conf(), drawn(), AS_OF, OFFICIAL) == 6
    with store.read() as session:
        assert session.scalar(select(func.count()).select_from(CaseAction)) == 6


def test_a_list_needs_a_named_official(lite: Store) -> None:
    with pytest.raises(ValueError, match="named official"):
        hand_over(lite, conf(), drawn(), AS_OF, "  ")


KILL = """
import sys
sys.path.insert(0, {root!r})
from jobs.respond import handover
from jobs.respond.store import Store
from jobs.respond.workflow import Action, act
from tests.respond.helpers import AS_OF, OFFICIAL, conf, drawn
handover._BATCH = 3
handover.hand_over(Store.open({url!r}), conf(), drawn(), AS_OF, OFFICIAL)
"""


@pytest.mark.parametrize("where", ["hand_over:in_batch", "hand_over:before_commit", "hand_over:after_batch"])
def test_killed_in_the_middle_and_repeated_each_case_is_there_once(store: Store, url: str, where: str) -> None:
    root = str(Path(__file__).parents[2])
    script = KILL.format(root=root, url=url)
    killed = subprocess.run([sys.executable, "-c", script], env={**os.environ, "ASSAY_FAULT": where}, cwd=root, check=False)
    assert killed.returncode == -9
    with store.read() as session:
        assert session.scalar(select(func.count()).select_from(Handover)) == (3 if where.endswith("after_batch") else 0)
    assert hand_over(store, conf(), drawn(), AS_OF, OFFICIAL) == 6
    with store.read() as session:
        assert sorted(session.scalars(select(Case.case_id))) == sorted(case_id(n) for n in range(1, 7))
        assert session.scalar(select(func.count()).select_from(CaseAction).where(CaseAction.kind == "pushed")) == 6
        assert verify(session).whole


def test_one_open_case_per_taxpayer_new_points_join_it(store: Store) -> None:
    hand_over(store, conf(), drawn(), AS_OF, OFFICIAL)
    fresh = point(1, "pit_wages_understated", "PIT", state="opened")
    later = drawn() | {
        "selection": rows("selection", [chosen(2, "inspect", "330299", 1, [point(2)["point_id"]], as_of=NEXT)]),
        "risk_point": rows("risk_point", [fresh, point(2), point(3, "cit_cost_inflated", "CIT")]),
        "reminder": drawn()["reminder"].slice(0, 0),
    }
    hand_over(store, conf(), later, NEXT, OFFICIAL)
    assert list(handed_over(store, NEXT)) == [(taxpayer_id(2), case_id(2), "joined")]
    with store.read() as session:
        joined = session.get(TaskPoint, (case_id(1), fresh["point_id"]))
        assert joined is not None and joined.joined
        assert len(session.scalars(select(TaskPoint).where(TaskPoint.case_id == case_id(2))).all()) == 1  # the same point, not twice
        assert not session.scalars(select(TaskPoint).where(TaskPoint.case_id == case_id(5))).all()  # comprehensive looks at everything anyway


@pytest.mark.parametrize(("treatment", "joins"), [("interview", False), ("assess", False), ("inspect", True)])
def test_a_point_marked_fraud_joins_only_a_case_that_may_answer_fraud(lite: Store, treatment: str, joins: bool) -> None:
    """An interview would warn the wrong man; the point waits for a case of its own, whether it is found later or selected by mistake."""
    hand_over(lite, conf(), drawn() | {"selection": rows("selection", [chosen(1, treatment, DISTRICT, 1, [point(1)["point_id"]])])}, AS_OF, OFFICIAL)
    fraud, plain = point(1, "vat_missing_trader", fraud=True), point(1, "pit_wages_understated", "PIT")
    for night, selected in ((NEXT, []), (NEXT + timedelta(days=1), [chosen(1, "inspect", "330299", 1, [fraud["point_id"]], as_of=NEXT + timedelta(days=1))])):
        later = drawn() | {"selection": rows("selection", selected), "risk_point": rows("risk_point", [fraud, plain]), "reminder": drawn()["reminder"].slice(0, 0)}
        hand_over(lite, conf(), later, night, OFFICIAL)
        with lite.read() as session:
            assert session.get(TaskPoint, (case_id(1), plain["point_id"])) is not None
            assert (session.get(TaskPoint, (case_id(1), fraud["point_id"])) is not None) == joins


def test_the_database_itself_refuses_a_second_open_case(store: Store) -> None:
    hand_over(store, conf(), drawn(), AS_OF, OFFICIAL)
    with pytest.raises(IntegrityError), store.write() as session:
        twin = {c.name: getattr(session.get(Case, case_id(1)), c.name) for c in Case.__table__.columns}
        session.add(Case(**{**twin, "case_id": "another"}))


def test_a_reminder_nobody_took_up_closes_and_bars_nothing(store: Store) -> None:
    hand_over(store, conf(), drawn(), AS_OF, OFFICIAL)
    later = drawn() | {"selection": rows("selection", [chosen(3, "assess", DISTRICT, 1, [point(3)["point_id"]], as_of=NEXT)]), "reminder": drawn()["reminder"].slice(0, 0)}
    hand_over(store, conf(), later, NEXT, OFFICIAL)
    with store.read() as session:
        states = dict(session.execute(select(Case.case_id, Case.state).where(Case.taxpayer_id == taxpayer_id(3))).all())
        assert states == {case_id(3): "closed", case_id(3, NEXT): "pushed"}


@pytest.mark.parametrize(("acts", "state"), [([], "closed"), (["received"], "closed"), (["received", "begun"], "begun")])
def test_a_guidance_visit_nobody_began_closes_by_itself(lite: Store, acts: list[str], state: str) -> None:
    guided = drawn() | {"selection": rows("selection", [chosen(2, "guide", DISTRICT, 1, [point(2)["point_id"]])]), "reminder": drawn()["reminder"].slice(0, 0)}
    hand_over(lite, conf(), guided, AS_OF, OFFICIAL)
    for kind in acts:
        act(lite, conf(), Action(case_id(2), kind, AS_OF, f"{DISTRICT}-assessor-01"))
    hand_over(lite, conf(), {**guided, "selection": guided["selection"].slice(0, 0)}, NEXT, OFFICIAL)
    with lite.read() as session:
        found = session.get(Case, case_id(2))
        assert found is not None and found.state == state


def test_a_list_names_the_open_case_that_a_selection_joined(lite: Store, tmp_path: Path) -> None:
    lake = Lake.open(tmp_path / "lake", 2)
    lake.take_lease("test")
    deliver(lake, conf(), lite, drawn(), AS_OF, 1, OFFICIAL, tmp_path / "first")
    later = drawn() | {"selection": rows("selection", [chosen(2, "assess", DISTRICT, 1, [point(2)["point_id"]], as_of=NEXT)]), "reminder": drawn()["reminder"].slice(0, 0)}
    deliver(lake, conf(), lite, later, NEXT, 1, OFFICIAL, tmp_path / "next")
    page = (tmp_path / "next" / "lists" / f"{DISTRICT}.html").read_text(encoding="utf-8")
    assert case_id(2) in page and case_id(2, NEXT) not in page


def test_evidence_is_every_row_behind_a_case_and_the_same_each_time(lite: Store) -> None:
    tables = drawn()
    found = evidence(tables, AS_OF, 3, lite)
    assert found.equals(evidence(tables, AS_OF, 3, lite))
    assert found.num_rows == tables["selection"].num_rows + tables["risk_point"].num_rows + tables["reason"].num_rows + tables["reminder"].num_rows + 1
    shuffled = {k: v.take(pa.array(range(v.num_rows)[::-1], pa.int64())) for k, v in tables.items()}
    assert found.equals(evidence(shuffled, AS_OF, 3, lite))
