"""The notebooks are committed without outputs, run to the end on a real lake without Spark, and show what the published night holds."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import nbformat
import pytest
from lxml.html import fromstring
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from sqlalchemy import select

from jobs.cli.place import Place
from jobs.respond.blind import comprehensive
from jobs.respond.records import AuditEntry
from jobs.respond.store import Store

FOLDER = Path(__file__).parents[2] / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
Cells = dict[str, list[Any]]


def leftovers(notebook: Any) -> list[str]:
    """Ids of cells that hold what only a run leaves."""
    return [c.id for c in notebook.cells if c.get("outputs") or c.get("execution_count") is not None or c.get("attachments")]


def run(name: str, where: Place, cases: Path, /, **parameters: Any) -> Cells:
    """Execute a notebook on a lake; the outputs of each code cell by its tag. No JVM can start in its kernel."""
    notebook = nbformat.read(FOLDER / f"{name}.ipynb", 4)
    code = {c.metadata.tags[0]: c for c in notebook.cells if c.cell_type == "code"}
    cell = code["parameters"]
    for key, value in parameters.items():
        cell.source, done = re.subn(rf"^{key} = \S+", f"{key} = {value!r}", cell.source, flags=re.MULTILINE)
        assert done == 1, f"the parameters cell of {name} has no '{key}'"
    env = {**os.environ, "ASSAY_LAKE": where.lake.root, "ASSAY_CASES": f"sqlite:///{cases}", "JAVA_HOME": "/no/java/here", "ASSAY_SPARK_MASTER": "no-master"}
    NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(FOLDER)}}).execute(env=env)
    return {tag: c.outputs for tag, c in code.items()}


def shown(outputs: list[Any]) -> list[dict[str, str]]:
    """The one table a cell shows: a row per line, every cell as it is read."""
    html = next(o["data"]["text/html"] for o in outputs if "text/html" in o.get("data", {}))
    head, *body = [[cell.text_content().strip() for cell in line] for line in fromstring(html).iter("tr")]
    return [dict(zip(head, line, strict=True)) for line in body]


def drawn(outputs: list[Any]) -> bool:
    return any("image/png" in o.get("data", {}) for o in outputs)


def number(text: str) -> float | None:
    return None if text == "—" else float(text.replace(",", "").rstrip("%"))


@pytest.fixture(scope="module")
def cases(night_lake: Place, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the case store: a profile puts its view on the audit trail, and the shared one is only read."""
    copy = tmp_path_factory.mktemp("notebooks") / "cases.sqlite"
    shutil.copy(night_lake.cases.removeprefix("sqlite:///"), copy)
    return copy


@pytest.fixture(scope="module")
def tonight(night_lake: Place, cases: Path) -> Cells:
    return run("tonight", night_lake, cases, shown=None)


@pytest.fixture(scope="module")
def busiest(night_lake: Place) -> str:
    """The taxpayer on whom most has happened."""
    events = night_lake.known(night_lake.published(), "case_event")["taxpayer_id"].to_pylist()
    return min(Counter(events).items(), key=lambda e: (-e[1], e[0]))[0]


@pytest.fixture(scope="module")
def profile(night_lake: Place, cases: Path, busiest: str) -> Cells:
    return run("profile", night_lake, cases, taxpayer_id=busiest)


@pytest.fixture(scope="module")
def first_profile(night_lake: Place, cases: Path, profile: Cells) -> Cells:
    return run("profile", night_lake, cases)


def views(cases: Path) -> list[tuple[str, str, str]]:
    """What the audit trail says of profiles looked at: thing, outcome, why."""
    store = Store.open(f"sqlite:///{cases}")
    try:
        with store.read() as session:
            acts = [json.loads(e.body) for e in session.scalars(select(AuditEntry).order_by(AuditEntry.seq))]
    finally:
        store.close()
    return [(a["thing"], a["outcome"], a["why"]) for a in acts if a["act"] == "profile"]


# --- as committed ---


def test_there_are_notebooks() -> None:
    assert [p.stem for p in NOTEBOOKS] == ["profile", "tonight"]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
