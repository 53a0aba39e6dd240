"""The vault: what a contract keeps out of the lake (`vault`), such as who told, sealed in files of its own beside an opaque reference.

ASSAY_VAULT names the folder, ASSAY_VAULT_KEY a key file that lies elsewhere and only its owner may read: one Fernet key a line (AES
and HMAC); the first seals, all open, and the last one makes the references, so that a new key goes on top. Every file of a batch has one
vault file, written once: a run killed anywhere and started again leaves the same entries. Nothing is ever changed or deleted here.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pyarrow as pa
from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from jobs.conf import VAULT, ConfError, Source
from jobs.lake.faults import fault_point
from jobs.sources.part import BROKEN, Part

ENTRIES = "entries"
REFERENCE = re.compile(r"v[0-9a-f]{32}")
_LEFT_OUT = "what the reader remarked of this file is left out: it may quote what belongs into the vault"


class VaultError(ConfError):
    """The vault cannot be used; the message says why and what to do."""


@dataclass(frozen=True)
class Vault:
    """Where the vault lies, and its key file: no secret itself, so that tasks can be told."""

    root: str
    key_file: str

    def keys(self) -> list[bytes]:
        """The keys, newest first. VaultError when the file is not there, may be read by others, or holds no key."""
        path = Path(self.key_file)
        try:
            if path.stat().st_mode & 0o077:
                raise VaultError(f"ASSAY_VAULT_KEY: {path} may be read by others than its owner; chmod 600 it")
            found = [line.strip() for line in path.read_bytes().splitlines() if line.strip()]
            for key in found:
                Fernet(key)
        except OSError as fault:
            raise VaultError(f"ASSAY_VAULT_KEY: {path} cannot be read ({fault.strerror}); `assay vault key {path}` makes one") from fault
        except ValueError as fault:
            raise VaultError(f"ASSAY_VAULT_KEY: {path} holds a line that is no Fernet key; restore the file") from fault
        if not found:
            raise VaultError(f"ASSAY_VAULT_KEY: {path} holds no key; `assay vault key {path}` adds one")
        return found


def vault_there(lake_root: str | None = None, inbox: Path | None = None) -> Vault | None:
    """The vault that the environment names; None: there is none. VaultError when it lies in the lake or the inbox, or its key lies in it."""
    root, key = os.environ.get("ASSAY_VAULT"), os.environ.get("ASSAY_VAULT_KEY")
    if not root or not key:
        return None
    where, key_file = Path(root).resolve(), Path(key).resolve()
    for name, other in (("the lake", lake_root), ("the inbox", inbox)):
        if other is not None and where.is_relative_to(Path(other).resolve()):
            raise VaultError(f"ASSAY_VAULT: {where} lies in {name}; the vault is kept apart: name another folder")
    if key_file.is_relative_to(where):
        raise VaultError(f"ASSAY_VAULT_KEY: {key_file} lies in the vault itself; keep the key elsewhere")
    return Vault(str(where), str(key_file))


def new_key(path: Path) -> None:
    """Make a key file, or put a new key on top of those it holds: it seals from now on."""
    below = Vault("", str(path)).keys() if path.exists() else []
    part = path.with_name(f".{path.name}.part")
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as out:
        out.write(b"\n".join([Fernet.generate_key(), *below]) + b"\n")
        out.flush()
        os.fsync(out.fileno())
    part.replace(path)


def blind(part: Part, source: Source) -> Part:
    """A part of a source with a vault, without anything that belongs there: for those who only look."""
    return _cleaned(part, source, pa.nulls(len(part.line), pa.string()), [None] * part.broken.num_rows)


class Sealer:
    """Takes what belongs into the vault out of the parts of one file, and seals it in the batch's own file there."""

    def __init__(self, vault: Vault, source: Source, batch_id: str, file: str) -> None:
        self.source, self.file, self.batch_id = source, file, batch_id
        keys = vault.keys()
        self.fernet, self.pepper = MultiFernet([Fernet(k) for k in keys]), hashlib.sha256(b"reference" + keys[-1]).digest()
        self.path = Path(vault.root) / ENTRIES / source.name / f"{batch_id}-{hashlib.sha256(file.encode()).hexdigest()[:16]}.jsonl"
        self.lines: list[str] = []

    def __call__(self, part: Part) -> Part:
        """The part with a reference in place of what was sealed; raw text is the JSON of what is left."""
        names = self.source.vault or {}
        columns = {c: cells.cast(pa.string()).to_pylist() for c, cells in part.cells.items() if c != VAULT}
        secret = {name: columns[c] for name, c in names.items() if c in columns}  # a part of broken records alone has no cells
        refs = []
        for n, line in enumerate(part.line.to_pylist()):
            told = {name: cells[n] for name, cells in secret.items() if cells[n] not in (None, "")}
            refs.append(self._sealed(part.member, line, {c: cells[n] for c, cells in columns.items()}, {"cells": told}) if told else None)
        lost = [self._sealed(part.member, row["line"], {"raw": row["raw"]}, {"raw": row["raw"]}) if row["raw"] else None for row in part.broken.to_pylist()]
        return _cleaned(part, self.source, pa.array(refs, pa.string()), lost)

    def _sealed(self, member: str, line: int, record: Mapping[str, Any], content: Mapping[str, Any]) -> str:
        """The reference of a record: the same for the same content of the same source, and nothing can be read from it."""
        whole = json.dumps([self.source.name, record], sort_keys=True, ensure_ascii=False)
        ref = "v" + hmac.new(self.pepper, whole.encode(), hashlib.sha256).hexdigest()[:32]
        place = f"{self.file}!{member}" if member else self.file
        entry = {"ref": ref, "source": self.source.name, "batch": self.batch_id, "file": place, "line": line, **content}
        token = self.fernet.encrypt(json.dumps(entry, ensure_ascii=False).encode()).decode()
        self.lines.append(json.dumps({"ref": ref, "sealed": token}))
        return ref

    def close(self) -> None:
        """Write the file's entries, all or none; what an earlier run of the batch wrote stays."""
        if not self.lines or self.path.exists():
            return
        self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        part = self.path.with_name(f".{self.path.name}.{os.getpid()}.part")
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as out:
            out.write("\n".join(self.lines) + "\n")
            out.flush()
            os.fsync(out.fileno())
        fault_point("vault:written")
        part.replace(self.path)
        folder = os.open(self.path.parent, os.O_RDONLY)
        os.fsync(folder)
        os.close(folder)
        fault_point("vault:sealed")


