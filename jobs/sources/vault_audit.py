"""Who looked into the vault, when and what for: a chain of lines beside its entries, written before anything is shown."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
from pathlib import Path
from typing import Any

from jobs.sources.vault import Vault, VaultError

AUDIT = "audit.jsonl"
START = "0" * 64


def record(vault: Vault, at: str, by: str, account: str, purpose: str, ref: str) -> None:
    """Append one line, durably. VaultError when it cannot be written, or when the chain before it is broken."""
    Path(vault.root).mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        with os.fdopen(os.open(Path(vault.root) / AUDIT, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600), "r+", encoding="utf-8") as trail:
            fcntl.flock(trail, fcntl.LOCK_EX)
            before, lines = _checked(trail.read(), vault)
            said = {"no": lines + 1, "at": at, "by": by, "account": account, "purpose": purpose, "ref": ref, "before": before}
            trail.write(json.dumps({**said, "hash": _hash(said)}, ensure_ascii=False, sort_keys=True) + "\n")
            trail.flush()
            os.fsync(trail.fileno())
    except OSError as fault:
        raise VaultError(f"{Path(vault.root) / AUDIT}: cannot be written ({fault.strerror}); nothing is shown without a trace") from fault


def looks(vault: Vault) -> int:
    """How many looks the chain holds. VaultError naming the line at which it is broken."""
    path = Path(vault.root) / AUDIT
    return _checked(path.read_text(encoding="utf-8"), vault)[1] if path.is_file() else 0


def _checked(text: str, vault: Vault) -> tuple[str, int]:
    before, count = START, 0
    for count, line in enumerate(text.splitlines(), 1):
        try:
            said: dict[str, Any] = json.loads(line)
            found = said.pop("hash")
            whole = said["no"] == count and said["before"] == before and found == _hash(said)
        except (ValueError, KeyError, TypeError, AttributeError):
            whole, found = False, ""
        if not whole:
            raise VaultError(f"{Path(vault.root) / AUDIT}:{count}: the audit trail was changed here, or a line is missing; restore it from its backup")
        before = found
    return before, count


def _hash(said: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(said, ensure_ascii=False, sort_keys=True).encode()).hexdigest()
