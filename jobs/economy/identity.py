"""Who is truly meant by every row of a third party: truth that linking is held against. Sealed with the rest of truth/."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from jobs.economy.facts import Sent
from jobs.economy.spelling import ways

IDENTITY = pa.schema([("source", pa.string()), ("record_key", pa.string()), ("firm", pa.int64()), ("id_way", pa.string()), ("name_way", pa.string())])


def identity(sent: Mapping[str, Sent]) -> pa.Table:
    """source, record_key, firm, and the ways in which id and name are written (spelling.py): the party's number in its source (meter, employer, account, declarant) or, where it has none, the paper's.

    A key may stand more than once: several firms can hang on one meter.
    """
    parts = [pa.table([pa.repeat(source, len(s.keys)), s.keys, pa.array(np.asarray(s.firm, dtype=np.int64)), *ways(s.way)], schema=IDENTITY) for source, s in sent.items()]
    return pa.concat_tables(parts) if parts else IDENTITY.empty_table()


def write_identity(truth: Path, bucket: int, sent: Mapping[str, Sent]) -> None:
    """Write truth/identity of one bucket."""
    (truth / "identity").mkdir(parents=True, exist_ok=True)
    pq.write_table(identity(sent), truth / "identity" / f"identity_{bucket + 1:02d}.parquet", compression="zstd", store_schema=False)