def opened(vault: Vault, ref: str) -> dict[str, Any] | None:
    """What the vault holds under a reference; None: nothing. VaultError when it cannot be opened by the keys there are."""
    fernet = MultiFernet([Fernet(k) for k in vault.keys()])
    for path, line, entry in entries(vault):
        if entry["ref"] == ref:
            return _open(fernet, path, line, entry)
    return None


def unreadable(vault: Vault) -> tuple[int, list[str]]:
    """How many entries the vault holds, and the places of those that the keys do not open or that were tampered with."""
    fernet = MultiFernet([Fernet(k) for k in vault.keys()])
    count, faults = 0, []
    for path, line, entry in entries(vault):
        count += 1
        try:
            _open(fernet, path, line, entry)
        except VaultError as fault:
            faults.append(str(fault))
    return count, faults


def entries(vault: Vault) -> Iterator[tuple[Path, int, dict[str, str]]]:
    """Every entry with the file and line it stands on, still sealed. VaultError at a line that is none."""
    for path in sorted((Path(vault.root) / ENTRIES).glob("*/*.jsonl")):
        for line, text in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            try:
                entry = json.loads(text)
                yield path, line, {"ref": entry["ref"], "sealed": entry["sealed"]}
            except (ValueError, KeyError, TypeError) as fault:
                raise VaultError(f"{path}:{line}: is no entry of a vault; restore the file from its backup") from fault


def _open(fernet: MultiFernet, path: Path, line: int, entry: Mapping[str, str]) -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads(fernet.decrypt(entry["sealed"]))
    except InvalidToken as fault:
        raise VaultError(f"{path}:{line}: no key of ASSAY_VAULT_KEY opens it: the key is missing or the entry was changed") from fault
    if found["ref"] != entry["ref"]:
        raise VaultError(f"{path}:{line}: the entry was sealed under another reference: it was moved; restore the file from its backup")
    return found


def _cleaned(part: Part, source: Source, refs: pa.Array, lost: list[str | None]) -> Part:
    shut = set((source.vault or {}).values())
    cells = {c: v for c, v in part.cells.items() if c not in shut} | {VAULT: refs}
    raw = [json.dumps(dict(zip(cells, row, strict=True)), ensure_ascii=False) for row in zip(*(v.cast(pa.string()).to_pylist() for v in cells.values()), strict=True)]
    return replace(
        part, raw=pa.array(raw, pa.string()), cells=cells, broken=_untold(part.broken, lost), flaws=tuple(f for f in part.flaws if f.column not in shut),
        notes=(_LEFT_OUT,) if part.notes else (), details={},
    )  # fmt: skip


def _untold(broken: pa.Table, lost: list[str | None]) -> pa.Table:
    """Records that could not be read, without their text: nobody knows what stands in it."""
    reasons = [
        f"could not be read by its contract ({', '.join(rules)}); its text " + (f"is in the vault: `assay vault show {ref}`" if ref else "is not shown: the source has a vault")
        for rules, ref in zip(broken["rules"].to_pylist(), lost, strict=True)
    ]
    return pa.table([broken["line"], pa.array([""] * len(lost), pa.string()), broken["rules"], pa.array(reasons, pa.string())], schema=BROKEN)
