"""The one place of table contracts: columns with type, unit and meaning, keys, version, layer, bucket.

The layer decides the writer (docs/lake.md):

=========== ======================= =======================================================================
layer       writer                  columns every table of the layer has besides its own
=========== ======================= =======================================================================
bronze      append_once             source, batch_id, file, line, fate, raw, received_at, known_at, run
quarantine  append_once             (as bronze) rules, record
version     append_once             source, batch_id, file, line, event_at, known_at, run, version, row_digest, deleted
event       append_once             the same
link        append_once             known_at, run
additive    append_once             known_at, run; measures are int64 and signed: a reading is their sum
nightly     replace_as_of           as_of, run
control     append_once             none
=========== ======================= =======================================================================

Money is decimal(18,2) in the administration's currency; in additive tables it is int64 cents.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import pyarrow as pa

Layer = Literal["bronze", "quarantine", "version", "event", "link", "additive", "nightly", "control"]

STRING, INT, LONG, FLOAT, BOOL, DATE = pa.string(), pa.int32(), pa.int64(), pa.float64(), pa.bool_(), pa.date32()
MONEY = pa.decimal128(18, 2)
STAMP = pa.timestamp("us", tz="UTC")
STRINGS = pa.list_(pa.string())


@dataclass(frozen=True)
class Column:
    """One column: its type, what it means, its unit, and whether it may be null."""

    name: str
    type: pa.DataType
    meaning: str
    unit: str | None = None
    required: bool = False


@dataclass(frozen=True)
class Table:
    """A table's contract. `document` is the part of the key that one version covers (all lines of a return move together)."""

    name: str
    layer: Layer
    meaning: str
    key: tuple[str, ...]
    own: tuple[Column, ...]
    bucket_by: str | None = None
    document: tuple[str, ...] | None = None
    open_doubles: bool = False

    @property
    def columns(self) -> tuple[Column, ...]:
        """Own columns followed by those of the layer; the partition columns come last."""
        return self.own + LAYER_COLUMNS[self.layer] + ((BUCKET,) if self.bucket_by else ())

    @property
    def schema(self) -> pa.Schema:
        """The Arrow schema of `columns`; key columns and required ones are not nullable."""
        return pa.schema(
            [pa.field(c.name, c.type, nullable=not (c.required or c.name in self.key)) for c in self.columns]
        )

    @property
    def partition_by(self) -> tuple[str, ...]:
        """Partition columns: as_of of nightly tables, then bucket."""
        return (("as_of",) if self.layer == "nightly" else ()) + (("bucket",) if self.bucket_by else ())

    @property
    def path(self) -> str:
        """Folder of the table under the lake's root."""
        zone = {"bronze": "bronze", "quarantine": "bronze", "version": "silver", "event": "silver"}.get(self.layer, "gold")
        return f"{zone}/{self.name}"

    @property
    def version_of(self) -> tuple[str, ...]:
        """The columns of which one version is in force: the document, or the whole key."""
        return self.document or self.key

    @property
    def dated(self) -> str | None:
        """The date in the key by which a document lies in one month: of an event its own, of a return its period's end; None: there is none."""
        if self.layer not in ("version", "event", "additive"):
            return None
        dates = [c.name for c in self.own if c.name in self.version_of and c.type == DATE]
        return dates[-1] if dates else None

    @property
    def measures(self) -> tuple[str, ...]:
        """The summed columns of an additive table."""
        return tuple(c.name for c in self.own if c.name not in self.key) if self.layer == "additive" else ()


def _c(name: str, type_: pa.DataType, meaning: str, unit: str | None = None) -> Column:
    return Column(name, type_, meaning, unit)


BUCKET = Column("bucket", INT, "crc32(UTF-8 of the id) % B", required=True)
_RECEIPT = (
    _c("source", STRING, "source contract the row came through"),
    _c("batch_id", STRING, "delivery the row came in"),
    _c("file", STRING, "file name in the delivery"),
    _c("line", LONG, "line, record or document number in the file, from 1"),
)
_CLOCKS = (
    Column("known_at", DATE, "first clock: the day the administration could first know it", required=True),
    Column("run", LONG, "second clock: epoch of the lease under which the row entered the lake", required=True),
)
_SILVER = (
    *_RECEIPT,
    _c("event_at", DATE, "when it happened"),
    *_CLOCKS,
    Column("version", LONG, "order of versions of one key, as the contract names it", required=True),
    Column("row_digest", STRING, "digest of the record's content", required=True),
    _c("deleted", BOOL, "this version hides the key"),
)
_RAW = (
    *_RECEIPT,
    _c("fate", STRING, "accepted, superseded, duplicate or quarantined; fixed at receipt"),
    _c("raw", STRING, "the record as received: the line's text, or JSON of a structured record"),
    _c("received_at", STAMP, "receipt in the landing manifest"),
    *_CLOCKS,
)
LAYER_COLUMNS: dict[str, tuple[Column, ...]] = {
    "bronze": _RAW,
    "quarantine": (*_RAW, _c("rules", STRINGS, "ids of all rules broken"), _c("reason", STRING, "the rules in words, with the remedy")),
    "version": _SILVER,
    "event": _SILVER,
    "link": _CLOCKS,
    "additive": _CLOCKS,
    "nightly": (Column("run", LONG, "epoch of the run that wrote it", required=True), Column("as_of", DATE, "the date the night pretends to be", required=True)),
    "control": (),
}

_ID = _c("taxpayer_id", STRING, "registered party; a string, never a number")
_TAX = _c("tax", STRING, "VAT, CIT, PIT, … (conf/register.yaml)")
_FROM = _c("period_from", DATE, "first day of the tax period")
_TO = _c("period_to", DATE, "last day of the tax period")
_PERIOD = (_FROM, _TO)
_MONTH = _c("month", DATE, "first day of the calendar month")


