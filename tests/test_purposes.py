"""A column reaches a feature, an indicator, a letter or a statistic only where its contract allows that purpose; else no place is opened (exit 3)."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import pytest

from jobs.analyse.features import FAMILIES, FEATURES, permitted
from jobs.analyse.frame import Frame
from jobs.analyse.indicator import REGISTRY, About, Indicator, Reading
from jobs.analyse.origins import ORIGINS, _Books, _books, indicator_columns, peer_columns
from jobs.analyse.panel import Panel
from jobs.cli import main
from jobs.cli.purposes import must_be_permitted
from jobs.conf import Conf, PurposeError, load
from jobs.lake.arrays import Floats
from jobs.lake.step import Kind, Step, Tables
from jobs.lake.tables import SILVER, TABLES, table

HERE = Path(__file__).parents[1]
SHIPPED = load(HERE / "conf")


def without(purpose: str, source: str, name: str, conf: Conf = SHIPPED) -> Conf:
    """The configuration with one purpose taken away from one column or line."""
    contract = conf.sources[source]
    part = "columns" if name in contract.columns else "lines"
    fields = getattr(contract, part)
    kept = tuple(p for p in fields[name].purposes if p != purpose)
    assert kept != fields[name].purposes
    changed = contract.model_copy(update={part: {**fields, name: fields[name].model_copy(update={"purposes": kept})}})
    return conf.model_copy(update={"sources": {**conf.sources, source: changed}})


def test_the_shipped_configuration_keeps_to_its_purposes() -> None:
    must_be_permitted(SHIPPED)


#   taken away    from the column                     the refusal names
CASES = [
    ("risk", "land", "original_value", "conf/sources/land.yaml: original_value: its purposes do not allow `risk`, but land_log, land_to_sales_12m would use it; add it"),
    ("risk", "vat_return", "exports", "conf/sources/vat_return.yaml: exports: its purposes do not allow `risk`, but vat_sales_below_invoices"),
    ("risk", "invoice", "kind", "invoice.yaml: kind: its purposes do not allow `risk`, but vat_red_letter_share"),
    ("letter", "vat_return", "credit_out", "credit_out: its purposes do not allow `letter`, but a letter about vat_credit_above_stock would use it; add it to the column, or shut the source"),
    ("letter", "registry", "name", "registry.yaml: name: its purposes do not allow `letter`, but every letter would use it"),
    ("statistics", "registry", "region", "registry.yaml: region: its purposes do not allow `statistics`, but the evaluation would use it"),
]


@pytest.mark.parametrize(("purpose", "source", "name", "says"), CASES)
def test_a_purpose_taken_away_is_refused_by_contract_column_and_reader(purpose: str, source: str, name: str, says: str) -> None:
    with pytest.raises(PurposeError, match=re.escape(says)):
        must_be_permitted(without(purpose, source, name))


def test_features_named_as_forbidden_are_given_up_and_the_rest_goes_on() -> None:
    conf = without("risk", "land", "original_value")
    given_up = conf.ranking.model_copy(update={"forbidden_features": (*conf.ranking.forbidden_features, "land_log", "land_to_sales_12m")})
    conf = conf.model_copy(update={"ranking": given_up})
    must_be_permitted(conf)
    assert {f.name for f in FEATURES} - {f.name for f in permitted(conf)} == {"land_log", "land_to_sales_12m"}


def test_a_source_shut_in_disclosure_needs_no_letter() -> None:
    conf = without("letter", "financial_statement", "inventory")
    with pytest.raises(PurposeError, match="a letter about vat_credit_above_stock"):
        must_be_permitted(conf)
    shut = tuple(d.model_copy(update={"allowed": False}) if d.source == "financial_statement" else d for d in conf.disclosure)
    must_be_permitted(conf.model_copy(update={"disclosure": shut}))


@pytest.fixture
def new_indicator(monkeypatch: pytest.MonkeyPatch) -> Iterator[Mapping[str, Indicator]]:
    """An indicator that reads the bank's months, registered and published."""
    plain = REGISTRY["vat_red_letter_share"]
    about = About(**{**vars(plain.about), "id": "vat_sales_below_bank", "inputs": ("taxpayer_month", "bank_month")})
    monkeypatch.setitem(REGISTRY, about.id, Indicator(about, plain.rule))
    yield REGISTRY


def test_a_new_indicator_on_a_gated_table_is_refused(new_indicator: Mapping[str, Indicator]) -> None:
    published = next(p for p in SHIPPED.indicators if p.id == "vat_red_letter_share").model_copy(update={"id": "vat_sales_below_bank"})
    conf = SHIPPED.model_copy(update={"indicators": (*SHIPPED.indicators, published)})
    must_be_permitted(SHIPPED)  # registered, but not in use
    with pytest.raises(PurposeError, match=r"conf/sources/bank_month\.yaml: inflow: its purposes do not allow `risk`, but vat_sales_below_bank"):
        must_be_permitted(conf)
    allowed = SHIPPED.model_copy(update={"indicators": (*SHIPPED.indicators, published.model_copy(update={"state": "draft"}))})
    must_be_permitted(allowed)


