"""partner_month: the input tax of a month, and how much of it the suppliers declared as output tax."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jobs.analyse.partner_columns import COLUMNS as SHARED
from jobs.analyse.partner_columns import as_money, owners_now, related_pairs, with_party
from jobs.lake.step import Night, Tables

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

COLUMNS = SHARED | {
    "taxpayer_month": ("taxpayer_id", "month", "vat_output", "vat_sales", "vat_exempt", "out_net", "out_tax"),
    "filing": ("taxpayer_id", "tax", "period_from", "period_to", "state"),
}
LOOK_BACK_MONTHS = 48
SUMS = ("in_net", "in_tax", "in_tax_undeclared", "in_tax_suspect", "suspect_n", "out_related_net")


def partner_month(tables: Tables, night: Night) -> DataFrame:
    """The partner_month table's own columns, one row per taxpayer and month with trade.

    Reads trade_edge_month, taxpayer_month, filing, taxpayer and ownership. in_tax_undeclared is null while no supplier's return of
    the month may be judged (filing.state not_due or unknown); a return that is missing after its grace declared nothing.
    """
    from pyspark.sql import functions as F

    edges = (
        tables["trade_edge_month"]
        .where(F.col("month") > F.add_months(F.lit(night.as_of), -LOOK_BACK_MONTHS))
        .groupBy("taxpayer_id", "side", "partner_id", "month")
        .agg(*(F.sum(m).alias(m) for m in ("n", "net", "tax")))
        .where(F.col("n") != 0)
    )
    summed = _with_sides(edges, tables, night).groupBy("taxpayer_id", "month").agg(*(F.sum(m).alias(m) for m in SUMS))
    return summed.select(
        "taxpayer_id", "month",
        *(as_money(F.coalesce(m, F.lit(0))).alias(m) for m in ("in_net", "in_tax")),
        as_money(F.col("in_tax_undeclared")).alias("in_tax_undeclared"),
        as_money(F.coalesce("in_tax_suspect", F.lit(0))).alias("in_tax_suspect"),
        F.coalesce("suspect_n", F.lit(0)).cast("int").alias("suspect_n"),
        as_money(F.coalesce("out_related_net", F.lit(0))).alias("out_related_net"),
    )  # fmt: skip


def _with_sides(edges: DataFrame, tables: Tables, night: Night) -> DataFrame:
    """What each edge adds to SUMS: purchases by kind of supplier, sales by whether the customer is related. One pass over the edges."""
    from pyspark.sql import functions as F

    buys = F.col("side") == "buys"
    suspect = buys & (F.col("unknown") | F.col("young") | F.col("closed"))
    declared = undeclared_share(tables).withColumnRenamed("taxpayer_id", "partner_id")
    related = related_pairs(owners_now(tables["ownership"], night.as_of)).withColumn("related", F.lit(True))
    joined = with_party(edges, tables["taxpayer"], night).join(declared, ["partner_id", "month"], "left").join(related, ["taxpayer_id", "partner_id"], "left")
    return joined.where(buys | F.col("related")).select(
        "taxpayer_id", "month", F.when(buys, F.col("net")).alias("in_net"), F.when(buys, F.col("tax")).alias("in_tax"),
        F.when(buys, F.col("tax") * F.col("undeclared")).alias("in_tax_undeclared"),
        F.when(suspect, F.col("tax")).alias("in_tax_suspect"), suspect.cast("int").alias("suspect_n"),
        F.when(~buys & F.col("related"), F.col("net")).alias("out_related_net"),
    )  # fmt: skip


def undeclared_share(tables: Tables) -> DataFrame:
    """taxpayer_id, month, undeclared: the share of what a taxpayer invoiced that his VAT return of the period leaves out, 0 to 1.

    General taxpayers by output tax, small-scale ones by sales; over the whole return period, which may be a quarter.
    Only periods that may be judged.
    """
    from pyspark.sql import functions as F

    periods = (
        tables["filing"]
        .where((F.col("tax") == "VAT") & F.col("state").isin("filed", "late", "missing"))
        .select("taxpayer_id", "period_from", "period_to", F.explode(F.expr("sequence(trunc(period_from, 'month'), period_to, interval 1 month)")).alias("month"))
    )
    months = tables["taxpayer_month"].groupBy("taxpayer_id", "month").agg(
        *(F.sum(m).alias(m) for m in ("vat_output", "vat_sales", "vat_exempt", "out_net", "out_tax")))  # fmt: skip
    small = tables["taxpayer"].where(F.col("vat_kind") == "small_scale").select("taxpayer_id", F.lit(True).alias("small")).dropDuplicates(["taxpayer_id"])
    period = ["taxpayer_id", "period_from", "period_to"]
    said = periods.join(months, ["taxpayer_id", "month"], "inner").join(small, "taxpayer_id", "left")
    declared = F.sum(F.when(F.col("small"), F.col("vat_sales") + F.col("vat_exempt")).otherwise(F.col("vat_output")))
    invoiced = F.sum(F.when(F.col("small"), F.col("out_net")).otherwise(F.col("out_tax")))
    share = F.greatest(F.lit(0.0), F.least(F.lit(1.0), 1 - declared / invoiced))
    by_period = said.groupBy(*period).agg(F.when(invoiced > 0, share).otherwise(0.0).alias("undeclared"), F.collect_set("month").alias("months"))
    return by_period.select("taxpayer_id", F.explode("months").alias("month"), "undeclared")
