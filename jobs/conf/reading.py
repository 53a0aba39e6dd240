"""Reading a configuration folder as a whole: every fault with its file, key path and what is allowed, all at once."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError

from jobs.conf.base import ConfError
from jobs.conf.source import Source
from jobs.conf.whole import (
    Conf,
    Disclosure,
    Due,
    House,
    IndicatorParameters,
    Levels,
    Limitation,
    Office,
    Plan,
    Post,
    Ranking,
    RiskCode,
    Transition,
    Treatment,
    Wording,
)

_LISTS: dict[str, type[BaseModel]] = {
    "offices": Office,
    "levels": Levels,
    "calendar": Due,
    "limitation": Limitation,
    "disclosure": Disclosure,
    "posts": Post,
    "workflow": Transition,
    "wording": Wording,
}


def root() -> Path:
    """The configuration's folder: `ASSAY_CONF`, or conf/ of the checkout."""
    return Path(os.environ.get("ASSAY_CONF") or Path(__file__).parents[2] / "conf")


def load(folder: Path | None = None) -> Conf:
    """Read and check a configuration folder as a whole.

    Raises ConfError naming file, key path and what is allowed, for every fault found at once.
    """
    folder = folder or root()
    if not (folder / "assay.yaml").is_file():
        raise ConfError(f"{folder}: no assay.yaml there; set ASSAY_CONF to a configuration folder")
    faults: list[str] = []
    parts: dict[str, Any] = {"house": _read(folder / "assay.yaml", House, faults)}
    if (folder / "rank.yaml").is_file():
        parts["ranking"] = _read(folder / "rank.yaml", Ranking, faults)
    parts["sources"] = {p.stem: _read(p, Source, faults) for p in sorted((folder / "sources").glob("*.yaml"))}
    for key, model in _LISTS.items():
        parts[key] = _read_list(folder / f"{key}.yaml", model, faults)
    parts["treatments"] = {t.id: t for t in _read_list(folder / "treatments.yaml", Treatment, faults)}
    parts["register"] = {r.code: r for r in _read_list(folder / "register.yaml", RiskCode, faults)}
    parts["indicators"] = tuple(
        i for p in sorted((folder / "indicators").glob("*.yaml")) for i in _read_list(p, IndicatorParameters, faults)
    )
    parts["plans"] = tuple(_read(p, Plan, faults) for p in sorted((folder / "plan").glob("*.yaml")))
    if faults:
        raise ConfError("the configuration cannot be used:\n  " + "\n  ".join(faults))
    conf = Conf.model_construct(**{**parts, "register_": parts.pop("register")})
    if faults := _cross_checks(conf):
        raise ConfError("the configuration cannot be used:\n  " + "\n  ".join(faults))
    return conf


def _yaml(path: Path, faults: list[str]) -> Any:
    try:
        return yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as fault:
        mark = getattr(fault, "problem_mark", None)
        place = f":{mark.line + 1}:{mark.column + 1}" if mark else ""
        faults.append(f"{path.name}{place}: not readable as UTF-8 YAML ({getattr(fault, 'problem', None) or 'encoding'}); correct the line")
        return None


def _read(path: Path, model: type[BaseModel], faults: list[str]) -> Any:
    found = _yaml(path, faults)
    if found is None:
        if not faults:
            faults.append(f"{path.name}: is empty; give the keys of {model.__name__}")
        return None
    return _validated(found, model, path.name, "", faults)


def _read_list(path: Path, model: type[BaseModel], faults: list[str]) -> tuple[Any, ...]:
    if not path.is_file():
        return ()
    before = len(faults)
    found = _yaml(path, faults)
    if not isinstance(found, list):
        if len(faults) == before:
            faults.append(f"{path.name}: must be a list of entries, each starting with '- '")
        return ()
    checked = (_validated(entry, model, path.name, f"[{n}]", faults) for n, entry in enumerate(found))
    return tuple(c for c in checked if c is not None)


def _validated(found: Any, model: type[BaseModel], name: str, prefix: str, faults: list[str]) -> Any:
    try:
        return model.model_validate(found)
    except ValidationError as error:
        for fault in error.errors():
            path = ".".join([p for p in [prefix] if p] + [str(p) for p in fault["loc"]])
            known = (
                f"; known keys: {', '.join(sorted(model.model_fields))}"
                if fault["type"] == "extra_forbidden" and len(fault["loc"]) == 1
                else ""
            )
            faults.append(f"{name}: {path or '(whole file)'}: {fault['msg']}{known}")
        return None


def _cross_checks(conf: Conf) -> list[str]:
    faults = [f"sources/{file}.yaml: name: '{s.name}' differs from the file's name" for file, s in conf.sources.items() if s.name != file]
    offices = {o.id for o in conf.offices}
    faults += [f"offices.yaml: {o.id}.parent: no office '{o.parent}'" for o in conf.offices if o.parent and o.parent not in offices]
    faults += [
        f"register.yaml: {r.code}.treatment: no treatment '{r.treatment}' in treatments.yaml"
        for r in conf.register_.values()
        if r.treatment not in conf.treatments
    ]
    for levels in conf.levels:
        faults += [
            f"levels.yaml: hard_high: no risk code '{code}' in register.yaml" for code in levels.hard_high if code not in conf.register_
        ]
    for plan in conf.plans:
        where = f"plan/{plan.year}.yaml"
        faults += [f"{where}: capacity: no office '{c.office}'" for c in plan.capacity if c.office not in offices]
        named = [c.treatment for c in plan.capacity] + list(plan.days_per_thousand) + list(plan.holdout)
        faults += [f"{where}: no treatment '{t}' in treatments.yaml" for t in named if t not in conf.treatments]
        faults += [
            f"{where}: holdout.{t}: the law leaves no holdout for '{t}' (treatments.yaml)"
            for t in plan.holdout
            if t in conf.treatments and not conf.treatments[t].holdout_allowed
        ]
        if sum(plan.floors.values()) > 1:
            faults.append(f"{where}: floors: add up to {sum(plan.floors.values()):.2f}; at most 1")
    return faults
