"""From the feature table to the matrix that models learn from and score: what may be a feature, and what never is."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from jobs.lake.arrays import Floats, Ints, floats
from jobs.lake.tables import table
from models.candidates import POINTS_AMOUNT, RULES
from models.matrix import Matrix

# DOMAIN: a credit rating already contains past audits; what a taxpayer says in his defence never worsens his position
_NEVER = re.compile(r"credit_rating|appeal|hearing|complaint|defence|refusal|access_request|statement_made|statements_made|informant|bank_")


def feature_names(feature: pa.Table, forbidden: Sequence[str] = ()) -> tuple[str, ...]:
    """The double columns of the feature table that may be learned from, in the order of their names."""
    fixed = {c.name for c in table("feature").columns} | set(forbidden)
    return tuple(
        sorted(f.name for f in feature.schema if pa.types.is_floating(f.type) and f.name not in fixed and not _NEVER.search(f.name))
    )


def feature_matrix(feature: pa.Table, names: Sequence[str], rows: Ints, rules: Floats | None, points_amount: Floats | None) -> Matrix:
    """Features of the given rows (-1: no row, all missing), with the rules score and the points' amount beside them where given.

    `rules` and `points_amount` (in the currency) are in the order of `rows`.
    """
    there = rows >= 0
    taken = np.maximum(rows, 0)
    columns = [np.where(there, floats(feature[n])[taken], np.nan) if feature.num_rows else np.full(len(rows), np.nan) for n in names]
    extra = [(n, v) for n, v in ((RULES, rules), (POINTS_AMOUNT, points_amount)) if v is not None]
    values = np.column_stack([*columns, *(v for _, v in extra)]) if columns or extra else np.empty((len(rows), 0))
    return Matrix((*names, *(n for n, _ in extra)), np.where(np.isfinite(values), values, np.nan))
