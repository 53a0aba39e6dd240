"""Invoices of a platform at any size, with a few of everything that goes wrong: `python -m bench.ingest.given ROWS FORMAT FOLDER`.

Of a thousand rows two break a rule (an id mistyped, an unknown kind, no amount, a date after the receipt) and one is a repeat.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet as pq
from stdnum.cn import uscc

RECEIVED = "2026-02-01T06:00:00+08:00"
PER_FILE, PER_GROUP = 2_000_000, 250_000
KINDS = ("专用", "普通", "红字")
DAYS = np.datetime64("2026-01-01"), 31


def sellers(count: int, chance: np.random.Generator) -> pa.Array:
    """Valid unified social credit codes."""
    bodies = (f"91350100M{n:08X}"[:17] for n in chance.permutation(16**6)[:count] + 16**6)
    return pa.array([b + uscc.calc_check_digit(b) for b in bodies])


def invoices(first: int, count: int, ids: pa.Array, chance: np.random.Generator) -> pa.Table:
    """Rows `first` and on: three in four by a tenth of the sellers."""
    big = chance.random(count) < 0.75
    seller = np.where(big, chance.integers(0, max(len(ids) // 10, 1), count), chance.integers(0, len(ids), count))
    buyer = chance.integers(0, len(ids), count)
    cents = np.maximum(1, (chance.lognormal(11.5, 1.6, count))).astype(np.int64)
    tax = cents * 13 // 100
    kind = chance.choice(len(KINDS) + 1, count, p=[0.549, 0.45, 0.0005, 0.0005])
    late, none, typo, again = (chance.random(count) < 0.0005 for _ in range(3)), chance.random(count) < 0, None, chance.random(count) < 0.001
    late, none, typo = late
    number = np.arange(first, first + count, dtype=np.int64)
    source = np.arange(count)
    source[again] = np.maximum(source[again] - 1, 0)
    day = DAYS[0] + chance.integers(0, DAYS[1], count).astype("timedelta64[D]") + np.where(late, 400, 0).astype("timedelta64[D]")
    seller_id = ids.take(pa.array(seller))
    wrong = pc.binary_join_element_wise(pc.utf8_slice_codeunits(seller_id, 0, 17), "?", "")
    name = pc.binary_join_element_wise("福州市第", pa.array(seller).cast(pa.string()), "贸易有限公司", "")
    other = pc.binary_join_element_wise("厦门市第", pa.array(buyer).cast(pa.string()), "商行", "")
    rows = pa.table({
        "invoice_no": pc.binary_join_element_wise("2635", pc.utf8_lpad(pa.array(number).cast(pa.string()), 16, "0"), ""),
        "kind": pa.array([*KINDS, "不明"]).take(pa.array(kind)), "issued_on": pa.array(day.astype("datetime64[D]")),
        "seller_id": pc.if_else(pa.array(typo), wrong, seller_id), "seller_name": name, "buyer_id": ids.take(pa.array(buyer)), "buyer_name": other,
        "net": _money(cents, none), "tax": _money(tax, None), "gross": _money(cents + tax, None),
        "item": pc.binary_join_element_wise("10", pc.utf8_lpad(pa.array(chance.integers(0, 4000, count)).cast(pa.string()), 6, "0"), ""),
        "corrects": pa.nulls(count, pa.string()),
    })  # fmt: skip
    return rows.take(pa.array(source))


def _money(cents: np.ndarray, missing: np.ndarray | None) -> pa.Array:
    whole = pa.array(cents, pa.int64(), mask=missing).cast(pa.decimal128(19, 0))
    return pc.multiply(whole, pa.scalar("0.01").cast(pa.decimal128(3, 2))).cast(pa.decimal128(18, 2))


def write(rows: int, form: str, folder: Path) -> None:
    """Files of at most two million rows and their manifest under folder/invoice."""
    inbox = folder / "invoice"
    inbox.mkdir(parents=True)
    chance = np.random.default_rng(20260101)
    ids = sellers(max(rows // 100, 100), chance)
    entries = []
    for n, first in enumerate(range(0, rows, PER_FILE)):
        part = invoices(first, min(PER_FILE, rows - first), ids, chance)
        name = f"invoice_{n:03d}.{form}"
        if form == "parquet":
            pq.write_table(part, inbox / name, compression="zstd", row_group_size=PER_GROUP, store_schema=False)
        else:
            pa.csv.write_csv(part, inbox / name, pa.csv.WriteOptions(quoting_style="none"))
            _bare_header(inbox / name)
        entries.append(json.dumps({"receipt": 1, "file": name, "received_at": RECEIVED, "kind": "delivery"}))
    (inbox / "manifest.jsonl").write_text("\n".join(entries) + "\n", encoding="utf-8")


def _bare_header(path: Path) -> None:
    """Arrow quotes the header whatever it is told: quotes become blanks, which readers strip."""
    with path.open("r+b") as file:
        header = file.readline()
        file.seek(0)
        file.write(header.replace(b'"', b" "))


if __name__ == "__main__":
    write(int(sys.argv[1]), sys.argv[2], Path(sys.argv[3]))