def _cents(*names_meanings: str) -> tuple[Column, ...]:
    return tuple(_c(n.split("|")[0], LONG, n.split("|")[1], "cents") for n in names_meanings)


def _counts(*names_meanings: str) -> tuple[Column, ...]:
    return tuple(_c(n.split("|")[0], LONG, n.split("|")[1], "count") for n in names_meanings)


def bronze(source: str) -> Table:
    """The bronze table of a source: every line as received, nothing dropped."""
    return Table(f"bronze_{source}", "bronze", f"Every record of source {source} as received.", ("batch_id", "file", "line"), ())


SILVER = (
    Table("taxpayer", "version", "Registered parties.", ("source", "taxpayer_id"), (
        _ID, _c("name", STRING, "registered name"), _c("kind", STRING, "enterprise or individual"),
        _c("industry", STRING, "GB/T 4754 class, four digits"), _c("region", STRING, "administrative division, six digits"),
        _c("office_id", STRING, "home office"), _c("segment", STRING, "large, mid, small, individual or non_resident"),
        _c("ownership_form", STRING, "state, private, foreign, …"), _c("vat_kind", STRING, "general or small_scale"),
        _c("registered_on", DATE, "date of registration"), _c("closed_on", DATE, "date of deregistration"),
        _c("status", STRING, "active, abnormal or closed"), _c("address", STRING, "registered address"),
        _c("legal_rep", STRING, "name of the legal representative"), _c("agent_id", STRING, "filing agent (accountant)"),
        _c("agent_name", STRING, "the agent's name"), _c("phone", STRING, "telephone given at registration"),
        _c("capital", MONEY, "registered capital", "currency")), bucket_by="taxpayer_id"),
    Table("tax_registration", "version", "Which taxes a taxpayer must file, how often, since when.", ("source", "taxpayer_id", "tax"), (
        _ID, _TAX, _c("frequency", STRING, "month, quarter or year"), _c("valid_from", DATE, "first day of the duty"),
        _c("valid_to", DATE, "last day of the duty; null: open")), bucket_by="taxpayer_id"),
    Table("return_line", "version", "The one table of declarations: a row per form line.",
        ("source", "taxpayer_id", "tax", "form", "period_from", "period_to", "return_line"), (
        _ID, _TAX, _c("form", STRING, "form code"), *_PERIOD, _c("return_line", STRING, "line of the form, by its name in conf/sources"),
        _c("amount", MONEY, "amount declared on the line", "currency"), _c("filed_on", DATE, "day the return was filed")),
        bucket_by="taxpayer_id", document=("source", "taxpayer_id", "tax", "form", "period_from", "period_to")),
    Table("financial_statement", "version", "Financial statements: a row per item.",
        ("source", "taxpayer_id", "period_from", "period_to", "item"), (
        _ID, *_PERIOD, _c("item", STRING, "statement item"), _c("amount", MONEY, "amount of the item", "currency"),
        _c("filed_on", DATE, "day it was filed")),
        bucket_by="taxpayer_id", document=("source", "taxpayer_id", "period_from", "period_to")),
    Table("refund_claim", "version", "Export VAT claimed back, by month.", ("source", "taxpayer_id", "period_from", "period_to"), (
        _ID, *_PERIOD, _c("claimed_on", DATE, "day of the claim"), _c("exports", MONEY, "sales abroad it rests on", "currency"), _c("claimed", MONEY, "refund claimed", "currency"),
        _c("approved", MONEY, "refund approved; null: not yet", "currency"), _c("paid_on", DATE, "day it was paid; null: not yet")), bucket_by="taxpayer_id"),
    Table("ownership", "version", "Owners of registered companies.", ("source", "taxpayer_id", "owner_id"), (
        _ID, _c("owner_id", STRING, "owner: a taxpayer_id or a person's pseudonymous id"), _c("owner_name", STRING, "owner's name"),
        _c("owner_kind", STRING, "enterprise or person"), _c("share", FLOAT, "share held", "fraction"),
        _c("since", DATE, "held since"), _c("until", DATE, "held until; null: still")), bucket_by="taxpayer_id"),
    Table("officer", "version", "Who runs registered parties.", ("source", "taxpayer_id", "role", "person_id"), (
        _ID, _c("role", STRING, "legal_representative, financial_officer or operator (of an individual business: its owner)"), _c("person_id", STRING, "person's pseudonymous id"),
        _c("person_name", STRING, "person's name"), _c("since", DATE, "in office since"), _c("until", DATE, "in office until; null: still")), bucket_by="taxpayer_id"),
    Table("land_holding", "version", "Land and buildings; the holder as the land office spells him.", ("source", "parcel_id"), (
        _c("parcel_id", STRING, "parcel number"), _c("holder_id", STRING, "holder's id as received; often missing"),
        _c("holder_name", STRING, "holder's name as received"), _c("use", STRING, "industrial, commercial or residential"),
        _c("area", FLOAT, "area", "square metre"), _c("original_value", MONEY, "original value (原值)", "currency"),
        _c("acquired_on", DATE, "date acquired"), _c("ceased_on", DATE, "date disposed of; null: held")), bucket_by="parcel_id"),
    Table("penalty", "version", "Penalties of market supervision; the party as that office spells it.", ("source", "penalty_no"), (
        _c("penalty_no", STRING, "number of the decision"), _c("party_id", STRING, "party's id as received; often missing"),
        _c("party_name", STRING, "party's name as received"), _c("matter", STRING, "kind of offence"),
        _c("amount", MONEY, "fine", "currency"), _c("decided_on", DATE, "date of the decision")), bucket_by="penalty_no"),
    Table("licence", "version", "Licences of trades that need one; the party as market supervision spells it.", ("source", "licence_no"), (
        _c("licence_no", STRING, "number of the licence"), _c("party_id", STRING, "party's id as received; often missing"), _c("party_name", STRING, "party's name as received"),
        _c("kind", STRING, "food, road_transport, construction, real_estate, discharge, …"), _c("valid_from", DATE, "first day"), _c("valid_to", DATE, "last day as issued"),
        _c("revoked_on", DATE, "date revoked; null: not revoked")), bucket_by="licence_no"),
    Table("electricity_month", "version", "Electricity by meter and month; the holder as the grid company spells him. Several firms may hang on one meter.", ("source", "meter_no", "month"), (
        _c("meter_no", STRING, "meter, by the grid company's number"), _MONTH, _c("holder_id", STRING, "holder's id as received; often missing"),
        _c("holder_name", STRING, "holder's name as received; may be a person"), _c("address", STRING, "address of the supply contract, perhaps a former one"),
        _c("read_on", DATE, "day of the reading"), _c("energy", FLOAT, "energy used", "kWh")), bucket_by="meter_no"),
    Table("insured_month", "version", "People insured and contribution base by employer and month, as social security has them.", ("source", "employer_no", "month"), (
        _c("employer_no", STRING, "employer, by social security's number"), _MONTH, _c("employer_id", STRING, "employer's id as received"),
        _c("employer_name", STRING, "employer's name as received"), _c("heads", LONG, "people insured", "count"), _c("base", MONEY, "contribution base (缴费基数), all heads", "currency")),
        bucket_by="employer_no"),
    Table("credit_rating", "version", "Yearly credit rating of taxpayers (纳税信用). Contains past audits: no model feature.", ("source", "taxpayer_id", "rating_year"), (
        _ID, _c("name", STRING, "name as received"), _c("rating_year", LONG, "year that is rated"), _c("grade", STRING, "A, B, M, C or D"), _c("published_on", DATE, "day of publication")),
        bucket_by="taxpayer_id"),
    Table("bank_month", "version", "Money in and out by account and month. Gated: for the purpose `case` only.", ("source", "account_no", "month"), (
        _c("account_no", STRING, "account, by the bank's number"), _MONTH, _c("holder_id", STRING, "holder's id as received"), _c("holder_name", STRING, "holder's name as the bank has it"),
        _c("holder_kind", STRING, "enterprise or person"), _c("inflow", MONEY, "money that came in", "currency"), _c("outflow", MONEY, "money that left", "currency")), bucket_by="account_no"),
    Table("tip_off", "version", "Tip-offs: what was told, not who told it. Gated: for the purpose `case` only.", ("source", "tip_no"), (
        _c("tip_no", STRING, "number of the report"), _c("received_on", DATE, "day of arrival"), _c("channel", STRING, "phone, letter, web or visit"), _c("anonymous", BOOL, "told without a name"),
        _c("accused_id", STRING, "id of the accused as told; mostly missing"), _c("accused_name", STRING, "the accused as the tipster names him"), _c("accused_address", STRING, "address as told"),
        _c("content", STRING, "what was told"), _c("vault_ref", STRING, "reference into the vault, where who told it lies; null: nobody was named")), bucket_by="tip_no"),
    Table("watchlist", "version", "Lists of parties published by an authority, by stage.", ("source", "list_id", "party_id", "stage"), (
        _c("list_id", STRING, "which list"), _c("party_id", STRING, "party's id as received"), _c("party_name", STRING, "name as received"),
        _c("stage", STRING, "stage of the procedure"), _c("status", STRING, "status at that stage"), _c("published_on", DATE, "date the stage was published"),
        _c("reference", STRING, "act or notice")), bucket_by="party_id"),
    Table("invoice", "event", "Invoices, in the seller's bucket. A correction is a red-letter invoice of its own.",
        ("source", "seller_id", "invoice_no", "issued_on"), (
        _c("invoice_no", STRING, "invoice code and number"), _c("kind", STRING, "special, ordinary, red, credit_note, …"),
        _c("issued_on", DATE, "date of issue"), _c("seller_id", STRING, "seller's tax id as received"), _c("seller_name", STRING, "seller's name"),
        _c("buyer_id", STRING, "buyer's tax id as received; null: consumer"), _c("buyer_name", STRING, "buyer's name"),
        _c("currency", STRING, "ISO 4217"), _c("net", MONEY, "amount without tax", "currency"), _c("tax_amount", MONEY, "tax", "currency"),
        _c("gross", MONEY, "amount with tax as printed", "currency"), _c("difference", MONEY, "gross - net - tax", "currency"),
        _c("item", STRING, "commodity class of the first line"), _c("corrects", STRING, "invoice_no a red-letter invoice corrects")),
        bucket_by="seller_id"),
    Table("invoice_line", "event", "Lines of invoices, where the source gives them.", ("source", "seller_id", "invoice_no", "issued_on", "line_no"), (
        _c("seller_id", STRING, "seller's tax id as received"), _c("invoice_no", STRING, "invoice"), _c("issued_on", DATE, "date of issue"),
        _c("line_no", STRING, "line of the invoice"), _c("item", STRING, "item's name"), _c("quantity", FLOAT, "quantity", "unit"),
        _c("unit", STRING, "unit of quantity"), _c("net", MONEY, "line amount without tax", "currency"), _c("rate", FLOAT, "tax rate", "per cent")),
        bucket_by="seller_id", document=("source", "seller_id", "invoice_no", "issued_on")),
    Table("payment", "event", "Payments into the treasury.", ("source", "payment_no", "paid_on"), (
        _c("payment_no", STRING, "treasury receipt"), _ID, _TAX, *_PERIOD, _c("paid_on", DATE, "date received by the treasury"),
        _c("kind", STRING, "tax, interest, penalty or refund"), _c("amount", MONEY, "amount; refunds negative", "currency")),
        bucket_by="taxpayer_id"),
    Table("customs_entry", "event", "Goods that crossed the border; the declarant as customs has him.", ("source", "declarant_no", "entry_no", "declared_on"), (
        _c("entry_no", STRING, "number of the entry"), _c("declared_on", DATE, "day of the declaration"), _c("direction", STRING, "export or import"),
        _c("declarant_no", STRING, "declarant, by customs' number"), _c("declarant_id", STRING, "declarant's tax id as received"), _c("declarant_name", STRING, "declarant's name as received"),
        _c("goods_code", STRING, "Harmonized System code, national digits included"), _c("country", STRING, "destination or origin, ISO 3166"), _c("currency", STRING, "currency of `value`, ISO 4217"),
        _c("value", MONEY, "value in the currency of the entry", "currency of the entry"), _c("value_local", MONEY, "the same in the administration's currency", "currency"),
        _c("import_vat", MONEY, "VAT charged at import; null: export", "currency"), _c("reported_on", DATE, "day customs sent it")), bucket_by="declarant_no"),
    Table("case_event", "event", "What happens to a case, point by point: from the case store and, for the past, the old system.",
        ("source", "case_id", "event_no", "event_on"), (
        _c("case_id", STRING, "case"), _c("event_no", LONG, "number of the event in its case"), _c("event_on", DATE, "day of the event"), _ID,
        _c("kind", STRING, "pushed, received, begun, served, statement, point_answered, reviewed, returned, dropped, closed, appealed, overturned, paid"),
        _c("case_source", STRING, "案源: model, rule, campaign, random, tip_off, assigned, transferred, self_selected, back_up"),
        _c("treatment", STRING, "conf/treatments.yaml"), _c("office_id", STRING, "office that acts"), _c("post", STRING, "post that acted"),
        _c("point_id", STRING, "risk point answered; null: the case"), _c("risk_code", STRING, "risk code of the point"), _TAX, *_PERIOD,
        _c("result", STRING, "confirmed, in_part, excluded, not_examined or new"), _c("reason_code", STRING, "why excluded, dropped or returned"),
        _c("amount", MONEY, "tax adjusted; downward negative", "currency"), _c("effort_days", FLOAT, "effort spent", "inspector-day")),
        bucket_by="taxpayer_id"),
)

