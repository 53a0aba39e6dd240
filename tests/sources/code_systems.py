"""Two drawn code systems at the size of the model: what differs is known, because it is put in by hand from a seed."""

from __future__ import annotations

import csv
import random
from collections import Counter
from pathlib import Path

HEAD = ("table", "code", "name", "valid_from", "valid_to", "parent")
EACH = ("unmapped", "split", "broken", "reused", "merged", "recoded", "ended", "renamed", "moved", "validity", "added")
Row = tuple[str, ...]


def write_systems(root: Path, tables: int = 634, records: int = 87_000, businesses: int = 872, seed: int = 1) -> tuple[Counter[str], set[str]]:
    """Folders A and B and businesses.csv under a root; how many differences of each kind there are, and which businesses are blocked."""
    draw = random.Random(seed)
    sizes = _sizes(draw, tables, records)
    old: list[Row] = []
    new: list[Row] = []
    mapping: list[Row] = []
    counted: Counter[str] = Counter()
    blocking: dict[str, set[str]] = {}
    for n, size in enumerate(sizes):
        table = f"T{n:03d}"
        a, b, m, kinds, blocks = _table(draw, table, size)
        old, new, mapping = old + a, new + b, mapping + m
        counted.update(kinds)
        blocking[table] = blocks
    for name, rows in (("A", old), ("B", new)):
        _write(root / name / "codes.csv", HEAD, rows)
    _write(root / "B" / "mapping.csv", ("table", "old", "new"), mapping)
    codes: dict[str, list[str]] = {}
    for row in old:
        codes.setdefault(row[0], []).append(row[1])
    wanted, blocked = [], set()
    for n in range(businesses):
        business = f"YW{n:04d}"
        for _ in range(draw.randint(1, 8)):
            table = f"T{draw.randrange(tables):03d}"
            code = "" if draw.random() < 0.1 else draw.choice(codes[table])
            wanted.append((business, f"业务{n}", table, code))
            if (blocking[table] if not code else blocking[table] & {code}):
                blocked.add(business)
    _write(root / "businesses.csv", ("business", "name", "table", "code"), wanted)
    return counted, blocked


def _sizes(draw: random.Random, tables: int, records: int) -> list[int]:
    weights = [draw.paretovariate(1.0) for _ in range(tables)]
    sizes = [20 + int((records - 20 * tables) * w / sum(weights)) for w in weights]
    sizes[0] += records - sum(sizes)
    return sizes


def _table(draw: random.Random, table: str, size: int) -> tuple[list[Row], list[Row], list[Row], Counter[str], set[str]]:
    """A table of the old system, the same of the new one, the mapping, and what was changed: each kind once or not at all."""
    codes = [f"{n:05d}" for n in range(size)]
    old = {c: [table, c, f"{table}第{c}项", "1994-01-01", "", codes[0] if n else ""] for n, c in enumerate(codes)}
    new = {c: list(row) for c, row in old.items()}
    mapping: list[Row] = []
    kinds: Counter[str] = Counter()
    blocks: set[str] = set()
    free = codes[1:]
    draw.shuffle(free)
    for kind in EACH:
        if draw.random() < 0.5:
            continue
        one, two = free.pop(), free.pop()
        if kind in ("unmapped", "split", "broken", "recoded", "ended", "merged"):
            del new[one]
        if kind == "split":
            mapping += [(table, one, two), (table, one, codes[0])]
            kinds["split"] += 1  # two rows, and what they become is shared with nobody by a single successor
        if kind == "broken":
            mapping.append((table, one, "X9"))
        if kind == "merged":
            mapping.append((table, one, two))
            kinds["merged"] += 1  # the one that was there already is merged too
        if kind == "ended":
            mapping.append((table, one, ""))
        if kind == "recoded":
            new["N" + one] = [table, "N" + one, old[one][2], *old[one][3:]]
            mapping.append((table, one, "N" + one))
        if kind == "reused":
            new["R" + one] = [table, "R" + one, old[one][2], *old[one][3:]]
            new[one][2] = "另一含义"
            kinds["added"] += 1
        if kind == "renamed":
            new[one][2] += "（修订）"
        if kind == "moved":
            new[one][5] = two
        if kind == "validity":
            new[one][4] = "2016-12-31"
        if kind == "added":
            new["A" + one] = [table, "A" + one, "新增", "2016-01-01", "", ""]
        kinds[kind] += 1
        if kind in ("unmapped", "split", "broken", "reused"):
            blocks.add(one)
    return [tuple(r) for r in old.values()], [tuple(r) for r in new.values()], mapping, kinds, blocks


def _write(path: Path, head: tuple[str, ...], rows: list[Row]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out)
        writer.writerow(head)
        writer.writerows(rows)
