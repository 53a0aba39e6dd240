"""What commands share that act on batches: who orders it and why, and the lease, which no night may be holding."""

from __future__ import annotations

from typing import Annotated

import typer

from jobs.conf import ConfError
from jobs.lake.lake import Lake
from jobs.lake.read import whole
from jobs.runner import Refused
from jobs.sources.acts import Order

By = Annotated[str, typer.Option("--by", help="name of the person who orders it; kept with the act")]
Reason = Annotated[str, typer.Option("--reason", help="why; kept with the act")]
Overtake = Annotated[bool, typer.Option("--overtake", help="go on although a night is being staged; that night must then be started again")]


def ordered(by: str, reason: str) -> Order:
    """Who ordered an act and why. ConfError when either is blank."""
    if not by.strip() or not reason.strip():
        raise ConfError("an act on a batch needs the name of who orders it (--by) and the reason (--reason)")
    return Order(by.strip(), reason.strip())


def lease(lake: Lake, purpose: str, overtake: bool = False) -> int:
    """Take the lease for an act on batches. Refused while a night is being staged under it, unless that night is to be overtaken."""
    last = max(whole(lake.root, "lease").to_pylist(), key=lambda r: r["epoch"], default=None)
    staged = last is not None and last["purpose"].startswith("night ") and last["epoch"] not in {n["run"] for n in whole(lake.root, "night").to_pylist()}
    if last is not None and staged and not overtake:
        raise Refused(f"the {last['purpose']} is being staged (run {last['epoch']}, {last['holder']}); let it end, or start it again after `--overtake`")
    return lake.take_lease(purpose)
