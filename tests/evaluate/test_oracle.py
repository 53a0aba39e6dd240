from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from jobs.evaluate.oracle import against_truth, read_truth, truth_on, truth_report
from tests.rank.given import rows

AS_OF = date(2026, 1, 20)
IDS = [f"T{k:03d}" for k in range(100)]


def owed(id_: str, due: float, declared: float, kind: str = "suppressed_sales", start: date = date(2025, 9, 1), end: date = date(2025, 9, 30),
         amended: tuple[float, date] | None = None, corrected: date | None = None) -> dict[str, Any]:
    after, on = amended or (declared, None)
    return {"taxpayer_id": id_, "period_from": start, "period_to": end, "due": Decimal(str(due)), "declared_first": Decimal(str(declared)), "declared_amended": Decimal(str(after)),
            "amended_on": on, "corrected_on": corrected, "typology": kind}


def truth(*given: dict[str, Any]) -> pa.Table:
    money = pa.decimal128(18, 2)
    types = {"taxpayer_id": pa.string(), "period_from": pa.date32(), "period_to": pa.date32(), "due": money, "declared_first": money, "declared_amended": money,
             "amended_on": pa.date32(), "corrected_on": pa.date32(), "typology": pa.string()}
    return pa.table({n: pa.array([r[n] for r in given], t) for n, t in types.items()})


def test_hidden_is_open_ended_and_positive_and_the_pace_is_before_the_night() -> None:
    known = truth(
        owed("T000", 100, 40),  # September: hidden, and within six months before the night
        owed("T000", 100, 100, start=date(2024, 1, 1), end=date(2024, 1, 31)),  # declared in full
        owed("T000", 50, 30, start=date(2024, 1, 1), end=date(2024, 1, 31)),  # hidden long ago, still open
        owed("T000", 999, 0, start=date(2022, 1, 1), end=date(2022, 1, 31)),  # lapsed
        owed("T000", 999, 0, start=date(2026, 1, 1), end=date(2026, 1, 31)),  # has not ended
        owed("T001", 40, 90, "honest_error"),  # declared too much: nothing hidden
        owed("T002", 90, 40, "honest_error"),  # hidden, yet no evader
        owed("T999", 500, 0))  # not ranked
    found = truth_on(known, pa.array(["T000", "T001", "T002", "T003"]), AS_OF)
    assert found.hidden.tolist() == [8000, 0, 5000, 0]
    assert found.going_on.tolist() == [6000, 0, 5000, 0]
    assert found.typology.tolist() == ["suppressed_sales", "", "", ""]


@pytest.mark.parametrize(("amended", "corrected", "hidden"), [
    (None, None, 60),
    ((90, date(2026, 1, 20)), None, 10),  # amended by the night
    ((90, date(2026, 1, 21)), None, 60),  # the day after it
    (None, date(2026, 1, 20), 0),  # told earlier, and corrected by the night
    (None, date(2026, 3, 1), 60),  # what tonight's reminder brings counts on later nights only
    ((90, date(2025, 11, 1)), date(2026, 3, 1), 10),
])
def test_only_what_was_declared_by_the_night_is_not_hidden(amended: tuple[float, date] | None, corrected: date | None, hidden: int) -> None:
    known = truth(owed("T000", 100, 40, amended=amended, corrected=corrected))
    assert truth_on(known, pa.array(["T000"]), AS_OF).hidden.tolist() == [hidden * 100]
    assert truth_on(known, pa.array(["T000"]), date(2026, 4, 20)).hidden.tolist() == [0 if corrected else 10 * 100 if amended else 60 * 100]


def test_what_an_examination_had_found_is_hidden_no_more() -> None:
    known = truth(owed("T000", 100, 40), owed("T001", 100, 40), owed("T002", 100, 40))
    def answer(id_: str, amount: int, end: date = date(2025, 9, 30)) -> dict[str, Any]:
        return {"case_id": f"C{id_}", "point_id": f"p{amount}", "taxpayer_id": id_, "period_from": date(2025, 1, 1), "period_to": end, "assessed": Decimal(amount)}
    outcome = rows("outcome", answer("T000", 45), answer("T000", -5), answer("T001", 500), answer("T002", 50, date(2022, 12, 31)))  # the last: of a lapsed period
    found = truth_on(known, pa.array(["T000", "T001", "T002"]), AS_OF, outcome)
    assert found.hidden.tolist() == [1500, 0, 6000]
    assert found.going_on.tolist() == [6000, 6000, 6000]


def scored(value: dict[str, float], version: str = "4", rules: dict[str, float] | None = None) -> pa.Table:
    learned = [{"taxpayer_id": i, "model_version": version, "value": value.get(i, 0.0), "probability": 0.1, "rules_score": 0.0} for i in IDS]
    plain = [{"taxpayer_id": i, "model_version": "rules", "value": (rules or {}).get(i, 0.0), "probability": 0.1, "rules_score": (rules or {}).get(i, 0.0)} for i in IDS]
    return rows("score", *(learned if version else []), *plain)


def ten_evaders() -> pa.Table:
    return truth(*(owed(f"T{k:03d}", 10.0 * (k - 89), 0, "suppressed_sales" if k < 95 else "missing_trader", date(2025, 1, 1), date(2025, 1, 31)) for k in range(90, 100)), owed("T001", 5, 5, "honest"))


