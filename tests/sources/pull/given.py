"""Contracts that pull, and what lies in an inbox afterwards."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from jobs.conf import Source
from jobs.lake.manifest import read_entries
from jobs.sources.pull.run import pull
from jobs.sources.read import read
from tests.sources.given import HOUSE, source

NOW = datetime(2026, 1, 20, 1, tzinfo=UTC)


def pulling(pull: dict[str, Any], **said: Any) -> Source:
    """The contract of payments, fetched from somewhere."""
    return source(pull=pull, **{"files": {"pattern": "pay_*.csv", "format": "csv"}, **said})


def pulled(contract: Source, inbox: Path, now: datetime = NOW, kind: str = "delivery") -> list[str]:
    """Pull once; the names landed."""
    return pull(contract, HOUSE, inbox, now, now, kind)


def entries(inbox: Path) -> list[tuple[int, str]]:
    """Receipt and file of each entry of the manifest, in its order."""
    return [(e["receipt"], e["file"]) for e in read_entries(inbox / "pay" / "manifest.jsonl")]


def landed(inbox: Path) -> list[str]:
    """The files of the inbox that a night would read, with their receipts; none may be missing and none may lie there without an entry."""
    there = {p.name for p in (inbox / "pay").iterdir() if not p.name.startswith(".")} - {"manifest.jsonl"}
    assert there == {name for _, name in entries(inbox)}
    assert not [p.name for p in (inbox / "pay").glob(".*") if p.suffix in (".part", ".staged")], "a pull leaves nothing behind"
    return sorted(there)


def killed(contract: Source, inbox: Path, point: str, **environment: str) -> None:
    """Pull in a process of its own that dies by SIGKILL at a named point."""
    code = (
        "import sys; from pathlib import Path; from datetime import datetime; from jobs.conf import Source; from tests.sources.pull.given import pulled;"
        "pulled(Source.model_validate_json(sys.argv[1]), Path(sys.argv[2]), datetime.fromisoformat(sys.argv[3]))"
    )
    call = [sys.executable, "-c", code, json.dumps(contract.model_dump(mode="json", by_alias=True)), str(inbox), NOW.isoformat()]
    done = subprocess.run(call, env={**os.environ, **environment, "ASSAY_FAULT": point}, check=False, capture_output=True, text=True, timeout=60)
    assert done.returncode == -signal.SIGKILL, done.stderr[-2000:]


def numbers(contract: Source, inbox: Path) -> list[str]:
    """The payment numbers in the inbox, as the contract's own reader finds them, each as often as it landed."""
    found: list[str] = []
    for name in landed(inbox):
        with (inbox / "pay" / name).open("rb") as stream:
            found += [no for part in read(stream, contract) for no in part.cells["no"].to_pylist()]
    return sorted(found)
