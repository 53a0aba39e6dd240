"""The third parties of a country, each with the function that writes its papers. Who is not described in the country's YAML sends nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from jobs.economy.facts import Facts, Sent
from jobs.economy.papers_bank import bank_papers
from jobs.economy.papers_customs import customs_papers
from jobs.economy.papers_electricity import electricity_papers
from jobs.economy.papers_licences import licence_papers
from jobs.economy.papers_others import land_papers, penalty_papers
from jobs.economy.papers_ratings import rating_papers
from jobs.economy.papers_social import social_papers
from jobs.economy.papers_tips import tip_papers

PAPERS: dict[str, Callable[[Facts, Any], Sent]] = {
    "land": land_papers, "penalty": penalty_papers, "licence": licence_papers, "customs": customs_papers, "electricity": electricity_papers,
    "social_security": social_papers, "credit_rating": rating_papers, "bank_month": bank_papers, "tip_off": tip_papers,
}  # fmt: skip


def third_parties(facts: Facts) -> dict[str, Sent]:
    """What each third party of the country sends about a bucket's firms, by source."""
    described = {source: getattr(facts.world.country.third_parties, source) for source in PAPERS}
    return {source: PAPERS[source](facts, feed) for source, feed in described.items() if feed is not None}
