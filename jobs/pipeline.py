"""The steps of a night, in order, and nothing else."""

from __future__ import annotations

from jobs.analyse import partner_months, partners, trade
from jobs.analyse.features import feature
from jobs.analyse.filings import filing
from jobs.analyse.indicators import indicator_hit
from jobs.analyse.months import taxpayer_month
from jobs.analyse.obligations import obligation
from jobs.analyse.outcomes import outcome
from jobs.analyse.partner_months import partner_month
from jobs.analyse.partners import partner
from jobs.analyse.party_facts import party_fact
from jobs.analyse.peers import peers
from jobs.analyse.points import risk_point
from jobs.analyse.ratios import own_ratios
from jobs.analyse.trade import trade_edge_month
from jobs.evaluate.evaluation import evaluation
from jobs.evaluate.reminders import reminder_result
from jobs.evaluate.results import case_result, point_result
from jobs.lake.step import Kind, Step
from jobs.link.parties import link
from jobs.rank.level import risk_level
from jobs.rank.reasons import reason
from jobs.rank.score import score
from jobs.rank.selection import select
from jobs.respond.monitoring import monitor
from jobs.respond.reminders import remind
from jobs.sources.ingest import ingest_step

STEPS: tuple[Step, ...] = (
    Step("ingest", "sources", Kind.INGEST, ingest_step),
    Step("link", "link", Kind.DRIVER, link, "party", reads=("taxpayer", "penalty", "land_holding", "licence"),
         changes=("penalty", "land_holding", "licence"), versions=("taxpayer",), stored=("party",)),
    Step("taxpayer_month", "analyse", Kind.KERNEL, taxpayer_month, "taxpayer_month", changes=("invoice", "payment", "return_line", "financial_statement")),
    Step("trade_edge_month", "analyse", Kind.FRAME, trade_edge_month, "trade_edge_month", changes=("invoice",), columns=trade.COLUMNS),
    Step("party_fact", "analyse", Kind.DRIVER, party_fact, "party_fact", changes=("penalty", "land_holding"), versions=("penalty", "land_holding", "party"), stored=("party_fact",)),
    Step("obligation", "analyse", Kind.KERNEL, obligation, "obligation", reads=("taxpayer", "return_line"), versions=("tax_registration",)),
    Step("filing", "analyse", Kind.KERNEL, filing, "filing", reads=("obligation", "payment"), versions=("return_line",)),
    Step("outcome", "analyse", Kind.KERNEL, outcome, "outcome", reads=("case_event",)),
    Step("partner_month", "analyse", Kind.FRAME, partner_month, "partner_month",
         reads=("taxpayer", "ownership", "filing", "taxpayer_month", "trade_edge_month"), columns=partner_months.COLUMNS),
    Step("partner", "analyse", Kind.FRAME, partner, "partner",
         reads=("taxpayer", "ownership", "outcome", "partner_month", "party_fact", "taxpayer_month", "trade_edge_month"), columns=partners.COLUMNS),
    Step("ratio", "analyse", Kind.KERNEL, own_ratios, "ratio", reads=("taxpayer", "tax_registration", "taxpayer_month", "filing", "partner_month")),
    Step("peer", "analyse", Kind.DRIVER, peers, ("peer", "peer_member"), reads=("ratio", "taxpayer", "outcome")),
    Step("indicator_hit", "analyse", Kind.KERNEL, indicator_hit, "indicator_hit",
         reads=("taxpayer", "taxpayer_month", "filing", "partner", "partner_month", "peer_member")),
    Step("risk_point", "analyse", Kind.KERNEL, risk_point, "risk_point", reads=("indicator_hit", "outcome", "filing"),
         previous=("risk_point",), history=("risk_point",)),
    Step("feature", "analyse", Kind.KERNEL, feature, "feature",
         reads=("taxpayer", "tax_registration", "taxpayer_month", "filing", "partner", "partner_month", "peer_member", "party_fact", "outcome"),
         previous=("indicator_hit",), history=("risk_point",)),
    Step("score", "rank", Kind.KERNEL, score, "score", reads=("taxpayer", "feature", "risk_point", "indicator_hit")),
    Step("risk_level", "rank", Kind.DRIVER, risk_level, "risk_level", reads=("score", "risk_point", "taxpayer"), previous=("risk_level", "score")),
    Step("selection", "rank", Kind.DRIVER, select, ("selection", "inclusion"),
         reads=("score", "risk_level", "risk_point", "taxpayer", "outcome", "case_event"), history=("selection", "inclusion")),
    Step("reason", "rank", Kind.KERNEL, reason, "reason", reads=("selection", "risk_point", "indicator_hit", "feature", "taxpayer")),
    Step("reminder", "respond", Kind.KERNEL, remind, "reminder", reads=("selection", "risk_point", "taxpayer", "case_event"), history=("reminder",)),
    Step("monitoring", "respond", Kind.DRIVER, monitor, "monitoring", reads=("case_event",), history=("selection",)),
    Step("case_result", "evaluate", Kind.KERNEL, case_result, "case_result",
         reads=("outcome", "case_event", "taxpayer"), history=("selection", "score")),
    Step("point_result", "evaluate", Kind.KERNEL, point_result, "point_result", reads=("outcome",), history=("risk_point",)),
    Step("reminder_result", "evaluate", Kind.KERNEL, reminder_result, "reminder_result",
         reads=("risk_point", "taxpayer_month", "case_event"), history=("reminder", "risk_point"), clocks=("taxpayer_month",)),
    Step("evaluation", "evaluate", Kind.DRIVER, evaluation, "evaluation",
         reads=("case_result", "point_result", "reminder_result", "taxpayer", "selection")),
)  # fmt: skip
