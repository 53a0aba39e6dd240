"""Papers become files: cut by day into deliveries, soiled, written in the agency's own format, entered in the landing manifest."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from jobs.economy.dirt import soiled
from jobs.economy.words import in_own_words
from jobs.economy.world import World, add_months
from jobs.lake.arrays import Ints, day_number

RAW_UP_TO = 50_000  # taxpayers up to which every agency writes its own format; above it all write Parquet, columns named alike


@dataclass(frozen=True)
class Feed:
    """How one source writes: format and encoding, and which columns can be spoilt (None: the source has none)."""

    format: str
    identity: str
    amount: str | None = None
    day: str | None = None
    encoding: str = "utf-8"
    rare: bool = False  # sent once per step, not monthly
    coded: bool = True  # the identity is a unified social credit code
    codes: tuple[str, ...] = ()  # columns that hold codes of a table


FEEDS = {
    "registry": Feed("jsonl", "uscc", day="established", codes=("type", "industry", "scale", "ownership", "vat_kind", "status")),
    "tax_registration": Feed("csv", "taxpayer_id", day="valid_from", codes=("tax", "frequency")),
    "ownership": Feed("jsonl", "company.uscc", day="since", rare=True, codes=("owner.kind",)),
    "officer": Feed("jsonl", "company.uscc", day="since", rare=True),
    "vat_return": Feed("csv", "纳税人识别号", "应纳税额", "申报日期", encoding="gb18030", codes=("表种",)),
    "cit_return": Feed("csv", "taxpayer_id", "profit", "filed_on"),
    "pit_return": Feed("csv", "withholder_id", "wages", "filed_on"),
    "social_return": Feed("csv", "employer_id", "base", "filed_on"),
    "property_return": Feed("csv", "纳税人识别号", "应纳税额", "申报日期", encoding="gb18030", codes=("税种",)),
    "refund_claim": Feed("csv", "纳税人识别号", "申请退税额", "申报日期", encoding="gb18030"),
    "financial_statement": Feed("csv", "taxpayer_id", "revenue", "filed_on"),
    "invoice": Feed("parquet", "seller_id", codes=("kind",)),
    "land": Feed("csv", "parcel_no", "original_value_wan", "acquired_on", rare=True, coded=False),
    "penalty": Feed("csv", "决定书文号", "罚款金额", "决定日期", rare=True, coded=False),
    "licence": Feed("csv", "许可证编号", day="有效期自", rare=True, coded=False, codes=("许可种类",)),
    "customs": Feed("csv", "报关单号", "人民币总价", "申报日期", encoding="gb18030", coded=False, codes=("进出口标志", "商品编号", "运抵国", "币制")),
    "electricity": Feed("csv", "户号", "电量", "抄表日期", encoding="gb18030", coded=False),
    "social_security": Feed("csv", "单位编号", "缴费基数", "核定日期", coded=False),
    "credit_rating": Feed("jsonl", "纳税人.识别号", day="公布日期", rare=True),
    "bank_month": Feed("parquet", "账号", coded=False),
    "tip_off": Feed("jsonl", "受理编号", day="受理日期", coded=False),
    "treasury": Feed("csv", "payer_id", "amount", "paid_on", codes=("tax", "kind")),
    "case_history": Feed("csv", "taxpayer_id", None, "event_on", rare=True),
}


@dataclass(frozen=True)
class Slice:
    """One delivery of a source: days after < day <= until, its file label, receipt and kind."""

    label: str
    after: int
    until: int
    received: datetime
    kind: str


def history_slices(world: World) -> list[Slice]:
    """One delivery per calendar year of the files, all received on the morning after the country's last day."""
    start, through = world.opens, world.through
    received = morning_after(world, through, 9)
    found, after = [], day_number(start) - 1
    for year in range(start.year, through.year + 1):
        until = min(day_number(date(year, 12, 31)), day_number(through))
        if until >= day_number(start):
            found.append(Slice(str(year), after, until, received, "history"))
            after = until
    return found


def step_slices(world: World, until: date, rare: bool) -> list[Slice]:
    """Deliveries between the country's last day and `until`: one per month, or a single one of a source that sends rarely."""
    found, after = [], world.through
    while after < until:
        month_end = add_months(date(after.year, after.month, 1), 1) - timedelta(days=1)
        end = until if rare else min(until, month_end if month_end > after else add_months(date(after.year, after.month, 1), 2) - timedelta(days=1))
        found.append(Slice(f"{after + timedelta(days=1):%Y%m%d}", day_number(after), day_number(end), morning_after(world, end, 6), "delivery"))
        after = end
    return found