LINK = (
    Table("party", "link", "Which taxpayer a source's row is about.", ("source", "record_key"), (
        _c("source", STRING, "source of the row"), _c("record_key", STRING, "key of the row in its source"),
        _c("name", STRING, "party's name as received"), _c("received_id", STRING, "party's id as received"),
        _c("taxpayer_id", STRING, "the taxpayer it is; null: unknown"), _c("party_id", STRING, "persistent id of the party"),
        _c("method", STRING, "id, id_repaired, name or none"), _c("probability", FLOAT, "probability that the link is right"),
        _c("threshold", STRING, "strict, default or loose: the tightest threshold it passes"), _c("row_digest", STRING, "digest of the linked version")),
        bucket_by="record_key"),
)

ADDITIVE = (
    Table("taxpayer_month", "additive", "What a taxpayer declared, invoiced and paid, by month of the tax period.", ("taxpayer_id", "month"), (
        _ID, _MONTH,
        *_counts("out_n|invoices issued", "out_red_n|red-letter invoices issued", "out_consumer_n|invoices to consumers"),
        *_cents("out_net|net of invoices issued", "out_tax|tax of invoices issued", "out_red_net|net of red-letter invoices (negative)"),
        *_cents("vat_sales|taxable sales declared", "vat_output|output VAT declared", "vat_input|input VAT declared", "vat_due|VAT due declared",
                "vat_credit|credit carried forward declared", "vat_exempt|exempt sales declared", "vat_exports|sales abroad declared"),
        *_cents("cit_revenue|revenue declared for CIT, at the period's last month", "cit_cost|cost declared", "cit_expense|expenses declared",
                "cit_profit|taxable profit declared", "cit_due|CIT due declared"),
        *_cents("pit_wages|wages declared", "pit_due|PIT withheld as declared", "pit_dividend_due|of it on dividends"), *_counts("pit_heads|employees declared"),
        *_cents("paid_vat|VAT paid, by period", "paid_cit|CIT paid", "paid_pit|PIT paid", "paid_extra|interest and penalties paid, by period"),
        *_cents("fs_revenue|revenue of the financial statement at the period's last month", "fs_cost|cost of sales", "fs_profit|profit before tax",
                "fs_inventory|inventory at the end of the period", "fs_assets|total assets", "fs_receivable_related|receivables from owners",
                "fs_payable|payables at the end of the period", "fs_wages|wages of the statement"),
        *_counts("returns_n|returns in force", "amendments_n|versions after the first"), *_cents("amended_up|rise of tax due by amendments", "amended_down|fall of tax due by amendments (negative)"),
        ), bucket_by="taxpayer_id"),
    Table("trade_edge_month", "additive", "Trade between two parties by month, once in each one's bucket.", ("taxpayer_id", "side", "partner_id", "month"), (
        _ID, _c("side", STRING, "sells or buys, seen from taxpayer_id"), _c("partner_id", STRING, "the other party's tax id as received"), _MONTH,
        *_counts("n|invoices"), *_cents("net|net", "tax|tax")), bucket_by="taxpayer_id"),
    Table("party_fact", "additive", "Facts of third parties about a taxpayer, after linking, by month.", ("taxpayer_id", "month"), (
        _ID, _MONTH, *_counts("penalties|penalties decided", "parcels|parcels acquired less disposed of"),
        *_cents("penalty_amount|fines", "land_value|original value acquired less disposed of")), bucket_by="taxpayer_id"),
)

