"""One task: everything about the firms of one bucket, from their trade to the files that agencies send about them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from jobs.economy.books import books
from jobs.economy.census import take_census
from jobs.economy.declare import Declared, Made, declare
from jobs.economy.delivery import FEEDS, Slice, write_slice
from jobs.economy.effects import effect_table
from jobs.economy.facts import Facts
from jobs.economy.firms import Firms, firms
from jobs.economy.identity import write_identity
from jobs.economy.papers_audits import audit_papers
from jobs.economy.papers_refund import refund_papers
from jobs.economy.papers_registry import duty_papers, ownership_papers, registry_papers
from jobs.economy.papers_tax import SOURCES, payment_papers, return_papers, statement_papers
from jobs.economy.papers_trade import invoice_papers
from jobs.economy.persons import officer_papers, person_table
from jobs.economy.third_parties import PAPERS, third_parties
from jobs.economy.trade import FIELDS, Orders, orders
from jobs.economy.truth import firm_table, link_table, tax_table
from jobs.economy.ubl import documents_of, write_documents
from jobs.economy.world import World

Written = tuple[str, str, str]  # source, label of the slice, file name


@dataclass(frozen=True)
class Job:
    """What a task writes: which deliveries of which sources, and where; how many invoices also as e-invoices."""

    world: World
    country: str
    slices: dict[str, list[Slice]]
    einvoices: int = 0


def send(world: World, buckets: Iterable[int]) -> Iterator[tuple[int, bytes]]:
    """Orders of the buckets' firms, packed per bucket of the supplier. Every bucket sends itself something, so that none is left out."""
    for bucket in buckets:
        made = orders(world, firms(world, world.firms_of(bucket)))
        target = world.bucket_of(made.supplier)
        for one in np.union1d(np.unique(target), [bucket]).tolist():
            part = made.where(target == one)
            yield int(one), np.stack([getattr(part, n) for n in FIELDS]).astype(np.int64).tobytes()


def receive(job: Job, parts: Iterable[tuple[int, bytes]]) -> Iterator[Written]:
    """Count and write the buckets whose orders arrived here, in order of the bucket."""
    for bucket, arrived in groupby(parts, key=itemgetter(0)):
        columns = [np.frombuffer(packed, dtype=np.int64).reshape(len(FIELDS), -1) for _, packed in arrived]
        yield from write_bucket(job, bucket, Orders(*np.concatenate(columns, axis=1)).ordered())


def write_bucket(job: Job, bucket: int, sold: Orders) -> list[Written]:
    """Everything of one bucket: truth and files. `sold`: orders made of its firms."""
    world = job.world
    f = firms(world, world.firms_of(bucket))
    bought = orders(world, f)
    b = books(world, f, bought, sold)
    d = declare(world, f, b)
    _write_truth(Path(job.country) / "truth", world, f, bought, d.made, bucket)
    span = [piece for pieces in job.slices.values() for piece in pieces]
    facts = Facts(world, f, b, d.made, min(s.after for s in span), max(s.until for s in span))
    found = papers(job, facts, d, sold)
    third = third_parties(facts)
    write_identity(Path(job.country) / "truth", bucket, third)
    found |= {source: sent.rows for source, sent in third.items()}
    if job.slices["invoice"][0].kind == "history":  # a step's papers are of its own days only
        take_census(Path(job.country) / "truth", bucket, world, f, bought, sold, b, d, found)
    write_documents(world, found["invoice"], Path(job.country) / "einvoice", bucket, documents_of(bucket, world.buckets, job.einvoices))
    written = []
    for source, rows in found.items():
        for piece in job.slices[source]:
            name = write_slice(world, source, rows, piece, bucket, Path(job.country) / "inbox")
            if name:
                written.append((source, piece.label, name))
    return written


def papers(job: Job, facts: Facts, d: Declared, sold: Orders) -> dict[str, pa.Table]:
    """What the tax service, the treasury and the registers know of these firms, by source, each row with its day."""
    world, f, b = facts.world, facts.firms, facts.books
    cases, findings = audit_papers(world, f, *facts.audited)
    by_source: dict[str, list[pa.Table]] = {name: [] for name in FEEDS if name not in PAPERS}
    for r, w in d.made:
        by_source[SOURCES[r.form]].append(return_papers(world, f, r, w))
        by_source["treasury"].append(payment_papers(world, f, r, w))
    by_source["treasury"].append(findings)
    trade = job.slices["invoice"]
    by_source["refund_claim"] = [refund_papers(world, f, d.returns[0], d.conduct[0])]
    by_source["invoice"] = [invoice_papers(world, f, b, sold, trade[0].after, trade[-1].until)]
    by_source["financial_statement"] = [statement_papers(world, f, b, d.accounts)]
    by_source["registry"] = [registry_papers(world, f)]
    by_source["tax_registration"] = [duty_papers(world, f)]
    by_source["ownership"] = [ownership_papers(world, f)]
    by_source["officer"] = [officer_papers(world, f)]
    by_source["case_history"] = [cases]
    return {source: pa.concat_tables(parts) for source, parts in by_source.items()}


def _write_truth(truth: Path, world: World, f: Firms, bought: Orders, made: Made, bucket: int) -> None:
    tables = {
        "tax": tax_table(world, f, made), "firm": firm_table(world, f), "link": link_table(world, f, bought), "effect": effect_table(world, f), "person": person_table(world, f),
    }  # fmt: skip
    for name, rows in tables.items():
        (truth / name).mkdir(parents=True, exist_ok=True)
        pq.write_table(rows, truth / name / f"{name}_{bucket + 1:02d}.parquet", compression="zstd", store_schema=False)