def morning_after(world: World, day: date, hour: int) -> datetime:
    """An hour of the day after, by the country's own clock."""
    return datetime(day.year, day.month, day.day, hour, tzinfo=world.country.place.zone) + timedelta(days=1)


def as_sent(world: World, source: str, day: Ints) -> Ints:
    """The day by which a row is sent: what a source left out in a silent month comes with the next month's rows."""
    found = day.copy()
    for one in world.country.shocks.silences:
        if one.source == source:
            first, after = (day_number(add_months(one.month.replace(day=1), n)) for n in (0, 1))
            found[(day >= first) & (day < after)] = after
    return found


def write_slice(world: World, source: str, rows: pa.Table, piece: Slice, part: int, folder: Path) -> str | None:
    """Write one bucket's part of a delivery; the file's name, or None when there is nothing to send. Parquet where the country is large."""
    feed, day, c = FEEDS[source], pa.array(as_sent(world, source, rows["_day"].to_numpy())), world.chance
    due = pc.and_(pc.greater(day, piece.after), pc.less_equal(day, piece.until))
    cut = rows.filter(due)
    if cut.num_rows == 0:
        return None
    written = world.country.shocks.recoded(source, in_own_words(world, cut), day.filter(due))
    made = soiled(c, source, written, feed.identity, feed.amount, feed.day, feed.coded, world.country.words).drop_columns(["_day"])
    form = "parquet" if world.taxpayers > RAW_UP_TO else feed.format
    name = f"{source}_{piece.label}_{part + 1:02d}.{form}"
    path = folder / source / name
    path.parent.mkdir(parents=True, exist_ok=True)
    if form == "parquet":
        pq.write_table(made, path, compression="zstd", store_schema=False)
    elif form == "jsonl":
        path.write_text("".join(json.dumps(_nested(r), ensure_ascii=False) + "\n" for r in made.to_pylist()), encoding="utf-8")
    else:
        own = world.country.words == "zh"  # Chinese cells hold no commas
        path.write_bytes(_csv(made, feed.encoding if own else "utf-8", "none" if own else "needed"))
    return name


def _csv(rows: pa.Table, encoding: str, quoting: str) -> bytes:
    sink = pa.BufferOutputStream()
    text = pa.table({n: pc.fill_null(pc.cast(rows[n], pa.string()), "") for n in rows.column_names})
    pacsv.write_csv(text, sink, pacsv.WriteOptions(quoting_style=quoting, include_header=False))
    header = ",".join(rows.column_names) + "\n"
    body: bytes = header.encode("utf-8") + sink.getvalue().to_pybytes()
    return body if encoding == "utf-8" else bytes(body).decode("utf-8").encode(encoding)


def _nested(row: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in row.items():
        outer, _, inner = name.partition(".")
        if inner:
            found.setdefault(outer, {})[inner] = value
        else:
            found[name] = value
    return found


def enter(inbox: Path, source: str, entries: list[tuple[Slice, list[str]]]) -> None:
    """Enter deliveries in the manifest. The same files entered again replace their old lines: a repeated step changes nothing."""
    path = inbox / source / "manifest.jsonl"
    lines = [json.loads(t) for t in path.read_text(encoding="utf-8").splitlines() if t] if path.is_file() else []
    new = {name for _, names in entries for name in names}
    lines = [line for line in lines if line["file"] not in new]
    receipt = max([int(line["receipt"]) for line in lines], default=0)
    for piece, names in entries:
        if names:
            receipt += 1
            lines += [{"receipt": receipt, "file": name, "received_at": piece.received.isoformat(), "kind": piece.kind} for name in sorted(names)]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines), encoding="utf-8")


def resend(inbox: Path, source: str, piece: Slice, names: list[str]) -> tuple[Slice, list[str]]:
    """Files sent a second time by mistake, some hours later, under another name."""
    copies = []
    for name in sorted(names):
        copy = name.replace(piece.label, piece.label + "_again")
        (inbox / source / copy).write_bytes((inbox / source / name).read_bytes())
        copies.append(copy)
    again = Slice(piece.label + "_again", piece.after, piece.until, piece.received + timedelta(hours=6), piece.kind)
    return again, copies
