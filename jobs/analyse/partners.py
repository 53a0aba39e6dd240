"""partner: what a taxpayer's suppliers, customers and owners look like, over the last twelve usable months."""

from __future__ import annotations

from functools import reduce
from typing import TYPE_CHECKING

import numpy as np

from jobs.analyse.calendar import usable_month
from jobs.analyse.partner_columns import COLUMNS as SHARED
from jobs.analyse.partner_columns import as_money, owners_now, with_party
from jobs.lake.step import Night, Tables

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

COLUMNS = SHARED | {
    "taxpayer_month": ("taxpayer_id", "month", "out_net"),
    "partner_month": ("taxpayer_id", "month", "in_tax_undeclared", "out_related_net"),
    "party_fact": ("taxpayer_id", "penalties"),
    "outcome": ("taxpayer_id", "adjusted", "standing"),
}
WINDOW = 12
COUNTS = ("suppliers", "customers", "owners", "owner_companies", "owner_penalised", "owner_confirmed")
MONEY = ("in_net", "in_tax", "in_tax_young", "in_tax_closed", "in_tax_unknown", "in_tax_silent", "in_tax_confirmed")


def partner(tables: Tables, night: Night) -> DataFrame:
    """The partner table's own columns, one row per registered taxpayer.

    Reads trade_edge_month, taxpayer_month, partner_month, taxpayer, ownership, party_fact and outcome. Months end with the last one
    whose VAT return is past its grace. Shares of sales are of all invoices issued, consumers included; null without any.
    """
    from pyspark.sql import functions as F

    last = usable_month(night.conf, "VAT", "month", night.as_of)
    window = F.col("month").between(F.lit(_day(last - WINDOW + 1)), F.lit(_day(last)))
    parts = [
        tables["taxpayer"].select("taxpayer_id", F.lit(1).alias("registered")),
        _trade(tables, window, night),
        _months(tables, window),
        _owners(tables, night),
    ]
    together = reduce(lambda a, b: a.unionByName(b, allowMissingColumns=True), parts)
    wide = together.groupBy("taxpayer_id").agg(*(F.max(c).alias(c) for c in together.columns if c != "taxpayer_id")).where(F.col("registered") == 1)
    return wide.select(
        "taxpayer_id",
        *(F.coalesce(c, F.lit(0)).cast("int").alias(c) for c in COUNTS),
        *(as_money(F.coalesce(c, F.lit(0))).alias(c) for c in MONEY),
        _share("top_buy", "in_net").alias("top_supplier_share"),
        _share("top_sell", "out_net").alias("top_customer_share"),
        _share("to_suppliers", "out_net").alias("reciprocity"),
        _share("out_related_net", "out_net").alias("related_sales_share"),
    )


def _share(part: str, whole: str) -> Column:
    from pyspark.sql import functions as F

    return F.when(F.col(whole) > 0, F.greatest(F.lit(0.0), F.least(F.lit(1.0), F.coalesce(part, F.lit(0)) / F.col(whole))))


def _trade(tables: Tables, window: Column, night: Night) -> DataFrame:
    from pyspark.sql import functions as F

    edges = with_party(tables["trade_edge_month"].where(window), tables["taxpayer"], night)
    buys, sells = F.col("side") == "buys", F.col("side") == "sells"
    pairs = edges.groupBy("taxpayer_id", "partner_id").agg(
        *(F.sum(F.when(c, F.col(m)).otherwise(0)).alias(a) for c, m, a in
          ((buys, "n", "buys"), (buys, "net", "bought"), (sells, "n", "sells"), (sells, "net", "sold"), (buys, "tax", "in_tax"),
           (buys & F.col("young"), "tax", "in_tax_young"), (buys & F.col("closed"), "tax", "in_tax_closed"), (buys & F.col("unknown"), "tax", "in_tax_unknown"))),
    )  # fmt: skip
    confirmed = confirmed_taxpayers(tables).select(F.col("taxpayer_id").alias("partner_id"), F.lit(True).alias("confirmed"))
    money = ("in_tax", "in_tax_young", "in_tax_closed", "in_tax_unknown")
    return pairs.join(confirmed, "partner_id", "left").groupBy("taxpayer_id").agg(
        F.sum((F.col("buys") != 0).cast("int")).alias("suppliers"), F.sum((F.col("sells") != 0).cast("int")).alias("customers"),
        F.sum("bought").alias("in_net"), *(F.sum(m).alias(m) for m in money), F.sum(F.when(F.col("confirmed"), F.col("in_tax"))).alias("in_tax_confirmed"),
        F.max("bought").alias("top_buy"), F.max("sold").alias("top_sell"), F.sum(F.when(F.col("buys") != 0, F.col("sold"))).alias("to_suppliers"),
    )  # fmt: skip


def _months(tables: Tables, window: Column) -> DataFrame:
    from pyspark.sql import functions as F

    sales = tables["taxpayer_month"].where(window).groupBy("taxpayer_id").agg(F.sum("out_net").alias("out_net"))
    sums = tables["partner_month"].where(window).groupBy("taxpayer_id").agg(
        *((F.sum(F.coalesce(c, F.lit(0))) * 100).cast("long").alias(a) for c, a in (("in_tax_undeclared", "in_tax_silent"), ("out_related_net", "out_related_net"))))  # fmt: skip
    return sales.unionByName(sums, allowMissingColumns=True)


def _owners(tables: Tables, night: Night) -> DataFrame:
    from pyspark.sql import functions as F

    owners = owners_now(tables["ownership"], night.as_of)
    penalised = tables["party_fact"].groupBy("taxpayer_id").agg(F.sum("penalties").alias("n")).where(F.col("n") > 0)
    flags = [
        penalised.select(F.col("taxpayer_id").alias("other_id"), F.lit(1).alias("penalised")),
        confirmed_taxpayers(tables).select(F.col("taxpayer_id").alias("other_id"), F.lit(1).alias("confirmed")),
    ]
    others = owners.join(owners.select("owner_id", F.col("taxpayer_id").alias("other_id")), "owner_id").where(F.col("other_id") != F.col("taxpayer_id"))
    others = reduce(lambda a, b: a.join(b, "other_id", "left"), flags, others.select("taxpayer_id", "other_id").distinct())
    companies = others.groupBy("taxpayer_id").agg(
        F.count("*").alias("owner_companies"), F.sum("penalised").alias("owner_penalised"), F.sum("confirmed").alias("owner_confirmed"))  # fmt: skip
    return owners.groupBy("taxpayer_id").agg(F.count("*").alias("owners")).unionByName(companies, allowMissingColumns=True)


def confirmed_taxpayers(tables: Tables) -> DataFrame:
    """Taxpayers with a point adjusted upward that has not been overturned: taxpayer_id, once each."""
    from pyspark.sql import functions as F

    standing = F.coalesce(F.col("standing") != "overturned", F.lit(True))
    return tables["outcome"].where((F.col("adjusted") > 0) & standing).select("taxpayer_id").distinct()


def _day(month: int) -> object:
    return np.datetime64(month, "M").astype("datetime64[D]").astype(object)
