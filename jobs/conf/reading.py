"""Reading a configuration folder as a whole: every fault with its file, key path and what is allowed, all at once."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from jobs.conf.base import ConfError
from jobs.conf.codes import CodesError, CodeSystem, read_system
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

_NAMED_BY = ("id", "code", "key", "act", "tax", "source")  # what an entry of a list is called in a message: the first of these it has
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


M = TypeVar("M", bound=BaseModel)


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
    parts = _parts(folder, faults)
    if faults:
        raise unusable(faults)
    conf = Conf.model_construct(**{**parts, "register_": parts.pop("register")})
    if faults := _cross_checks(conf):
        raise unusable(faults)
    return conf


def unusable(faults: list[str]) -> ConfError:
    """One error for all faults found, each on a line of its own."""
    return ConfError("the configuration cannot be used:\n  " + "\n  ".join(faults))


def read_one(path: Path, model: type[M], faults: list[str]) -> M | None:
    """One YAML file as a model, by the rules of every configuration file; None and an added fault when it cannot be used."""
    found: M | None = _read(path, model, path.name, faults)
    return found


def _parts(folder: Path, faults: list[str]) -> dict[str, Any]:
    def one(path: Path, model: type[BaseModel]) -> Any:
        return _read(path, model, _place(folder, path), faults)

    def many(path: Path, model: type[BaseModel]) -> tuple[Any, ...]:
        return _read_list(path, model, _place(folder, path), faults)

    parts: dict[str, Any] = {"house": one(folder / "assay.yaml", House)}
    if (folder / "rank.yaml").is_file():
        parts["ranking"] = one(folder / "rank.yaml", Ranking)
    parts["sources"] = {p.stem: one(p, Source) for p in sorted((folder / "sources").glob("*.yaml"))}
    for key, model in _LISTS.items():
        parts[key] = many(folder / f"{key}.yaml", model)
    parts["treatments"] = {t.id: t for t in many(folder / "treatments.yaml", Treatment)}
    parts["register"] = {r.code: r for r in many(folder / "register.yaml", RiskCode)}
    parts["indicators"] = tuple(i for p in sorted((folder / "indicators").glob("*.yaml")) for i in many(p, IndicatorParameters))
    parts["plans"] = tuple(one(p, Plan) for p in sorted((folder / "plan").glob("*.yaml")))
    if (folder / "codes").is_dir():
        parts["codes"] = _codes(folder / "codes", faults)
    return parts


def _codes(folder: Path, faults: list[str]) -> CodeSystem:
    """The code tables of conf/codes/, their places told as those of any other file."""
    try:
        found = read_system(folder)
    except CodesError as fault:
        faults.append(str(fault).replace(str(folder), "conf/codes"))
        return CodeSystem()
    for codes in found.tables.values():
        for periods in codes.values():
            periods[:] = [c._replace(file=f"conf/codes/{Path(c.file).name}") for c in periods]
    for said in found.successors.values():
        for successors in said.values():
            successors[:] = [s._replace(file=f"conf/codes/{Path(s.file).name}") for s in successors]
    return found


def _place(folder: Path, path: Path) -> str:
    """A file as messages name it, whatever the folder is called: conf/indicators/vat.yaml."""
    return f"conf/{path.relative_to(folder).as_posix()}"


def _yaml(path: Path, name: str, faults: list[str]) -> Any:
    try:
        return yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as fault:
        mark = getattr(fault, "problem_mark", None)
        place = f":{mark.line + 1}:{mark.column + 1}" if mark else ""
        faults.append(f"{name}{place}: not readable as UTF-8 YAML ({getattr(fault, 'problem', None) or 'encoding'}); correct the line")
        return None


def _read(path: Path, model: type[BaseModel], name: str, faults: list[str]) -> Any:
    before = len(faults)
    found = _yaml(path, name, faults)
    if found is None:
        if len(faults) == before:
            faults.append(f"{name}: is empty; give the keys of {model.__name__}")
        return None
    return _validated(found, model, name, "", faults)


def _read_list(path: Path, model: type[BaseModel], name: str, faults: list[str]) -> tuple[Any, ...]:
    if not path.is_file():
        return ()
    before = len(faults)
    found = _yaml(path, name, faults)
    if not isinstance(found, list):
        if len(faults) == before:
            faults.append(f"{name}: must be a list of entries, each starting with '- '")
        return ()
    checked = (_validated(entry, model, name, _entry(entry, n), faults) for n, entry in enumerate(found, 1))
    return tuple(c for c in checked if c is not None)


def _entry(entry: Any, n: int) -> str:
    """An entry by its own name and its place in the list: the same id stands there once for every date it changed on."""
    called = next((str(entry[k]) for k in _NAMED_BY if entry.get(k)), "") if isinstance(entry, dict) else ""
    return f"{called} (entry {n})" if called else f"entry {n}"


def _validated(found: Any, model: type[BaseModel], name: str, prefix: str, faults: list[str]) -> Any:
    try:
        return model.model_validate(found)
    except ValidationError as error:
        for fault in error.errors():
            path = ": ".join(p for p in (prefix, ".".join(str(p) for p in fault["loc"])) if p)
            known = (
                f"; known keys: {', '.join(sorted(model.model_fields))}"
                if fault["type"] == "extra_forbidden" and len(fault["loc"]) == 1
                else ""
            )
            faults.append(f"{name}: {path or '(whole file)'}: {fault['msg']}{_found(fault)}{known}")
        return None


def _found(fault: Any) -> str:
    """What stands there, where the message alone says only what should."""
    plain = isinstance(fault["input"], str | int | float) and fault["type"] != "value_error"
    return f"; found {fault['input']!r}" if plain else ""


def _cross_checks(conf: Conf) -> list[str]:
    faults = [f"conf/sources/{file}.yaml: name: '{s.name}' differs from the file's name" for file, s in conf.sources.items() if s.name != file]
    faults += [
        f"conf/sources/{s.name}.yaml: {name}: code_table: no table '{f.code_table}' in conf/codes/; known: {', '.join(sorted(conf.codes.tables)) or 'none'}"
        for s in conf.sources.values()
        for _, name, f in s.fields()
        if f.code_table and f.code_table not in conf.codes.tables
    ]
    offices = {o.id for o in conf.offices}
    faults += [f"conf/offices.yaml: {o.id}: parent: no office '{o.parent}'" for o in conf.offices if o.parent and o.parent not in offices]
    faults += [
        f"conf/register.yaml: {r.code}: treatment: no treatment '{r.treatment}' in treatments.yaml"
        for r in conf.register_.values()
        if r.treatment not in conf.treatments
    ]
    for levels in conf.levels:
        faults += [
            f"conf/levels.yaml: hard_high: no risk code '{code}' in register.yaml" for code in levels.hard_high if code not in conf.register_
        ]
    for plan in conf.plans:
        where = f"conf/plan/{plan.year}.yaml"
        faults += [f"{where}: capacity: no office '{c.office}'" for c in plan.capacity if c.office not in offices]
        named = [c.treatment for c in plan.capacity] + list(plan.days_per_thousand) + list(plan.holdout)
        faults += [f"{where}: no treatment '{t}' in treatments.yaml" for t in named if t not in conf.treatments]
        faults += [
            f"{where}: holdout.{t}: the law leaves no holdout for '{t}' (treatments.yaml)"
            for t in plan.holdout
            if t in conf.treatments and not conf.treatments[t].holdout_allowed
        ]
        types = sorted({r.risk_type for r in conf.register_.values()})
        faults += [
            f"{where}: floors.{name}: no risk code of conf/register.yaml has this risk type; those that have one: {', '.join(types)}"
            for name in plan.floors
            if name not in types
        ]
        if sum(plan.floors.values()) > 1:
            faults.append(f"{where}: floors: add up to {sum(plan.floors.values()):.2f}; at most 1")
    return faults