def test_an_indicator_is_judged_by_what_it_takes_and_not_by_what_it_says() -> None:
    def rule(frame: Frame, settings: Mapping[str, float]) -> Reading:
        hidden = frame.last("fs_inventory") + frame.peer("wage_per_head")[0]
        return Reading(hidden, hidden, hidden, hidden, np.ones(frame.rows, dtype=bool))

    about = About(**{**vars(REGISTRY["vat_red_letter_share"].about), "inputs": ("taxpayer_month",)})
    seen = indicator_columns(Indicator(about, rule))
    assert {"financial_statement.inventory", "return_line.wages", "return_line.heads", "taxpayer.industry"} <= set(seen)
    assert "return_line.sales" not in seen


#   step on a gated table                                                                       refused
STEPS = [
    (Step("tips", "analyse", Kind.KERNEL, print, "ratio", reads=("tip_off",)), True),
    (Step("flows", "rank", Kind.KERNEL, print, "ratio", changes=("bank_month",)), True),
    (Step("file", "respond", Kind.KERNEL, print, "ratio", reads=("tip_off",)), False),
    (Step("sums", "analyse", Kind.KERNEL, print, "ratio", reads=("invoice",)), False),
]


@pytest.mark.parametrize(("step", "refused"), STEPS)
def test_no_step_of_the_rooms_that_score_reads_a_gated_table(step: Step, refused: bool) -> None:
    if not refused:
        return must_be_permitted(SHIPPED, (step,))
    with pytest.raises(PurposeError, match=f"step '{step.name}' of room {step.room} reads it"):
        must_be_permitted(SHIPPED, (step,))


def test_the_command_is_refused_with_exit_3_before_a_lake_is_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.copytree(HERE / "conf", tmp_path / "conf")
    path = tmp_path / "conf" / "sources" / "land.yaml"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("unit: 万元, min: 0}", "unit: 万元, min: 0, purposes: [case]}"), encoding="utf-8")
    assert path.read_text(encoding="utf-8") != text
    for name, value in {"ASSAY_CONF": "conf", "ASSAY_LAKE": "lake"}.items():
        monkeypatch.setenv(name, str(tmp_path / value))
    monkeypatch.setattr("sys.argv", ["assay", "nightly", "--as-of", "2026-01-20"])
    with pytest.raises(SystemExit) as left:
        main()
    assert left.value.code == 3 and "land.yaml: original_value" in capsys.readouterr().err
    assert not (tmp_path / "lake").exists()


class _Watched(Panel):
    """A panel that notes which peers were asked for, as the ledger notes the rest."""

    def peer(self, measure: str) -> Floats:
        _note(self, {*peer_columns(measure), "taxpayer.industry", "taxpayer.segment"})
        return super().peer(measure)

    def own(self, measure: str) -> Floats:
        _note(self, set(peer_columns(measure)))
        return super().own(measure)


def _note(books: Panel, columns: set[str]) -> None:
    assert isinstance(books.ledger, _Books)
    books.ledger.seen |= columns


# Looked at only for whether a statement is there at all, or since when invoices can be expected.
WHETHER = {"taxpayer.registered_on", *(f"financial_statement.{i}" for i in ("revenue", "cost", "profit", "inventory", "assets", "payable", "wages"))}


@pytest.mark.parametrize("family", FAMILIES, ids=lambda f: f.name)
def test_features_declare_every_column_their_family_takes(family: object) -> None:
    books = _books()
    for name in ("party_fact", "outcome", "tax_registration"):
        books.tables[name] = table(name).schema.empty_table()
    family.count(_Watched(books, np.zeros(0, dtype=np.int64), Tables(books.tables, previous={}, history={})))  # type: ignore[attr-defined]
    declared = {i for f in family.features for i in f.inputs}  # type: ignore[attr-defined]
    assert books.seen - declared - WHETHER == set()


def test_every_figure_of_the_month_tables_has_its_origin_in_silver() -> None:
    for name, columns in ORIGINS.items():
        plain = {c.name for c in TABLES[name].own if c.name not in (*TABLES[name].key, "due_at", "grace_until")}
        assert plain <= set(columns), name
    silver = {f"{t.name}.{c.name}" for t in SILVER for c in t.own}
    parts = {"return_line", "financial_statement"}
    named = {o for columns in ORIGINS.values() for origins in columns.values() for o in origins}
    assert {o for o in named if o.split(".")[0] not in parts} <= silver
    lines = {f"{t}.{n}" for s in SHIPPED.sources.values() for t, n, _ in s.fields()}
    assert {o for o in named if o.split(".")[0] in parts} <= lines