_POINT = (_c("point_id", STRING, "hash(taxpayer_id, tax, risk_code, period_from, period_to)"), _ID, _TAX, _c("risk_code", STRING, "entry in the risk register"), *_PERIOD)

NIGHTLY = (
    Table("obligation", "nightly", "Returns owed: what non-filing is measured against.", ("as_of", "taxpayer_id", "tax", "period_from", "period_to"), (
        _ID, _TAX, *_PERIOD, _c("due_at", DATE, "last day to file, by conf/calendar.yaml"), _c("grace_until", DATE, "no indicator uses the return before this day")), bucket_by="taxpayer_id"),
    Table("filing", "nightly", "What became of each obligation.", ("as_of", "taxpayer_id", "tax", "period_from", "period_to"), (
        _ID, _TAX, *_PERIOD, _c("due_at", DATE, "last day to file"), _c("filed_on", DATE, "first filed; null: not filed"), _c("last_filed_on", DATE, "last version filed"),
        _c("days_late", INT, "days after due_at; null: not filed", "day"), _c("versions", INT, "versions filed"),
        _c("due", MONEY, "tax due as now declared", "currency"), _c("due_first", MONEY, "tax due as first declared", "currency"),
        _c("paid", MONEY, "paid for the period", "currency"), _c("state", STRING, "not_due (until grace_until, filed or not), filed, late, missing, unknown (nobody's return of the period has arrived)")), bucket_by="taxpayer_id"),
    Table("partner", "nightly", "What a taxpayer's partners look like: joins taxpayers, so that kernels need not.", ("as_of", "taxpayer_id"), (
        _ID, _c("suppliers", INT, "suppliers in 12 months"), _c("customers", INT, "customers in 12 months"),
        _c("in_net", MONEY, "net bought in 12 months", "currency"), _c("in_tax", MONEY, "tax on purchases in 12 months", "currency"),
        _c("in_tax_young", MONEY, "… from suppliers registered less than a year before", "currency"),
        _c("in_tax_closed", MONEY, "… from suppliers closed or abnormal now", "currency"), _c("in_tax_unknown", MONEY, "… from ids not registered", "currency"),
        _c("in_tax_silent", MONEY, "… from suppliers that declared less output VAT than they invoiced, by the share not declared", "currency"),
        _c("in_tax_confirmed", MONEY, "… from suppliers with a confirmed point", "currency"),
        _c("top_supplier_share", FLOAT, "largest supplier's share of purchases"), _c("top_customer_share", FLOAT, "largest customer's share of sales"),
        _c("reciprocity", FLOAT, "share of sales to own suppliers"), _c("related_sales_share", FLOAT, "share of sales to parties with a common owner"),
        _c("owners", INT, "owners now"), _c("owner_companies", INT, "other companies of the same owners"),
        _c("owner_penalised", INT, "other companies of the same owners with a penalty"), _c("owner_confirmed", INT, "other companies of the same owners with a confirmed point")), bucket_by="taxpayer_id"),
    Table("partner_month", "nightly", "Input tax of a month and how much of it suppliers declared as output tax.", ("as_of", "taxpayer_id", "month"), (
        _ID, _MONTH, _c("in_net", MONEY, "net bought", "currency"), _c("in_tax", MONEY, "tax on purchases", "currency"),
        _c("in_tax_undeclared", MONEY, "… the part its suppliers did not declare", "currency"), _c("in_tax_suspect", MONEY, "… from young, closed, abnormal or unknown suppliers", "currency"),
        _c("suspect_n", INT, "such suppliers"), _c("out_related_net", MONEY, "net sold to parties with a common owner", "currency")), bucket_by="taxpayer_id"),
    Table("ratio", "nightly", "Own ratios that are compared with peers, before the peers are known.", ("as_of", "taxpayer_id", "measure"), (
        _ID, _c("measure", STRING, "name of the ratio (jobs/analyse/ratios.py)"), _c("value", FLOAT, "own value; null: missing")), bucket_by="taxpayer_id"),
    Table("peer", "nightly", "Peer statistics: small, given whole to every kernel.", ("as_of", "measure", "peer_group"), (
        _c("measure", STRING, "name of the ratio"), _c("peer_group", STRING, "industry|size, backing off: 4 digits, 2 digits, section, all"), _c("n", INT, "members with the measure"),
        _c("median", FLOAT, "median"), _c("mad", FLOAT, "1.4826 x median absolute deviation"), _c("p10", FLOAT, "tenth percentile"), _c("p90", FLOAT, "ninetieth percentile"))),
    Table("peer_member", "nightly", "Which peer group each taxpayer is judged by, per measure.", ("as_of", "taxpayer_id", "measure"), (
        _ID, _c("measure", STRING, "name of the ratio"), _c("peer_group", STRING, "the group after backing off"), _c("value", FLOAT, "own value; null: missing"),
        _c("n", INT, "members of the group without the taxpayer"), _c("median", FLOAT, "median of the group without the taxpayer"),
        _c("mad", FLOAT, "1.4826 x median absolute deviation without the taxpayer; null: none")), bucket_by="taxpayer_id"),
    Table("indicator_hit", "nightly", "Every indicator evaluated, hit or not.", ("as_of", "taxpayer_id", "indicator", "tax", "period_from", "period_to"), (
        _ID, _c("indicator", STRING, "conf and docs/indicators.md"), _c("risk_code", STRING, "entry in the risk register"), _TAX, *_PERIOD,
        _c("hit", BOOL, "rule fired; null: could not be computed"), _c("declared", FLOAT, "value declared"), _c("other", FLOAT, "value on the other side"),
        _c("difference", FLOAT, "other less declared, in the indicator's unit"), _c("base", MONEY, "tax at stake", "currency"), _c("threshold", FLOAT, "threshold in force"),
        _c("strength", FLOAT, "difference / threshold"), _c("missing_reason", STRING, "why it could not be computed"),
        _c("facts", STRING, "JSON: both sides and the indicator's sentences, as in risk_point; null below 0.8 times the threshold")), bucket_by="taxpayer_id"),
    Table("risk_point", "nightly", "Suspected faults, each with a life from night to night.", ("as_of", "point_id"), (
        *_POINT, _c("base", STRING, "what the amount is measured on"), _c("facts", STRING, "JSON: both sides, each with source, value and period"), _c("facts_digest", STRING, "digest of the facts"),
        _c("indicators", STRINGS, "indicators behind it"), _c("amount_error", MONEY, "tax at stake still assessable if it is an error", "currency"),
        _c("amount_evasion", MONEY, "… if it is evasion", "currency"), _c("until_error", DATE, "assessable_until for error"), _c("until_evasion", DATE, "assessable_until for evasion; null: no limit"),
        _c("strength", FLOAT, "strongest indicator"), _c("fraud", BOOL, "risk code is marked fraud: no reminder"),
        _c("state", STRING, "opened, changed, silent, closed or lapsed"), _c("state_reason", STRING, "why it is in this state"), _c("opened_on", DATE, "first night it was seen"),
        _c("earlier_explanation", STRING, "reason code accepted earlier, when a fact changed since")), bucket_by="taxpayer_id"),
    Table("outcome", "nightly", "Labels: one row per point answered, with finding, standing and known-at.", ("as_of", "case_id", "point_id"), (
        _c("case_id", STRING, "case"), *_POINT, _c("case_source", STRING, "案源"), _c("treatment", STRING, "treatment of the case"), _c("office_id", STRING, "office that acted"),
        _c("finding", STRING, "confirmed, in_part, excluded, not_examined or new"), _c("reason_code", STRING, "why excluded"),
        _c("adjusted", INT, "sign of the adjustment: 1, 0, -1; null: not examined"), _c("assessed", MONEY, "tax adjusted, signed", "currency"), _c("collected", MONEY, "of it paid", "currency"),
        _c("effort_days", FLOAT, "effort of the case, shared over its points", "inspector-day"), _c("standing", STRING, "open, final, appealed or overturned"),
        _c("opened_on", DATE, "day the case was pushed"), _c("known_at", DATE, "day the label was known")), bucket_by="taxpayer_id"),
    Table("feature", "nightly", "Features of a taxpayer; one double column each, null with no reason lost (docs/features.md).", ("as_of", "taxpayer_id"), (
        _ID, _c("feature_set", STRING, "digest of names, versions and parameters"), _c("snapshot", STRING, "night or backfill")), bucket_by="taxpayer_id", open_doubles=True),
    Table("score", "nightly", "Probability, amounts and value, each its own column.", ("as_of", "taxpayer_id", "model_version"), (
        _ID, _c("model_version", STRING, "champion's version, or rules"), _c("probability", FLOAT, "calibrated probability that an audit adjusts upward"),
        _c("rules_score", FLOAT, "sum of indicator weights x strength"), _c("amount", MONEY, "expected adjustment if there is one", "currency"),
        _c("collectability", FLOAT, "share expected to be paid"), _c("expected_tax", MONEY, "probability x amount x collectability", "currency"),
        _c("loss_prevented", MONEY, "expected loss stopped by acting now", "currency"), _c("effort_days", FLOAT, "effort expected", "inspector-day"),
        _c("value", FLOAT, "(expected_tax + loss_prevented) / effort_days", "currency per inspector-day")), bucket_by="taxpayer_id"),
    Table("risk_level", "nightly", "Risk level per taxpayer, and why it changed.", ("as_of", "taxpayer_id"), (
        _ID, _c("level", STRING, "none, low, medium or high"), _c("previous", STRING, "level of the last published night"), _c("why", STRING, "band, rule or override")), bucket_by="taxpayer_id"),
    Table("selection", "nightly", "The decisions to treat, in a total order.", ("as_of", "taxpayer_id"), (
        _ID, _c("case_id", STRING, "case this selection becomes"), _c("rank", INT, "rank in its office and treatment, from 1"), _c("treatment", STRING, "conf/treatments.yaml"), _c("office_id", STRING, "office that acts"),
        _c("case_source", STRING, "案源"), _c("inclusion_probability", FLOAT, "of a random case that of the draw, also where value would have listed him; of any other 1"), _c("level", STRING, "risk level"),
        _c("amount", MONEY, "what its points add up to, each tax and base once for a stretch of time", "currency"), _c("effort_days", FLOAT, "effort planned", "inspector-day"),
        _c("value", FLOAT, "as in score"), _c("floor", STRING, "risk type whose floor gave the place; null: by value"), _c("points", STRINGS, "points of the case; comprehensive: none")), bucket_by="taxpayer_id"),
    Table("inclusion", "nightly", "Inclusion probability of every taxpayer in the frame of the random slice.", ("as_of", "taxpayer_id"), (
        _ID, _c("stratum", STRING, "stratum of the draw"), _c("probability", FLOAT, "inclusion probability of the random slice"), _c("draw", FLOAT, "keyed uniform number behind the draw"), _c("drawn", BOOL, "drawn tonight")), bucket_by="taxpayer_id"),
    Table("reason", "nightly", "Reasons in words, with the numbers behind them.", ("as_of", "taxpayer_id", "ordinal"), (
        _ID, _c("ordinal", INT, "1 is the strongest"), _c("kind", STRING, "point, indicator or feature"), _c("code", STRING, "risk code or feature"), _c("point_id", STRING, "the point, if one"),
        _c("text", STRING, "sentence for the inspector"), _c("text_zh", STRING, "the same in Chinese"), _c("numbers", STRING, "JSON of the numbers in the sentence"), _c("weight", FLOAT, "contribution to the score, or amount")), bucket_by="taxpayer_id"),
    Table("reminder", "nightly", "Reminders to taxpayers, and those suppressed.", ("as_of", "taxpayer_id", "point_id"), (
        _ID, _c("point_id", STRING, "risk point"), _c("case_id", STRING, "selection it belongs to"), _c("letter_id", STRING, "letter; one per taxpayer and night"), _c("text", STRING, "facts as far as conf/disclosure.yaml allows"),
        _c("question", BOOL, "the second fact may not be disclosed: the letter asks"), _c("suppressed", STRING, "why not sent: fraud, contact_limit, holdout; null: sent")), bucket_by="taxpayer_id"),
    Table("case_result", "nightly", "What put a case on a published list, and what has come of it: one row per selection of every published night.", ("as_of", "case_id"), (
        _c("case_id", STRING, "case"), _ID, _c("selected_on", DATE, "night of the list"), _c("case_source", STRING, "案源"), _c("treatment", STRING, "conf/treatments.yaml"),
        _c("office_id", STRING, "office that acts"), _c("rank", INT, "rank on its list"), _c("level", STRING, "risk level then"), _c("inclusion_probability", FLOAT, "of that list"),
        _c("model_version", STRING, "model behind the list"), _c("probability", FLOAT, "probability then"), _c("rules_score", FLOAT, "rules-only score then"),
        _c("rules_value", FLOAT, "value by the rules alone then: what the list goes by on a night without a champion", "currency per inspector-day"), _c("value", FLOAT, "value then", "currency per inspector-day"),
        _c("pushed", BOOL, "handed over; false: the list lapsed"), _c("worked", BOOL, "begun or answered"), _c("adjusted", INT, "sign of what was found over all its points: 1, 0, -1; null: nothing examined yet"),
        _c("found", MONEY, "tax adjusted, signed, overturned left out", "currency"), _c("paid", MONEY, "of it paid", "currency"), _c("effort_days", FLOAT, "effort spent; planned while none is reported", "inspector-day"),
        _c("segment", STRING, "size"), _c("industry", STRING, "two digits"), _c("region", STRING, "administrative division")), bucket_by="taxpayer_id"),
    Table("point_result", "nightly", "Answered points with the indicators that stood behind them.", ("as_of", "case_id", "point_id"), (
        _c("case_id", STRING, "case"), *_POINT, _c("case_source", STRING, "案源"), _c("treatment", STRING, "treatment of the case"), _c("office_id", STRING, "office that acted"),
        _c("examined", BOOL, "false: not_examined"), _c("adjusted", INT, "sign; overturned counts 0; null: not examined"), _c("amount", MONEY, "tax adjusted", "currency"), _c("effort_days", FLOAT, "the point's share of the case's effort", "inspector-day"), _c("reason_code", STRING, "why excluded"),
        _c("indicators", STRINGS, "indicators behind the point; empty: found without one"), _c("known_at", DATE, "day the label was known")), bucket_by="taxpayer_id"),
    Table("reminder_result", "nightly", "What followed each reminder, and each one held out or suppressed.", ("as_of", "taxpayer_id", "point_id", "sent_on"), (
        _ID, _c("point_id", STRING, "risk point"), _c("sent_on", DATE, "night of the reminder"), _TAX, _c("arm", STRING, "sent, holdout, or why it was suppressed"), _c("question", BOOL, "asked a question only"),
        _c("amount", MONEY, "tax at stake then", "currency"), _c("matured", BOOL, "90 days have passed"), _c("closed", BOOL, "point closed within 90 days"),
        _c("corrected", MONEY, "rise of tax declared for the point's periods within 90 days", "currency"), _c("paid", MONEY, "tax paid for them within 90 days", "currency")), bucket_by="taxpayer_id"),
    Table("monitoring", "nightly", "State of the work, for supervisors; level also all, unknown or comprehensive.", ("as_of", "office_id", "measure", "level"), (
        _c("office_id", STRING, "office"), _c("measure", STRING, "pushed, not_received, not_begun, near_term, overdue, returned, dropped, closed"), _c("level", STRING, "risk level or all"), _c("n", LONG, "cases", "count"))),
    Table("evaluation", "nightly", "Measured results, each with its baseline and interval.", ("as_of", "measure", "scope", "item"), (
        _c("measure", STRING, "hit_rate, value_per_day, executed, reminder_closed, …"), _c("scope", STRING, "indicator, risk_code, case_source, office, size, industry"), _c("item", STRING, "which one"),
        _c("n", LONG, "cases or points", "count"), _c("value", FLOAT, "result"), _c("low", FLOAT, "95 % interval"), _c("high", FLOAT, "95 % interval"), _c("baseline", FLOAT, "the sceptic's number in the same run"), _c("note", STRING, "what it is, and what it is not"))),
)

