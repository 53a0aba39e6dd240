"""The key of a risk point, as every room writes it."""

from __future__ import annotations

import hashlib

import numpy as np
import numpy.typing as npt


def point_ids(taxpayer: npt.NDArray[np.str_], tax: npt.NDArray[np.str_], code: npt.NDArray[np.str_], starts: list[str], ends: list[str]) -> npt.NDArray[np.str_]:
    """First 20 hex digits of SHA-256 over taxpayer_id|tax|risk_code|period_from|period_to, dates as ISO text."""
    rows = zip(taxpayer.tolist(), tax.tolist(), code.tolist(), starts, ends, strict=True)
    return np.array([hashlib.sha256("|".join(row).encode()).hexdigest()[:20] for row in rows], dtype="<U20")
