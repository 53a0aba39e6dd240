"""Does everything that reads a silver column read it for a purpose its contract allows? Checked where a place is opened (exit 3).

What is read is declared by features and statistics, watched in indicators (jobs/analyse/origins.py), and told in letters by the
sides of an indicator that conf/disclosure.yaml lets out.
"""

from __future__ import annotations

from collections.abc import Iterable

from jobs.analyse.features import FEATURES
from jobs.analyse.indicator import NOT_DISCLOSED, REGISTRY, Side
from jobs.analyse.origins import indicator_columns
from jobs.conf import Conf, PurposeError, misuses
from jobs.evaluate.results import STATISTICS
from jobs.lake.step import Step
from jobs.pipeline import STEPS
from jobs.respond.letters import TOLD

_LEARN = "add it to the column, or name the features in conf/rank.yaml forbidden_features and retire the indicators"
_TELL = "add it to the column, or shut the source in conf/disclosure.yaml"
_COUNT = "add it to the column"
_RISK_ROOMS = ("analyse", "rank")


def must_be_permitted(conf: Conf, steps: Iterable[Step] = STEPS) -> None:
    """PurposeError naming contract, column, who reads it and the remedy, for every column read against its purposes."""
    scored = {f.name: f.inputs for f in FEATURES if f.name not in conf.ranking.forbidden_features}
    used = {p.id for p in conf.indicators if p.state in ("published", "trial")}
    rules = {name: indicator_columns(rule) for name, rule in REGISTRY.items() if name in used}
    faults = [
        *misuses(conf, "risk", {**rules, **scored}, _LEARN),
        *_gated(conf, steps),
        *misuses(conf, "letter", {"every letter": TOLD, **_told(conf, used)}, _TELL),
        *misuses(conf, "statistics", {"the evaluation": STATISTICS}, _COUNT),
    ]
    if faults:
        raise PurposeError("columns would be used for what they were not given for:\n  " + "\n  ".join(faults))


def _gated(conf: Conf, steps: Iterable[Step]) -> list[str]:
    """A source of which no column is for risk scoring feeds no step of the rooms that score."""
    shut = {s.table: s.name for s in conf.sources.values() if not any("risk" in f.purposes for _, _, f in s.fields())}
    return [
        f"conf/sources/{shut[name]}.yaml: no column of table '{name}' is for `risk`, but step '{step.name}' of room {step.room} reads it; take it out of the step"
        for step in steps
        if step.room in _RISK_ROOMS
        for name in dict.fromkeys((*step.reads, *step.changes, *step.versions))
        if name in shut
    ]


def _told(conf: Conf, used: set[str]) -> dict[str, list[str]]:
    """The silver columns that letters about an indicator tell."""
    open_ = {d.source for d in conf.disclosure if d.allowed}
    found: dict[str, list[str]] = {}
    for name in sorted(used & set(REGISTRY)):
        about = REGISTRY[name].about
        sides = [about.declared] if about.taxpayer_en == NOT_DISCLOSED else [about.declared, about.other]
        found[f"a letter about {name}"] = [column for side in sides if side.source in open_ for column in _columns(conf, side)]
    return found


def _columns(conf: Conf, side: Side) -> list[str]:
    """A side names a source, or the silver table of several."""
    return [f"{table}.{side.field}" for s in conf.sources.values() if side.source in (s.name, s.table) for table, name, _ in s.fields() if name == side.field]