CONTROL = (
    Table("lease", "control", "The lease: an epoch that only grows.", ("epoch",), (
        _c("epoch", LONG, "epoch"), _c("holder", STRING, "who took it"), _c("purpose", STRING, "ingest or night"), _c("taken_at", STAMP, "when"))),
    Table("batch", "control", "One row per act on a batch; `received` alone makes its rows visible, `retired` hides them.", ("batch_id", "act", "run"), (
        _c("batch_id", STRING, "digest of source, contents, revisions and receipt"), _c("act", STRING, "received, retired, stopped, accepted or rejected"), _c("run", LONG, "run of the act"), _c("source", STRING, "source"),
        _c("receipt", LONG, "receipt number in the landing manifest"), _c("received_at", STAMP, "receipt"), _c("kind", STRING, "delivery, history, or release: records out of the quarantine of `out_of`"),
        _c("files", STRINGS, "file names"), _c("digests", STRINGS, "SHA-256 of each file"), _c("out_of", STRING, "batch that had these records before; null: the delivery itself"),
        _c("received", LONG, "lines or documents"), _c("accepted", LONG, "stored, in force"), _c("superseded", LONG, "stored, a higher version was there"), _c("duplicate", LONG, "bronze only"),
        _c("quarantined", LONG, "refused with a reason"), _c("tables", STRINGS, "silver tables written"), _c("contract", STRING, "revision:digest of the contract"), _c("note", STRING, "remarks of ingest, or the reason a person gave"),
        _c("by", STRING, "who ordered the act; null: ingest itself"), _c("at", STAMP, "when it was ordered"))),
    Table("released", "control", "One row per quarantine row that was released; counts while `batch_id` is in force.", ("out_of", "file", "line", "batch_id"), (
        _c("out_of", STRING, "batch that holds the quarantine row"), _c("file", STRING, "its file"), _c("line", LONG, "its line"),
        _c("batch_id", STRING, "batch it was released into"), _c("run", LONG, "run of the release"))),
    Table("expectation", "control", "What each delivery looked like beside those before it: one row per measure and column.", ("batch_id", "run", "measure", "column"), (
        _c("batch_id", STRING, "the delivery"), _c("run", LONG, "run that looked at it"), _c("source", STRING, "source"), _c("receipt", LONG, "receipt number in the landing manifest"),
        _c("received_at", STAMP, "receipt"), _c("kind", STRING, "delivery or history"),
        _c("measure", STRING, "volume, age, quarantined, nulls, quarter, median, three_quarters (of a number's size) or coverage"), _c("column", STRING, "column or line measured; empty: the delivery as a whole"),
        _c("value", FLOAT, "records, days, share or the number's unit"), _c("n", LONG, "records, cells or ids behind the value", "count"), _c("past", FLOAT, "median of the deliveries compared with; of volume the nearest in their range; null: none"),
        _c("deliveries", LONG, "deliveries compared with", "count"), _c("change", FLOAT, "what is judged: a multiple (volume, quartiles), days or a share beyond the median, or the share itself (coverage); null: not judged"),
        _c("warn", FLOAT, "level of `change` from which it is said"), _c("stop", FLOAT, "… from which the delivery is stopped"), _c("level", STRING, "well, warn, stop or no_past"))),
    Table("run", "control", "What every run and step read, wrote and cost.", ("run", "step"), (
        _c("run", LONG, "epoch"), _c("run_id", STRING, "name of the run"), _c("as_of", DATE, "the date"), _c("revision", INT, "revision of the date"), _c("room", STRING, "room"), _c("step", STRING, "step; begin: the pins"),
        _c("code_version", STRING, "version of the code"), _c("conf_digest", STRING, "digest of the archived configuration"), _c("reads", STRING, "JSON: table, Delta version"), _c("writes", STRING, "JSON: table, Delta version"),
        _c("rows", LONG, "rows written"), _c("model_version", STRING, "model"), _c("seed", LONG, "seed"), _c("seconds", FLOAT, "wall time", "second"), _c("at", STAMP, "end"), _c("note", STRING, "what a reader must know, such as sources that were late"))),
    Table("night", "control", "What is published, approved, handed over or lapsed: one row per act.", ("as_of", "revision", "act"), (
        _c("as_of", DATE, "the date"), _c("revision", INT, "revision"), _c("act", STRING, "published, approved, handed_over"), _c("run", LONG, "run that staged it"), _c("tables", STRING, "JSON: Delta version of every table"),
        _c("official", STRING, "who approved"), _c("at", STAMP, "when"), _c("note", STRING, "reason or remark"))),
    Table("evidence", "control", "The rows behind every case, copied at hand-over: they outlive VACUUM.", ("as_of", "taxpayer_id", "table_name", "row_no"), (
        _c("as_of", DATE, "the date"), _ID, _c("table_name", STRING, "table copied"), _c("row_no", INT, "row within the table"), _c("row", STRING, "JSON of the row"), _c("run", LONG, "run"))),
)

QUARANTINE = Table("quarantine", "quarantine", "What broke a rule: file, line, raw text, all rules broken.", ("batch_id", "file", "line"), ())

STATES = tuple(
    Table(f"{t.name}_state", "nightly", f"{t.name} summed up to the end of a month, as the run that wrote it knew it: nights read it and what came since.",
          ("as_of", *t.key), t.own, bucket_by=t.bucket_by) for t in ADDITIVE)  # fmt: skip
"""Written by upkeep at the turn of a month (jobs/lake/state.py)."""

TABLES: dict[str, Table] = {t.name: t for t in (*SILVER, QUARANTINE, *LINK, *ADDITIVE, *STATES, *NIGHTLY, *CONTROL)}


def table(name: str) -> Table:
    """The contract of a table by name; bronze tables are named bronze_<source>. KeyError with the known names otherwise."""
    if name.startswith("bronze_"):
        return bronze(name.removeprefix("bronze_"))
    if name not in TABLES:
        raise KeyError(f"no table '{name}' in jobs/lake/tables.py; known: {', '.join(sorted(TABLES))}")
    return TABLES[name]
