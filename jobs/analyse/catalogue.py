"""The catalogue of indicators as Markdown: printed from the registry and the parameters, so that it cannot fall behind either."""

from __future__ import annotations

from datetime import date

from jobs.analyse import indicator_families as _registered  # noqa: F401  registers every indicator
from jobs.analyse.indicator import REGISTRY, Indicator, Side
from jobs.analyse.origins import indicator_columns
from jobs.conf import Conf, IndicatorParameters, in_force, load

_HEAD = """# Indicators

<!-- printed by jobs/analyse/catalogue.py from the registry and conf/indicators/; edit those -->

An indicator is a rule over (taxpayer, tax, period). It hits when its difference reaches the threshold *and* the tax at stake reaches
the floor. Where a side is missing or a denominator is not positive it gives no answer and says why. A hit is a question, never a
finding: the innocent explanations belong to the rule. Periods are calendar quarters and years, judged once every return owed in them
is past due date and grace. Strength is difference / threshold, at most 10.
"""
_COLUMNS = ("indicator", "risk code", "tax and period", "threshold", "floor", "weight", "state")


def catalogue(conf: Conf | None = None, as_of: date | None = None) -> str:
    """docs/indicators.md: every indicator with formula, unit, inputs, rules, law, innocent explanations, sentences and parameters.

    With a date, the parameters in force on it; without, the latest of each indicator.
    """
    conf = conf or load()
    entries = in_force(conf.indicators, as_of) if as_of else conf.indicators
    parameters = {p.id: p for p in sorted(entries, key=lambda p: p.valid_from)}
    rows = [_row(rule, parameters.get(name)) for name, rule in sorted(REGISTRY.items())]
    table = ["| " + " | ".join(r) + " |" for r in (_COLUMNS, ("---",) * len(_COLUMNS), *rows)]
    return (
        "\n".join([_HEAD, *table, "", *(_section(rule, parameters.get(name)) for name, rule in sorted(REGISTRY.items()))]).rstrip() + "\n"
    )


def _frames(rule: Indicator) -> str:
    return ", ".join(f"{tax} {span}" for tax, span in rule.about.frames)


def _row(rule: Indicator, p: IndicatorParameters | None) -> tuple[str, ...]:
    about = rule.about
    own = (f"{p.threshold:g}", f"{p.floor_amount:g}", f"{p.weight:g}", p.state) if p else ("—", "—", "—", "no parameters")
    return (f"[{about.id}](#{about.id})", about.risk_code, _frames(rule), *own)


def _section(rule: Indicator, p: IndicatorParameters | None) -> str:
    about = rule.about
    lines = [
        f"## {about.id}",
        "",
        f"**{about.name_en} · {about.name_zh}** (version {about.version})",
        "",
        f"* Formula: {about.formula}",
        f"* Difference in: {about.unit}",
        f"* Judged on: {_frames(rule)}; inputs: {', '.join(about.inputs)}",
        f"* Comes from: {', '.join(indicator_columns(rule))}",
        f"* As of: {about.as_of_rule}",
        f"* Peers: {about.peer_rule}",
        f"* Needs at least: {about.minimum}",
        f"* Legal basis: {about.legal_basis}",
        f"* Innocent explanations: {'; '.join(about.innocent)}",
        f"* Facts: {_side(about.declared)}, against {_side(about.other)}",
        f"* Inspector reads: “{about.sentence_en}” “{about.sentence_zh}”",
        f"* Taxpayer reads: “{about.taxpayer_en}” “{about.taxpayer_zh}”",
        *_parameters(p),
        "",
    ]
    return "\n".join(lines)


def _side(side: Side) -> str:
    return f"{side.label_en} {side.label_zh} ({side.source}.{side.field})"


def _parameters(p: IndicatorParameters | None) -> list[str]:
    if p is None:
        return ["* Parameters: none in conf/indicators/; it is not evaluated"]
    further = {**{f"override {k}": v for k, v in p.overrides.items()}, **p.settings}
    more = "".join(f", {name} {value:g}" for name, value in sorted(further.items()))
    until = f" to {p.valid_to}" if p.valid_to else ""
    return [
        f"* Parameters since {p.valid_from}{until}, {p.state}, owner {p.owner}: threshold {p.threshold:g}, floor {p.floor_amount:g}, weight {p.weight:g}{more} ({p.source})"
    ]
