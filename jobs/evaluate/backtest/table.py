"""From a table to what a backtest needs: features, labels, amounts, entities, dates and groups."""

from __future__ import annotations

import difflib
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from jobs.evaluate.backtest import columns
from jobs.evaluate.backtest.study import Study, StudyError, span
from models.candidates import RULES
from models.matrix import FloatArray, Matrix

_TRUE = {
    "1",
    "true",
    "t",
    "yes",
    "y",
    "是",
    "有",
    "pos",
    "positive",
    "fraud",
    "fraudulent",
    "evader",
    "adjusted",
    "si",
    "sí",
    "oui",
    "ja",
    "sim",
}
_FALSE = {
    "0",
    "false",
    "f",
    "no",
    "n",
    "否",
    "无",
    "neg",
    "negative",
    "legit",
    "legitimate",
    "clean",
    "non",
    "nein",
    "não",
    "nao",
    "not adjusted",
    "not fraud",
}


@dataclass(frozen=True)
class Data:
    """Rows of a study. `row` is the number of the row in the file, from 0; `label` is 1, 0 or NaN; dates are NaT without as_of."""

    matrix: Matrix
    row: npt.NDArray[np.int64]
    ids: npt.NDArray[np.object_]
    label: FloatArray
    amount: FloatArray | None
    as_of: npt.NDArray[np.datetime64]
    known_at: npt.NDArray[np.datetime64]
    groups: npt.NDArray[np.object_] | None
    notes: tuple[str, ...]


def prepare(table: pa.Table, study: Study, notes: list[str]) -> Data:
    """Read every role's column and make the rest features. StudyError naming the key path, the column and the remedy."""
    roles = {
        "rows.id": study.rows.id, "rows.as_of": study.rows.as_of, "label.column": study.label.column, "label.amount": study.label.amount,
        "split.group": study.split.group, "rules": study.rules,
    }  # fmt: skip
    for where, name in roles.items():
        if name is not None:
            _need(table, name, where)
    as_of = _as_of(table, study)
    label = _label(table.column(study.label.column), study)
    keep = np.flatnonzero(~np.isnat(as_of)) if study.rows.as_of else np.arange(table.num_rows)
    if len(keep) < table.num_rows:
        notes.append(f"{table.num_rows - len(keep)} rows left out: no date in '{study.rows.as_of}'")
    if len(keep) == 0:
        raise StudyError(f"rows.as_of: '{study.rows.as_of}' holds no dates")
    table, as_of, label = table.take(pa.array(keep)), as_of[keep], label[keep]
    ids = _ids(table, study, keep, notes)
    _check_label(label, study)
    amount = _number(table, study.label.amount, "label.amount", notes)
    return Data(
        _matrix(table, study, {n for n in roles.values() if n}, as_of, notes), keep.astype(np.int64), ids, label, amount, as_of,
        _known_at(as_of, study), _groups(table, study, ids, notes), tuple(notes),
    )  # fmt: skip


def _need(table: pa.Table, name: str, where: str) -> None:
    if name in table.column_names:
        return
    near = difflib.get_close_matches(name, table.column_names, 1, 0.5)
    shown = ", ".join(table.column_names[:30]) + (", …" if table.num_columns > 30 else "")
    raise StudyError(f"{where}: no column '{name}'{f'; did you mean {near[0]!r}?' if near else ''}; the table has: {shown}")


def _as_of(table: pa.Table, study: Study) -> npt.NDArray[np.datetime64]:
    name = study.rows.as_of
    if name is None:
        return np.full(table.num_rows, np.datetime64("NaT"), dtype="datetime64[D]")
    column = table.column(name)
    read = columns.dates(column if pa.types.is_temporal(column.type) else columns.texts(column), study.rows.date_format)
    if isinstance(read, tuple):
        return read[0]
    if isinstance(read, str):
        raise StudyError(f"rows.as_of: '{name}' reads as {read}; set rows.date_format to the one that is meant")
    near = columns.dates(columns.texts(column), study.rows.date_format, least=0.5)
    if isinstance(near, tuple):
        bad = int(np.flatnonzero(np.isnat(near[0]) & ~np.asarray(pc.is_null(columns.texts(column))))[0])
        shown = columns.texts(column)[bad].as_py()
        raise StudyError(
            f"rows.as_of: row {bad} (from 0) of '{name}' holds '{shown}', the others read as {near[1]}; correct it or leave the cell empty"
        )
    raise StudyError(
        f"rows.as_of: '{name}' does not hold dates (for example '{columns.texts(column)[0].as_py()}'); set rows.date_format, such as %d/%m/%Y"
    )


def _known_at(as_of: npt.NDArray[np.datetime64], study: Study) -> npt.NDArray[np.datetime64]:
    number, unit = span(study.label.known_after)
    if unit == "D":
        return np.asarray(as_of + np.timedelta64(number, "D"))
    month = as_of.astype("datetime64[M]")
    moved = (month + np.timedelta64(number * (12 if unit == "Y" else 1), "M")).astype("datetime64[D]")
    return np.asarray(moved + (as_of - month.astype("datetime64[D]")))


