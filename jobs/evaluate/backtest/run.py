"""`assay backtest`: study in; metrics.json, predictions.parquet and report.html out."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from jobs.evaluate.backtest import measure, read, report, table
from jobs.evaluate.backtest.measure import Run
from jobs.evaluate.backtest.study import Study, StudyError, load
from jobs.evaluate.backtest.table import Data
from models.candidates import RULES, FitError
from models.choose import Choice, ObjectiveError, choose
from models.leaks import Leak, find_leaks
from models.splits import SplitError

log = logging.getLogger(__name__)
DONE, BAD_STUDY, LEAK_REFUSED = 0, 2, 3
TOO_GOOD = 0.985


def backtest(study: Path, out: Path) -> int:
    """Rank and evaluate the table that a study names; returns the exit code.

    0 done: `out` holds metrics.json, predictions.parquet and report.html. 2 the study or its table cannot be used: the log says which key
    or column and the remedy. 3 a feature gives the label away and `allow_leaks` is not set: the log and metrics.json name it and why.
    """
    try:
        asked = load(study)
        found, notes = read.read(asked.rows, study.resolve().parent)
        data = table.prepare(found, asked, notes)
        del found
        leaks = _leaks(data, asked)
        out.mkdir(parents=True, exist_ok=True)
        if leaks and not asked.allow_leaks:
            _refuse(leaks, data, asked, out)
            return LEAK_REFUSED
        _compare(data, asked, leaks, out)
    except (StudyError, SplitError, ObjectiveError, FitError) as fault:
        log.error("backtest: %s", fault)
        return BAD_STUDY
    log.info("backtest: report in %s", out / "report.html")
    return DONE


def _leaks(data: Data, study: Study) -> list[Leak]:
    who = data.ids if data.groups is None else data.groups
    found = find_leaks(data.matrix, data.label, np.unique(who.astype(str), return_inverse=True)[1])
    return [Leak(study.rules or x.feature, x.check, x.strength, x.why) if x.feature == RULES else x for x in found]


def _refuse(leaks: list[Leak], data: Data, study: Study, out: Path) -> None:
    for leak in leaks:
        log.error("backtest: refused: feature '%s' gives the label away: %s", leak.feature, leak.why)
    log.error(
        "backtest: list them under features.drop if they were filled in after the fact, or set allow_leaks: true to go on all the same"
    )
    (out / "predictions.parquet").unlink(missing_ok=True)
    found = _head(data, study) | {"refused": True, "chosen": None, "candidates": {}, "leaks": [_leak(x) for x in leaks]}
    _write(found, out)
    (out / "report.html").write_text(report.refusal(found), encoding="utf-8")


def _compare(data: Data, study: Study, leaks: list[Leak], out: Path) -> None:
    splits, notes = measure.make_splits(data, study)
    runs: dict[str, list[Run]] = {}
    results: dict[str, dict[str, dict[str, Any]]] = {}
    for name in study.names:
        log.info("backtest: %s on %d splits", name, len(splits))
        runs[name] = [measure.run(name, split, data, study) for split in splits]
        results[name] = {r.split.name: measure.measured(r, data, study) for r in runs[name]}
    aim = study.aim
    choice = choose({n: [measure.aimed(found, aim) for found in by_split.values()] for n, by_split in results.items()}, aim)
    lists = {n: [measure.pooled(r, data)] if study.split.kind == "folds" else r for n, r in runs.items()}
    if study.split.kind == "folds":
        for name in study.names:
            results[name][measure.POOLED] = measure.measured(lists[name][0], data, study)
    found = _head(data, study) | {
        "refused": False, "chosen": choice.chosen, "forward_regret": choice.forward_regret,
        "candidates": {n: _candidate(n, choice, results[n], runs[n]) for n in study.names},
        "leaks": [_leak(x) for x in leaks],
    }  # fmt: skip
    found["notes"] = [*data.notes, *notes, *_too_good(results, choice.chosen)]
    _write(found, out)
    pq.write_table(predictions([r for name in study.names for r in runs[name]], data), out / "predictions.parquet")
    (out / "report.html").write_text(report.page(found, lists, runs, data, study), encoding="utf-8")


def _too_good(results: dict[str, dict[str, dict[str, Any]]], chosen: str) -> list[str]:
    """A leak may lie in several features together, where no check of single ones can see it: say when the result is suspicious."""
    areas = [v for held in results[chosen].values() if (v := held["auc"]["expected"]) is not None]
    if not areas or float(np.mean(areas)) <= TOO_GOOD:
        return []
    return [
        f"AUC {np.mean(areas):.4f} of {chosen} is too good to be true for most tables: features together may give the label away; look at what it "
        "rests on, and at how the label was made"
    ]


def _head(data: Data, study: Study) -> dict[str, Any]:
    known = ~np.isnan(data.label)
    return {
        "name": study.name, "rows": len(data.label), "entities": len(np.unique(data.ids.astype(str))), "features": len(data.matrix.names),
        "labelled": int(known.sum()), "positives": int((data.label == 1).sum()), "base_rate": float(data.label[known].mean()),
        "split": study.split.model_dump(mode="json"), "known_after": study.label.known_after, "objective": study.aim.text, "seed": study.seed,
        "notes": list(data.notes),
    }  # fmt: skip


def _candidate(name: str, choice: Choice, results: dict[str, dict[str, Any]], runs: list[Run]) -> dict[str, Any]:
    sorted_by = sorted({r.model.core.feature for r in runs if r.model is not None and hasattr(r.model.core, "feature")})
    extra = {"features": sorted_by} if sorted_by else {}
    return {"objective": choice.means[name], "regret": choice.regrets[name], **extra, "splits": results}


def _leak(leak: Leak) -> dict[str, Any]:
    return {"feature": leak.feature, "why": leak.why, "check": leak.check, "strength": leak.strength}


def _write(found: dict[str, Any], out: Path) -> None:
    (out / "metrics.json").write_text(json.dumps(found, ensure_ascii=False, indent=1, allow_nan=False) + "\n", encoding="utf-8")


def predictions(runs: list[Run], data: Data) -> pa.Table:
    """One row per candidate, split and test row: row (from 0, as in the file), id, as_of, split, candidate, score, rank, label, probability."""
    rows = np.concatenate([r.split.test for r in runs])
    ranks = []
    for r in runs:
        rank = np.empty(len(r.order), dtype=np.int32)
        rank[r.order] = np.arange(1, len(r.order) + 1, dtype=np.int32)
        ranks.append(rank)
    label = data.label[rows]
    return pa.table(
        {
            "row": pa.array(data.row[rows]),
            "id": pa.array(data.ids[rows], pa.string()),
            "as_of": pa.array(data.as_of[rows], pa.date32()),
            "split": pa.array(np.repeat([r.split.name for r in runs], [len(r.order) for r in runs]), pa.string()),
            "candidate": pa.array(np.repeat([r.candidate for r in runs], [len(r.order) for r in runs]), pa.string()),
            "score": pa.array(np.concatenate([r.score for r in runs])),
            "rank": pa.array(np.concatenate(ranks)),
            "label": pa.array(np.nan_to_num(label, nan=-1).astype(np.int8), pa.int8(), mask=np.isnan(label)),
            "probability": pa.array(np.concatenate([r.probability for r in runs])),
        }
    )