def test_each_list_at_the_top_five_per_cent() -> None:
    # ten evaders hide 10, 20, … 100: 550 in all. Five places. The champion knows the best five but one, the rules two middling ones
    champion = {"T099": 5, "T098": 4, "T097": 3, "T096": 2, "T000": 1.5, "T095": 1}
    found = against_truth(ten_evaders(), AS_OF, scored(champion, rules={"T094": 2, "T093": 1}), {}, None)
    share = {name: round(r.share * 550) for name, r in found.lists.items()}
    assert share["champion"] == 100 + 90 + 80 + 70
    assert share["rules"] == 50 + 40
    assert share["oracle"] == 100 + 90 + 80 + 70 + 60
    assert found.lists["random"].share == pytest.approx(0.05)
    assert found.lists["random"].low < 0.05 < found.lists["random"].high
    assert found.lists["champion"].evaders == pytest.approx(4 / 5)
    assert found.lists["champion"].typologies == {"missing_trader": pytest.approx(340 / 400), "suppressed_sales": 0.0}
    assert (found.size, found.evaders, found.total) == (5, 10, 55_000)
    assert "handed over" not in found.lists


def test_no_list_beats_the_oracle_and_ties_do_not_depend_on_the_rows() -> None:
    rng = np.random.default_rng(4)
    known = truth(*(owed(i, float(v), 0) for i, v in zip(IDS, rng.exponential(10, 100).round(2), strict=True)))
    for seed in range(5):
        score = scored({i: float(v) for i, v in zip(IDS, np.random.default_rng(seed).integers(0, 4, 100), strict=True)})
        found = against_truth(known, AS_OF, score, {}, None)
        other = against_truth(known, AS_OF, score.take(pa.array(np.random.default_rng(9).permutation(score.num_rows))), {}, None)
        assert all(r.share <= found.lists["oracle"].share + 1e-12 for r in found.lists.values())
        assert found.lists == other.lists


def test_single_feature_is_the_best_in_hindsight_and_handed_over_is_the_list() -> None:
    feature = rows("feature", *({"taxpayer_id": i} for i in IDS)).append_column("good", pa.array([-float(k) for k in range(100)])).append_column("noise", pa.array([1.0] * 100))
    listed = rows("selection", {"taxpayer_id": "T099"}, {"taxpayer_id": "T000"})
    found = against_truth(ten_evaders(), AS_OF, scored({}), {AS_OF: listed}, feature)
    assert found.lists["single feature"].note.startswith("lowest good")
    assert found.lists["single feature"].share == found.lists["oracle"].share
    assert (found.lists["handed over"].size, found.lists["handed over"].recovered) == (2, 10_000)


def test_where_the_champions_first_stand_and_what_he_does_not_see() -> None:
    champion = {"T090": 9, "T091": 8, "T092": 7, "T093": 6, "T094": 5}  # all five of sales, none of the missing traders
    lists = {AS_OF: rows("selection", {"taxpayer_id": "T090"}), date(2025, 10, 20): rows("selection", {"taxpayer_id": "T090"}, {"taxpayer_id": "T091"}),
             date(2024, 10, 20): rows("selection", {"taxpayer_id": "T094"})}  # the last: more than a year ago
    answers = rows("outcome", {"taxpayer_id": "T092", "known_at": date(2025, 12, 1), "adjusted": 0}, {"taxpayer_id": "T099", "known_at": date(2024, 1, 1), "adjusted": 1},
                   {"taxpayer_id": "T093", "known_at": date(2025, 1, 19), "adjusted": 0})
    found = against_truth(ten_evaders(), AS_OF, scored(champion), lists, None, answers)
    assert [(s.n, round(s.share * 550)) for s in found.standings] == [(1, 10), (1, 20), (1, 30), (2, 90)]
    assert [(m.kind, m.n, round(m.share * 550), m.best_place, m.found) for m in found.missed] == [("missing_trader", 5, 400, 96, 1)]  # T095 to T099 have no value: their ties go by id


def write(folder: Path, table: pa.Table) -> Path:
    (folder / "tax").mkdir(parents=True)
    pq.write_table(table.slice(0, 4), folder / "tax" / "tax_01.parquet")
    pq.write_table(table.slice(4), folder / "tax" / "tax_02.parquet")
    return folder


def test_page(tmp_path: Path) -> None:
    folder = write(tmp_path / "truth", ten_evaders())
    champion = {"T099": 5, "T098": 4, "T097": 3, "T096": 2, "T095": 1.5}
    nights = truth_report(folder, {AS_OF: scored({}, ""), date(2026, 4, 20): scored(champion, rules={"T094": 1})}, {}, tmp_path / "out" / "truth.html")
    text = (tmp_path / "out" / "truth.html").read_text(encoding="utf-8")
    assert [n.as_of.month for n in nights] == [1, 4] and "champion" not in nights[0].lists
    assert "Over 1 night with a trained champion" in text and 'answer better' in text
    assert "missing trader" in text and "The country is invented" in text and text.count("<svg") == 2
    assert read_truth(folder).num_rows == 11


def test_without_a_champion_and_without_truth(tmp_path: Path) -> None:
    folder = write(tmp_path / "truth", ten_evaders())
    truth_report(folder, {AS_OF: scored({}, "")}, {}, tmp_path / "truth.html")
    assert "No night had a trained champion" in (tmp_path / "truth.html").read_text(encoding="utf-8")
    with pytest.raises(FileNotFoundError, match="no truth there"):
        read_truth(tmp_path)


def test_a_country_of_an_older_version_is_named(tmp_path: Path) -> None:
    folder = write(tmp_path / "truth", ten_evaders().drop_columns(["corrected_on"]))
    with pytest.raises(ValueError, match=r"column corrected_on is missing.*make it anew"):
        read_truth(folder)
