"""Column functions that the partner steps share: who a party is, whether two are related, sums of cents as money."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import date

    from pyspark.sql import Column, DataFrame

    from jobs.lake.step import Night

YOUNG_MONTHS = 12
COLUMNS = {
    "taxpayer": ("taxpayer_id", "registered_on", "vat_kind", "status", "closed_on"),
    "ownership": ("taxpayer_id", "owner_id", "since", "until"),
    "trade_edge_month": ("taxpayer_id", "side", "partner_id", "month", "n", "net", "tax"),
}
HUB_COMPANIES = 200  # an owner of more companies is the state or a fund: common ownership says nothing


def as_money(cents: Column) -> Column:
    """Cents as decimal(18,2)."""
    from pyspark.sql import functions as F

    return (F.round(cents).cast("decimal(18,0)") * F.lit(Decimal("0.01"))).cast("decimal(18,2)")


def with_party(edges: DataFrame, taxpayer: DataFrame, night: Night) -> DataFrame:
    """Edges with what the registry says of the partner at the edge's month: `unknown`, `young`, `closed`, `vat_kind`.

    A partner is `unknown` when his id was issued in an area of this administration (digits 3 to 8 of a unified social credit code) and is
    not registered there; a supplier from elsewhere is in another administration's registry, and nothing follows from his absence here.
    """
    from pyspark.sql import functions as F

    known = taxpayer.select(
        F.col("taxpayer_id").alias("partner_id"), "registered_on", "vat_kind",
        (F.coalesce(F.col("status") != "active", F.lit(False)) | F.coalesce(F.col("closed_on") <= F.lit(night.as_of), F.lit(False))).alias("closed"),
    ).dropDuplicates(["partner_id"])  # fmt: skip
    joined = edges.join(known, "partner_id", "left")
    return joined.select(
        *edges.columns, "vat_kind", (F.col("closed").isNull() & F.substring("partner_id", 3, 6).isin(areas(night))).alias("unknown"), F.coalesce("closed", F.lit(False)).alias("closed"),
        F.coalesce(F.col("registered_on") > F.add_months("month", -YOUNG_MONTHS), F.lit(False)).alias("young"),
    )  # fmt: skip


def areas(night: Night) -> list[str]:
    """The areas whose registry this administration keeps, as its ids name them."""
    return sorted({area for office in night.conf.offices for area in office.regions})


def owners_now(ownership: DataFrame, as_of: date) -> DataFrame:
    """Who owns what on the date: taxpayer_id, owner_id; owners of very many companies are left out."""
    from pyspark.sql import functions as F

    now = (
        ownership.where(F.coalesce(F.col("since") <= F.lit(as_of), F.lit(True)) & F.coalesce(F.col("until") > F.lit(as_of), F.lit(True)))
        .where(F.col("owner_id").isNotNull())
        .select("taxpayer_id", "owner_id")
        .distinct()
    )
    small = now.groupBy("owner_id").agg(F.count("*").alias("companies")).where(F.col("companies") <= HUB_COMPANIES)
    return now.join(small.select("owner_id"), "owner_id", "left_semi").select("taxpayer_id", "owner_id")


def related_pairs(owners: DataFrame) -> DataFrame:
    """Pairs with a common owner, or where one owns the other: taxpayer_id, partner_id, each pair once in each direction.

    Bounded: nobody in `owners` has more than HUB_COMPANIES companies.
    """
    from pyspark.sql import functions as F

    sisters = owners.join(owners.select("owner_id", F.col("taxpayer_id").alias("partner_id")), "owner_id").select("taxpayer_id", "partner_id")
    below = owners.select("taxpayer_id", F.col("owner_id").alias("partner_id"))
    above = owners.select(F.col("owner_id").alias("taxpayer_id"), F.col("taxpayer_id").alias("partner_id"))
    return sisters.union(below).union(above).where(F.col("taxpayer_id") != F.col("partner_id")).distinct()
