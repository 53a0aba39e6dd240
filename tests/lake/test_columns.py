"""What a frame step names of a table is all that crosses into the JVM; cells of additive tables arrive summed."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pyarrow as pa

from jobs.lake.kernel import Input, handed_over, stream
from jobs.lake.lake import Lake
from jobs.lake.read import data_files
from jobs.lake.tables import table
from jobs.lake.write import append_once, write_files
from tests.lake.helpers import silver

DAY, LATER = date(2026, 1, 1), date(2026, 2, 1)
BUCKET_0 = [pa.RecordBatch.from_pydict({"id": [0]})]


def streamed(lake: Lake, wanted: Input, as_of: date = DAY) -> pa.Table:
    found = pa.Table.from_batches(list(stream(lake.root, wanted, as_of, 1, iter(BUCKET_0))))
    promised = handed_over(wanted)
    assert (found.column_names, found.schema.types) == (promised.names, promised.types)
    return found


def edges(lake: Lake, columns: tuple[str, ...] | None) -> Input:
    return Input("now", "trade_edge_month", tuple(data_files(lake.root, "trade_edge_month")), columns=columns)


def test_additive_cells_are_summed_and_only_of_rows_known_on_the_date(tmp_path: Path) -> None:
    lake = Lake.open(tmp_path / "lake", 1)
    cell = {"taxpayer_id": "A", "side": "buys", "month": DAY, "run": 1}
    rows = [
        {**cell, "partner_id": "B", "n": 1, "net": 100, "tax": 13, "known_at": DAY},
        {**cell, "partner_id": "B", "n": -1, "net": -40, "tax": -5, "known_at": DAY},
        {**cell, "partner_id": "C", "n": 1, "net": 7, "tax": 1, "known_at": DAY},
        {**cell, "partner_id": "C", "n": 1, "net": 1000, "tax": 1, "known_at": LATER},
    ]
    contract = table("trade_edge_month")
    append_once(lake.root, contract.name, write_files(lake.root, contract, pa.Table.from_pylist(rows), buckets=1), "b", 1)
    found = streamed(lake, edges(lake, ("partner_id", "net")))
    assert sorted(found.to_pylist(), key=lambda r: r["partner_id"]) == [{"partner_id": "B", "net": 60}, {"partner_id": "C", "net": 7}]
    assert streamed(lake, edges(lake, ("taxpayer_id", "net"))).to_pylist() == [{"taxpayer_id": "A", "net": 67}]
    assert streamed(lake, edges(lake, ("net", "known_at"))).num_rows == 3  # asked for the clock: raw signed rows
    assert streamed(lake, edges(lake, None)).column_names == [c.name for c in contract.columns]


def test_changes_keep_their_sign(tmp_path: Path) -> None:
    lake = Lake.open(tmp_path / "lake", 1)
    contract = table("penalty")
    rows = silver("penalty", [{"penalty_no": "1", "party_name": "x"}], "b1", 1)
    append_once(lake.root, contract.name, write_files(lake.root, contract, rows, buckets=1), "b1", 1)
    wanted = Input("changes", "penalty", tuple(data_files(lake.root, "penalty")), frozenset({"b1"}), columns=("penalty_no", "sign"))
    assert streamed(lake, wanted).to_pylist() == [{"penalty_no": "1", "sign": 1}]
    gone = Input("changes", "penalty", tuple(data_files(lake.root, "penalty")), frozenset(), frozenset({"b1"}), columns=("penalty_no", "sign"))
    assert streamed(lake, gone).to_pylist() == [{"penalty_no": "1", "sign": -1}]
