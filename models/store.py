"""Model files: skops only, checked against a digest before anything is read, and against our own list of types.

A model file may come from a registry that others can write to. Neither a flag nor a list inside the file decides what may be loaded:
the types are named here (METHODS 0.8), and a file whose SHA-256 is not the one on record is refused unread.
"""

from __future__ import annotations

import hashlib
import io
import re
import zipfile
from pathlib import Path
from typing import Any

from models.fit import Model

TRUSTED = (
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
    "functools.partial",
    "sklearn.utils.validation.check_array",
)
_MAX_BYTES = 500_000_000


class ModelRefused(ValueError):
    """A model file that may not be loaded; the message says why."""


def save(model: Model, path: Path, extra: dict[str, Any] | None = None) -> str:
    """Write a model (and plain values beside it) and return the file's SHA-256. ModelRefused when it holds a type not on our list."""
    from skops import io as skops_io  # here, not above: it costs a second that most commands need not pay

    data = _canonical(skops_io.dumps({"model": model.state(), "extra": extra or {}}))
    _check_types(data)
    path.write_bytes(data)
    return hashlib.sha256(data).hexdigest()


def load(path: Path, digest: str) -> tuple[Model, dict[str, Any]]:
    """Read a model file whose SHA-256 is known, and the plain values beside it.

    ModelRefused when the digest differs, the file is no skops archive or is too large, or holds a type that is not on our list.
    """
    if path.stat().st_size > _MAX_BYTES:
        raise ModelRefused(f"{path.name}: larger than {_MAX_BYTES} bytes; not a model of ours")
    data = path.read_bytes()
    found = hashlib.sha256(data).hexdigest()
    if found != digest:
        raise ModelRefused(f"{path.name}: SHA-256 is {found[:12]}…, on record is {digest[:12]}…; train again or restore the file")
    _check_types(data)
    from skops import io as skops_io

    try:
        held = skops_io.loads(data, trusted=list(TRUSTED))
        return Model.from_state(held["model"]), dict(held["extra"])
    except (KeyError, TypeError, AttributeError) as fault:
        raise ModelRefused(f"{path.name}: holds no model of ours ({fault})") from fault


def _canonical(data: bytes) -> bytes:
    """The same archive with objects numbered in order of appearance and no time stamps: the same model gives the same digest.

    skops numbers objects by their address in memory and names array files after it.
    """
    with zipfile.ZipFile(io.BytesIO(data)) as held:
        schema = held.read("schema.json").decode("utf-8")
        numbers: dict[str, str] = {}
        for found in re.finditer(r'"__id__": (\d+)|"file": "(\d+)\.npy"', schema):
            numbers.setdefault(found[1] or found[2], str(len(numbers) + 1))
        schema = re.sub(r'"__id__": (\d+)', lambda m: f'"__id__": {numbers[m[1]]}', schema)
        schema = re.sub(r'"file": "(\d+)\.npy"', lambda m: f'"file": "{numbers[m[1]]}.npy"', schema)
        parts = {"schema.json": schema.encode("utf-8")}
        for name in held.namelist():
            if name != "schema.json":
                stem, dot, end = name.partition(".")
                parts[f"{numbers.get(stem, stem)}{dot}{end}"] = held.read(name)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as fresh:
        for name in sorted(parts):
            fresh.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), parts[name])
    return out.getvalue()


def _check_types(data: bytes) -> None:
    from skops import io as skops_io

    try:
        strange = sorted(set(skops_io.get_untrusted_types(data=data)) - set(TRUSTED))
    except (zipfile.BadZipFile, KeyError, ValueError, TypeError) as fault:
        raise ModelRefused(f"not a skops file ({fault})") from fault
    if strange:
        raise ModelRefused(f"the file holds types that are not on our list: {', '.join(strange[:5])}")