def _label(column: pa.ChunkedArray, study: Study) -> FloatArray:
    """1, 0 or NaN. Numbers 0/1 (or -1/0/1: downward is not positive), truth values, or words for yes and no."""
    name, text = study.label.column, columns.texts(column)
    values = [str(v) for v in pc.unique(text.drop_null()).to_pylist()]
    if study.label.positive is not None:
        if study.label.positive not in values:
            raise StudyError(f"label.positive: no row has '{study.label.positive}' in '{name}'; it holds {', '.join(sorted(values)[:10])}")
        hit = pc.equal(text, study.label.positive)
        return _floats(hit)
    found = columns.numbers(column if not pa.types.is_string(column.type) else text)
    if found is not None and set(np.unique(found[0][~np.isnan(found[0])])) <= {-1.0, 0.0, 1.0}:
        return np.where(np.isnan(found[0]), np.nan, (found[0] > 0).astype(np.float64))
    words = {v.lower() for v in values}
    if words <= _TRUE | _FALSE:
        return _floats(pc.is_in(pc.utf8_lower(text), value_set=pa.array(sorted(_TRUE))), text)
    if len(values) > 20 and found is not None:
        raise StudyError(
            f"label.column: '{name}' holds {len(values)} different numbers; a label has two values: name a column of 0 and 1, or set label.positive"
        )
    raise StudyError(f"label.column: '{name}' holds {', '.join(sorted(values)[:10])}; set label.positive to the value that counts as 1")


def _floats(hit: pa.Array, text: pa.Array | None = None) -> FloatArray:
    values = pc.cast(hit, pa.float64())
    if text is not None:
        values = pc.if_else(pc.is_null(text), pa.scalar(None, pa.float64()), values)
    return np.asarray(values.to_numpy(zero_copy_only=False), dtype=np.float64)


def _check_label(label: FloatArray, study: Study) -> None:
    positives, negatives = int((label == 1).sum()), int((label == 0).sum())
    if min(positives, negatives) == 0:
        raise StudyError(f"label.column: '{study.label.column}' has {positives} positive and {negatives} negative rows; both are needed")


def _number(table: pa.Table, name: str | None, where: str, notes: list[str]) -> FloatArray | None:
    if name is None:
        return None
    found = columns.numbers(table.column(name), least=0.98)
    if found is None:
        raise StudyError(f"{where}: '{name}' does not hold numbers; correct the cells that are text")
    if found[1]:
        notes.append(f"'{name}': {found[1]} cells are no numbers: taken as missing")
    return found[0]


def _ids(table: pa.Table, study: Study, keep: npt.NDArray[np.int64], notes: list[str]) -> npt.NDArray[np.object_]:
    """Text ids as they stand; without an id column, or where it is empty, the row's number."""
    numbers = np.array([f"row {n}" for n in keep], dtype=object)
    if study.rows.id is None:
        return numbers
    text = columns.texts(table.column(study.rows.id))
    if text.null_count:
        notes.append(f"{text.null_count} rows have no '{study.rows.id}': each is taken as an entity of its own")
    ids = np.array(text.to_pylist(), dtype=object)
    return np.where(np.array([i is None for i in ids]), numbers, ids)


def _groups(table: pa.Table, study: Study, ids: npt.NDArray[np.object_], notes: list[str]) -> npt.NDArray[np.object_] | None:
    """The group of each row: the study's column; in folds, the id where an entity has several rows. A row without a group stands alone."""
    name = study.split.group
    if name is None:
        if study.split.kind == "folds" and study.rows.id is not None and len(np.unique(ids.astype(str))) < len(ids):
            notes.append(f"entities have several rows: all rows of one '{study.rows.id}' lie in the same fold")
            return ids
        return None
    found = columns.texts(table.column(name)).to_pylist()
    return np.array([f"alone {i}" if g is None else str(g) for g, i in zip(found, ids)], dtype=object)


def _matrix(table: pa.Table, study: Study, roles: set[str], as_of: npt.NDArray[np.datetime64], notes: list[str]) -> Matrix:
    dropped = {n for drop in study.features.drop for n in _meant(table, drop, "features.drop")}
    categorical = {n for c in study.features.categorical for n in _meant(table, c, "features.categorical")}
    names, parts = [], []
    if study.rules is not None:
        score = _number(table, study.rules, "rules", notes)
        names.append(RULES)
        parts.append(columns.Feature(score if score is not None else np.full(table.num_rows, np.nan)))
    for name in table.column_names:
        if name in roles or name in dropped:
            continue
        found = columns.feature(name, table.column(name), name in categorical, as_of if study.rows.as_of else None, notes)
        if found is not None:
            names.append(name if name != RULES else f"{name}#2")
            parts.append(found)
    if not parts:
        raise StudyError("features: no column is left to learn from; see features.drop and the notes: " + "; ".join(notes[-5:]))
    return Matrix(
        tuple(names), np.column_stack([p.values for p in parts]), tuple(p.categorical for p in parts), tuple(p.levels for p in parts)
    )


def _meant(table: pa.Table, name: str, where: str) -> list[str]:
    """A name means every column of that header, the repaired second ones too."""
    found = [n for n in table.column_names if n == name or (n.startswith(f"{name}#") and n.removeprefix(f"{name}#").isdigit())]
    if not found:
        _need(table, name, where)
    return found