def test_no_output_is_committed(path: Path) -> None:
    assert leftovers(nbformat.read(path, 4)) == []
    done = subprocess.run([sys.executable, "-m", "nbstripout", "--verify", str(path)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{done.stdout}{done.stderr}; run nbstripout on it"


def test_an_output_or_a_count_would_be_seen() -> None:
    ran = nbformat.v4.new_code_cell("1", id="ran", execution_count=3)
    printed = nbformat.v4.new_code_cell("1", id="printed", outputs=[nbformat.v4.new_output("stream", text="1")])
    clean = nbformat.v4.new_code_cell("1", id="clean")
    assert leftovers(nbformat.v4.new_notebook(cells=[ran, printed, clean])) == ["ran", "printed"]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
def test_cells_are_short_and_read_the_lake_through_what_is_public(path: Path) -> None:
    for cell in nbformat.read(path, 4).cells:
        assert cell.source.count("\n") < 30, cell.id
        assert not re.search(r"pyspark|jobs\.lake\.session|import _|\.runner\(", cell.source), cell.id


# --- tonight ---


def test_the_header_names_night_revision_and_model(tonight: Cells, night_lake: Place) -> None:
    night, row = night_lake.published(), shown(tonight["header"])[0]
    models = set(night_lake.read(night, "score")["model_version"].to_pylist())
    assert (row["night"], row["revision"]) == (str(night.as_of), str(night.revision))
    assert row["model"] in models if len(models) > 1 else row["model"].startswith("rules only")
    assert row["approved by"] == night.approved_by


def test_the_list_is_the_published_selection(tonight: Cells, night_lake: Place) -> None:
    selection = {r["taxpayer_id"]: r for r in night_lake.read(night_lake.published(), "selection").to_pylist()}
    names = {r["taxpayer_id"]: r["name"] for r in night_lake.known(night_lake.published(), "taxpayer").to_pylist()}
    treatments = {t.id: t.name.en for t in night_lake.conf.treatments.values()}
    offices = {o.id: o.name.en for o in night_lake.conf.offices}
    found = [(r["taxpayer"], r["name"], int(r["rank"]), r["office"], r["treatment"]) for r in shown(tonight["list"])]
    assert sorted(found) == sorted((i, names[i], r["rank"], offices[r["office_id"]], treatments[r["treatment"]]) for i, r in selection.items())
    effort = {name: t.effort_days for name, t in night_lake.conf.treatments.items()}
    assert [(-effort[selection[i]["treatment"]], rank) for i, _, rank, _, _ in found] == sorted((-effort[r["treatment"]], r["rank"]) for r in selection.values())


def test_numbers_of_the_list_are_the_published_ones(tonight: Cells, night_lake: Place) -> None:
    night = night_lake.published()
    selection = {r["taxpayer_id"]: r for r in night_lake.read(night, "selection").to_pylist()}
    version = shown(tonight["header"])[0]["model"].split()[0]
    scores = {r["taxpayer_id"]: r for r in night_lake.read(night, "score").to_pylist() if r["model_version"] == version}
    reasons = {(r["taxpayer_id"], r["text"]) for r in night_lake.read(night, "reason").to_pylist()}
    told = [r for r in shown(tonight["list"]) if r["level"] != "—"]
    assert told
    for row in told:
        published, score = selection[row["taxpayer"]], scores[row["taxpayer"]]
        assert row["level"] == published["level"]
        assert number(row["amount"]) == pytest.approx(float(published["amount"]), abs=0.51)
        assert number(row["value"]) == pytest.approx(score["value"], abs=0.51)
        assert number(row["probability"]) == pytest.approx(score["probability"], abs=0.0051)
        texts = [line.split(". ", 1)[1] for line in row["why"].splitlines()]
        assert texts
        assert {(row["taxpayer"], t) for t in texts} <= reasons


def test_no_number_gives_a_random_case_away(tonight: Cells, night_lake: Place) -> None:
    selection = night_lake.read(night_lake.published(), "selection").to_pylist()
    hidden = {r["taxpayer_id"] for r in selection if comprehensive(r)}
    assert hidden, "the last night of the small country draws nobody: this test shows nothing"
    rows = [r for r in shown(tonight["list"]) if r["taxpayer"] in hidden]
    assert {(r["level"], r["probability"], r["amount"], r["value"]) for r in rows} == {("—", "—", "—", "—")}
    assert {r["about"] for r in rows} == {"Comprehensive examination"}
    said = re.sub(r"<[^>]*>", " ", "\n".join(o["data"].get("text/html") or o["data"].get("text/markdown") or "" for outs in tonight.values() for o in outs))
    assert "inclusion" not in said
    assert re.findall(r"\brandom\b(?! slice)", said) == []


def test_gates_and_capacity_add_up_to_the_selection(tonight: Cells, night_lake: Place) -> None:
    night = night_lake.published()
    selection = night_lake.read(night, "selection")
    gates = {r["gate"]: int(r["taxpayers"]) for r in shown(tonight["gates"])}
    assert gates["on the list"] == selection.num_rows
    assert gates["active taxpayers"] == night_lake.read(night, "risk_level").num_rows
    levels = Counter(night_lake.read(night, "risk_level")["level"].to_pylist())
    assert gates["level low, medium or high"] == levels["low"] + levels["medium"] + levels["high"]
    capacity = shown(tonight["capacity"])
    offices, treatments = {o.id: o.name.en for o in night_lake.conf.offices}, {t.id: t.name.en for t in night_lake.conf.treatments.values()}
    cases = Counter((offices[r["office_id"]], treatments[r["treatment"]]) for r in selection.to_pylist())
    assert {(r["office"], r["treatment"]): int(r["on the list"]) for r in capacity if r["on the list"] != "0"} == cases
    assert [r for r in capacity if int(r["on the list"]) > int(r["room"])] == []
    floors = {r["risk type"]: int(r["by the floor"]) for r in shown(tonight["floors"])}
    assert floors == {k: selection["floor"].to_pylist().count(k) for k in sorted(night_lake.conf.plan(night.as_of).floors)}


def test_groups_are_those_of_the_published_evaluation(tonight: Cells, night_lake: Place) -> None:
    rows = [r for r in night_lake.read(night_lake.published(), "evaluation").to_pylist() if r["measure"] == "selected_share"]
    found = Counter((r["scope"], r["n"], r["value"]) for r in shown(tonight["equity"]))
    assert found == Counter((r["scope"], str(r["n"]), "—" if r["value"] is None or r["value"] != r["value"] else f"{r['value']:.1%}") for r in rows)
    assert drawn(tonight["equity-plot"])
    assert drawn(tonight["cut"])


def test_the_change_accounts_for_both_lists(tonight: Cells, night_lake: Place) -> None:
    before, now = (set(night_lake.read(n, "selection")["taxpayer_id"].to_pylist()) for n in night_lake.lake.nights()[-2:])
    fates = {r["taxpayers that are"]: int(r["n"]) for r in shown(tonight["change"])}
    assert fates.get("on both lists", 0) == len(before & now)
    assert fates.get("new", 0) == len(now - before)
    assert sum(n for fate, n in fates.items() if fate.startswith("left")) == len(before - now)


def test_the_first_night_has_nothing_to_compare_with(night_lake: Place, cases: Path) -> None:
    first = night_lake.lake.nights()[0].as_of
    found = run("tonight", night_lake, cases, as_of=str(first))
    assert shown(found["header"])[0]["night"] == str(first)
    assert "first published night" in found["change"][0]["data"]["text/markdown"]


# --- profile ---


def test_the_profile_agrees_with_the_tables(profile: Cells, night_lake: Place, busiest: str) -> None:
    night = night_lake.published()
    own = {n: [r for r in night_lake.known(night, n).to_pylist() if r["taxpayer_id"] == busiest] for n in ("taxpayer", "risk_point", "case_event", "payment", "return_line")}
    summary, identity = shown(profile["summary"])[0], shown(profile["identity"])
    assert (summary["taxpayer"], summary["name"]) == (busiest, own["taxpayer"][0]["name"])
    assert own["taxpayer"][0]["legal_rep"] in {f["value"] for f in identity}
    assert {f["line"] for f in identity} == {str(own["taxpayer"][0]["line"])}
    assert summary["cases"] == str(len({e["case_id"] for e in own["case_event"]}))
    if not summary["level"].startswith("not shown"):
        is_open = [p["state"] in ("opened", "changed") for p in own["risk_point"]]
        assert (int(summary["open points"]), len(shown(profile["points-open"])), len(shown(profile["points-other"]))) == (sum(is_open), sum(is_open), len(is_open) - sum(is_open))
    events = sorted(own["case_event"], key=lambda e: (str(e["event_on"]), e["case_id"], str(e["event_no"])), reverse=True)[:30]
    assert [r["event_on"] for r in shown(profile["contacts"])] == [str(e["event_on"]) for e in events]
    assert len(shown(profile["payments"])) == min(12, len(own["payment"]))


def test_declared_sales_stand_beside_invoices(profile: Cells, night_lake: Place, busiest: str) -> None:
    night = night_lake.published()
    invoices = [r for r in night_lake.known(night, "invoice").to_pylist() if r["seller_id"] == busiest]
    declared = {(str(r["period_from"]), str(r["period_to"])): float(r["amount"]) for r in night_lake.known(night, "return_line").to_pylist()
                if r["taxpayer_id"] == busiest and r["tax"] == "VAT" and r["return_line"] == "sales"}
    found = shown(profile["sales"])
    assert len(found) == min(6, len(declared))
    for row in found:
        assert number(row["declared"]) == pytest.approx(declared[row["period_from"], row["period_to"]], abs=0.51)
        net = sum(float(i["net"]) for i in invoices if row["period_from"] <= str(i["issued_on"]) <= row["period_to"])
        assert number(row["invoiced"]) == pytest.approx(net, abs=0.51)
    assert drawn(profile["sales-plot"])


def test_each_fact_has_source_and_date(profile: Cells) -> None:
    sections = {name: shown(outputs) for name, outputs in profile.items() if any(">known on<" in str(o) for o in outputs)}
    assert len(sections) >= 12
    bare = [name for name, found in sections.items() for r in found if not r["source"] or not re.fullmatch(r"\d{4}-\d\d-\d\d", r["known on"])]
    assert bare == []


def test_without_a_name_it_is_the_first_of_the_list_and_each_view_is_recorded(first_profile: Cells, tonight: Cells, busiest: str, cases: Path) -> None:
    first = shown(tonight["list"])[0]["taxpayer"]
    assert shown(first_profile["summary"])[0]["taxpayer"] == first
    assert views(cases)[-2:] == [(f"taxpayer:{busiest}", "seen", "risk analysis"), (f"taxpayer:{first}", "seen", "risk analysis")]


def test_an_unknown_taxpayer_is_refused_unnamed_and_unrecorded(night_lake: Place, cases: Path) -> None:
    before = len(views(cases))
    with pytest.raises(CellExecutionError, match="no taxpayer with that id was known") as caught:
        run("profile", night_lake, cases, taxpayer_id="91330200MA00000000")
    assert "91330200MA00000000" not in caught.value.evalue
    assert len(views(cases)) == before


# --- both ---


def test_nothing_is_written_to_a_stream(tonight: Cells, profile: Cells) -> None:
    assert [o for cells in (tonight, profile) for outs in cells.values() for o in outs if o.output_type == "stream"] == []


def test_without_a_lake_it_says_what_to_do_and_makes_none(night_lake: Place, cases: Path, tmp_path: Path) -> None:
    nowhere = Place(type(night_lake.lake)(str(tmp_path), 4), night_lake.conf, tmp_path, night_lake.cases)
    with pytest.raises(CellExecutionError, match=r"holds no lake.*ASSAY_LAKE.*make demo"):
        run("tonight", nowhere, cases)
    assert list(tmp_path.iterdir()) == []
