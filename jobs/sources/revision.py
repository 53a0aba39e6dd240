"""A contract that reads files otherwise says so by another revision: gold.batch keeps `revision:digest` of every batch received.

The same revision with another digest, or a revision that went back, is refused: nobody could say later by which contract a row was read.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from jobs.conf import House, Source
from jobs.lake.write import LakeError
from jobs.sources.landing import contract_digest


class ContractChanged(LakeError):
    """The contract of a source reads files otherwise than before, under the same or a lower revision."""


def contract_mark(source: Source, house: House) -> str:
    """What gold.batch keeps of a contract: `revision:digest`."""
    return f"{source.revision}:{contract_digest(source, house)}"


def same_or_raised(source: Source, house: House, received: Iterable[Mapping[str, Any]]) -> None:
    """ContractChanged unless the contract is the one its revision was received under before, or its revision is a new, higher one."""
    now = contract_digest(source, house)
    for row in received:
        revision, _, digest = str(row["contract"] or "").partition(":")
        if not digest or row["source"] != source.name:
            continue
        where = f"conf/sources/{source.name}.yaml: revision"
        if int(revision) == source.revision and digest != now:
            raise ContractChanged(
                f"{where}: the contract (or zone, cut-off, currency or id standard of conf/assay.yaml) changed since receipt {row['receipt']}, "
                f"and the revision is still {revision}; raise it to {int(revision) + 1}"
            )
        if int(revision) > source.revision:
            raise ContractChanged(f"{where}: {source.revision} is lower than {revision}, by which receipt {row['receipt']} was read; write {int(revision) + 1}, also to go back")
