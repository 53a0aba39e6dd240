"""trade_edge_month: who traded with whom in which month, once from each side, as signed differences.

A buyer's invoices lie in the seller's bucket; this is the one place where they are routed to the buyer's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from jobs.lake.step import Night, Tables

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

COLUMNS = {"invoice": ("seller_id", "buyer_id", "issued_on", "currency", "net", "tax_amount", "known_at", "sign")}


def trade_edge_month(tables: Tables, night: Night) -> DataFrame:
    """Signed differences of trade_edge_month from the changed invoices: its own columns and known_at, nonzero rows only.

    Invoices to consumers have no other side and make no edge; other currencies than the administration's are left out.
    """
    from pyspark.sql import functions as F

    invoices = (
        tables.changes["invoice"]
        .where(F.col("seller_id").isNotNull() & F.col("buyer_id").isNotNull())
        .where(F.coalesce(F.col("currency"), F.lit(night.conf.house.currency)) == night.conf.house.currency)
        .select(
            F.explode(F.array(_side("sells", "seller_id", "buyer_id"), _side("buys", "buyer_id", "seller_id"))).alias("edge"),
            F.trunc("issued_on", "month").alias("month"), "known_at", F.col("sign").alias("n"),
            (_cents(F.col("net")) * F.col("sign")).alias("net"), (_cents(F.col("tax_amount")) * F.col("sign")).alias("tax"),
        )
    )  # fmt: skip
    summed = (
        invoices.select("edge.*", "month", "known_at", "n", "net", "tax")
        .groupBy("taxpayer_id", "side", "partner_id", "month", "known_at")
        .agg(*(F.sum(m).alias(m) for m in ("n", "net", "tax")))
    )
    return summed.where((F.col("n") != 0) | (F.col("net") != 0) | (F.col("tax") != 0))


def _side(side: str, self: str, other: str) -> Column:
    """One side's view of an invoice: both are read off the same row, so that invoices cross into the JVM once."""
    from pyspark.sql import functions as F

    return F.struct(F.col(self).alias("taxpayer_id"), F.lit(side).alias("side"), F.col(other).alias("partner_id"))


def _cents(amount: Column) -> Column:
    from pyspark.sql import functions as F

    return F.coalesce((amount * 100).cast("long"), F.lit(0))
