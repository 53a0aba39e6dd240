"""The name of a risk point: the same suspected fault has the same id on every night and in every office."""

from __future__ import annotations

import hashlib

import pyarrow as pa

POINT = ("taxpayer_id", "tax", "risk_code", "period_from", "period_to")
_DIGITS = 20


def point_ids(rows: pa.Table) -> pa.Array:
    """point_id of each row: first 20 hex digits of sha256("taxpayer_id|tax|risk_code|period_from|period_to"), dates in ISO form.

    Null parts count as empty. Arrow has no sha256, hence the loop; it runs over hits and answers, which are few.
    """
    parts = zip(*(["" if v is None else str(v) for v in rows[name].to_pylist()] for name in POINT), strict=True)
    return pa.array([hashlib.sha256("|".join(part).encode()).hexdigest()[:_DIGITS] for part in parts], pa.string())
