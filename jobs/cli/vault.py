"""The vault outside the lake: who told, sealed apart from what was told."""

from __future__ import annotations

import getpass
import os
from datetime import UTC
from pathlib import Path
from typing import Annotated

import typer

from jobs.conf import ConfError
from jobs.lake.lake import now
from jobs.runner import Refused
from jobs.sources.vault import REFERENCE, Vault, VaultError, new_key, opened, unreadable, vault_there
from jobs.sources.vault_audit import looks, record

commands = typer.Typer(no_args_is_help=True, help=__doc__)
_LEAST = 10


def add_to(app: typer.Typer) -> None:
    """Register this file's commands."""
    app.add_typer(commands, name="vault")


@commands.command()
def show(
    ref: Annotated[str, typer.Argument(help="reference as the lake holds it")],
    by: Annotated[str, typer.Option(help="name of the person who looks; kept in the vault's audit trail")],
    purpose: Annotated[str, typer.Option(help="what for, in words; kept in the vault's audit trail")],
) -> None:
    """What the vault holds under a reference. The look is on record before anything is shown."""
    if not REFERENCE.fullmatch(ref):
        raise ConfError(f"'{ref}' is no reference; it is v and 32 digits, as in column vault_ref of the lake")
    if len(by.strip()) < 2 or len(purpose.strip()) < _LEAST:
        raise ConfError(f"who looks (--by) and what for (--purpose, at least {_LEAST} characters) must be said")
    vault = _there()
    vault.keys()
    record(vault, now().astimezone(UTC).isoformat(timespec="seconds"), by.strip(), getpass.getuser(), purpose.strip(), ref)
    found = opened(vault, ref)
    if found is None:
        raise Refused(f"the vault holds nothing under {ref}; the look is on record")
    typer.echo(f"{found['source']}, {found['file']}:{found['line']}")
    for name, value in {**found.get("cells", {}), **({"raw": found["raw"]} if "raw" in found else {})}.items():
        typer.echo(f"{name}: {value}")


@commands.command()
def check() -> None:
    """Can every entry be opened by the keys there are, and is the audit trail whole? Exit 3 when not."""
    vault = _there()
    try:
        count, faults = unreadable(vault)
        seen = looks(vault)
    except VaultError as fault:
        raise Refused(str(fault)) from fault
    if faults:
        raise Refused("\n  ".join([f"{len(faults)} of {count} entries cannot be opened:", *faults[:20]]))
    typer.echo(f"{count} entries can be opened; {seen} looks are on record")


@commands.command()
def key(path: Annotated[Path, typer.Argument(help="key file: made, or given a new key on top of those it holds")]) -> None:
    """Make a key file, or put a new key on top: it seals from now on, those below go on opening what they sealed."""
    if not path.resolve().parent.is_dir():
        raise ConfError(f"{path}: the folder above it is not there; create it first")
    new_key(path)
    typer.echo(f"{path}: a new key seals from now on; keep a copy where neither vault nor lake is kept")


def _there() -> Vault:
    found = vault_there(os.environ.get("ASSAY_LAKE"))
    if found is None:
        raise ConfError("no vault is named: set ASSAY_VAULT to its folder and ASSAY_VAULT_KEY to its key file")
    return found
