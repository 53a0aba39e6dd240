"""Parts of the country report about tax: returns and lateness, honest errors, evasion, enforcement, third parties, how hard evaders are to find."""

from __future__ import annotations

from typing import Any

import numpy as np

from jobs.economy.census_tax import LATE
from jobs.economy.kinds import CAUSES, FLEETING, NAMES, SEGMENTS
from jobs.economy.learning import UNSEEN, Findable
from jobs.economy.portrait_drawing import BLUE, GREY, RUST, TEAL, bars, digits, pairs, stacked
from jobs.economy.realism import benford
from jobs.economy.realism import digits as counted_digits
from jobs.economy.summary import Summary

Part = dict[str, Any]

FORMS = {
    "VAT-G": "VAT, general taxpayers (month)", "VAT-S": "VAT, small taxpayers (quarter)", "CIT-A": "enterprise income tax (year)", "PIT-W": "wage tax withheld (month)",
    "SOC-M": "social contributions (month)", "PB-STAMP": "stamp duty (quarter)", "PB-PROP": "property tax (half-year)", "PB-LVAT": "land VAT (year)",
}  # fmt: skip
TAXES = {"VAT": "VAT", "CIT": "income tax", "PIT": "wage tax"}
OTHER_TAXES = {"SOCIAL": "social contributions", "STAMP": "stamp duty", "PROPERTY": "property tax", "LVAT": "land VAT"}
CASE_SOURCES = {
    "rule": "old rules", "campaign": "campaigns", "random": "random programme", "tip_off": "tip-offs", "assigned": "assigned from above", "self_selected": "inspectors' own choice",
    "transferred": "passed on by others",
}  # fmt: skip
_ASIDE = ("honest", "honest_error", "non_filer")


def filing(s: Summary) -> Part:
    """Returns that were due: when they came, when they were paid, what honest firms got wrong."""
    rows, shares = [], []
    for form in [f for f in FORMS if f in s.cells.get("filed", {})] + [f for f in s.groups("filed") if f not in FORMS]:
        state = np.array([s.n("filed", form, str(n)) for n in range(len(LATE) + 2)], dtype=np.float64)
        due = max(state.sum(), 1)
        paid = {k: s.of("paid", form, k) for k in ("in time", "late", "not")}
        asked = max(sum(n for n, _ in paid.values()), 1)
        right = max(s.n("honest_returns", form), 1)
        shares.append([state[0] / due, state[1] / due, state[2:4].sum() / due, state[4:-1].sum() / due, state[-1] / due])
        rows.append({
            "name": FORMS.get(form, form), "due": int(state.sum()), "in_time": state[0] / due, "late": state[1:-1].sum() / due, "never": state[-1] / due, "amended": s.n("amended", form) / due,
            "paid_late": paid["late"][0] / asked, "unpaid": paid["not"][0] / asked, "arrears": paid["not"][1] / 100,
            "too_little": s.n("honest_error", form, "too little") / right, "too_much": s.n("honest_error", form, "too much") / right,
        })  # fmt: skip
    names = ("in time", "1 to 3 days late", "4 to 30 days", "more", "never")
    chart = stacked([r["name"] for r in rows], [(n, [x[k] for x in shares]) for k, n in enumerate(names)], "Returns by when they came") if rows else None
    little, much = (sum(s.of("honest_error", f, k)[1] for f in s.groups("honest_error")) / 100 for k in ("too little", "too much"))
    return {"rows": rows, "chart": chart, "too_little": little, "too_much": much}


def evasion(s: Summary, found: Findable | None) -> Part:
    """Who evades, how, why, and what it hides."""
    country, living = s.world.country, max(s.n("firms_last_year"), 1)
    hidden, due = _by_typology(s, "tax_hidden"), _by_typology(s, "tax_due")
    doing = {n: s.sum("evaders", n)[0] for n in NAMES[1:]}
    rows: list[Part] = [
        {
            "name": n.replace("_", " "), "asked": country.evasion.typologies[n].weight if n in country.evasion.typologies else None, "firms": doing[n], "share": doing[n] / living,
            "hidden": {t: hidden.get(n, {}).get(t, 0) / 100 for t in TAXES} | {"other": sum(v for t, v in hidden.get(n, {}).items() if t not in TAXES) / 100},
            "total": sum(hidden.get(n, {}).values()) / 100, "of_due": _part(sum(hidden.get(n, {}).values()), sum(due.get(n, {}).values())),
            "intent": s.n("evaders", n, "intent") / max(doing[n], 1), "recall": found.recall.get(n) if found else None,
        }
        for n in NAMES[1:] if doing[n] or n in hidden
    ]  # fmt: skip
    rows.sort(key=lambda r: -r["total"])
    taxes = sorted({t for part in due.values() for t in part}, key=lambda t: (list(TAXES).index(t) if t in TAXES else 9, t))
    gap = [{"name": (TAXES | OTHER_TAXES).get(t, t), **_gap(due, hidden, t)} for t in taxes]
    chart = bars([r["name"] for r in rows], [max(r["total"], 0) for r in rows], [f"{r['total'] / 1e6:,.2f} M" for r in rows], "Tax hidden in the last year by typology") if rows else None
    return {
        "rows": rows, "gap": gap, "chart": chart, "doing": sum(doing.values()), "share": sum(doing.values()) / living, "ever": s.sum("have_evaded")[0] / living,
        "lasting": (sum(doing.values()) - sum(doing[NAMES[k]] for k in FLEETING)) / living, "asked": country.evasion.share, "causes": _causes(s),
        "segments": [{"name": seg, "share": s.n("evaders_segment", seg) / max(s.n("firms_segment", seg), 1)} for seg in SEGMENTS],
    }  # fmt: skip


def _part(hidden: int, due: int) -> float | None:
    """Hidden as a share of due; null where refunds leave too little due to say."""
    return hidden / due if due > 0 and hidden <= 2 * due else None


def _by_typology(s: Summary, measure: str) -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = {}
    for tax in s.groups(measure):
        for item, (_, total) in s.items(measure, tax).items():
            kind = item.split("/")[0]
            found.setdefault(kind, {})[tax] = found.get(kind, {}).get(tax, 0) + total
    return found


def _gap(due: dict[str, dict[str, int]], hidden: dict[str, dict[str, int]], tax: str) -> Part:
    owed = sum(part.get(tax, 0) for part in due.values())
    parts = {"evasion": sum(part.get(tax, 0) for kind, part in hidden.items() if kind not in _ASIDE), "errors": hidden.get("honest_error", {}).get(tax, 0), "not filed": hidden.get("non_filer", {}).get(tax, 0)}
    return {"due": owed / 100, **{n: v / 100 for n, v in parts.items()}, "share": sum(parts.values()) / owed if owed else 0.0}


def _causes(s: Summary) -> list[Part]:
    total: dict[str, list[int]] = {}
    for tax in s.groups("tax_hidden"):
        for item, (n, hidden) in s.items("tax_hidden", tax).items():
            one = total.setdefault(item.split("/")[1], [0, 0])
            one[0], one[1] = one[0] + n, one[1] + hidden
    return [{"name": c, "returns": total[c][0], "hidden": total[c][1] / 100} for c in CAUSES if c != "none" and c in total]


def enforcement(s: Summary) -> Part:
    """Whom the old system examined, and how that differs from who is there."""
    rows = [_cases(s, "source", name, CASE_SOURCES.get(name, name)) for name in [*CASE_SOURCES, *(g for g in s.groups("cases_source") if g not in CASE_SOURCES)] if name in s.groups("cases_source")]
    total = sum(r["cases"] for r in rows)
    if not total:
        return {"rows": [], "total": 0}
    regions = {str(d.code): f"district {d.code}" for d in s.world.country.place.districts}
    charts = [_against(s, "segment", {n: n for n in SEGMENTS}), _against(s, "region", regions), _against(s, "industry", {i.code: i.code for i in s.world.country.industries})]
    living = max(s.n("firms_last_year"), 1)
    answers = s.items("answers")
    return {
        "rows": rows, "total": total, "charts": charts, "evaders": s.sum("evaders")[0] / living, "random": next((r for r in rows if r["key"] == "random"), None),
        "rule": next((r for r in rows if r["key"] == "rule"), None), "answers": [(n, c, c / max(sum(x for x, _ in answers.values()), 1)) for n, (c, _) in answers.items()],
        "appealed": s.n("case_events", item="appealed"), "overturned": s.n("case_events", item="overturned"), "paid": s.n("case_events", item="paid"),
        "seen": sum(r["found"] * r["cases"] for r in rows) / total, "of_evaders": sum(r["evaders"] * r["cases"] for r in rows) / total,
    }  # fmt: skip


def _cases(s: Summary, what: str, key: str, name: str) -> Part:
    n, money = s.of(f"cases_{what}", key, "cases")
    return {"key": key, "name": name, "cases": n, "found": s.n(f"cases_{what}", key, "found") / max(n, 1), "evaders": s.n(f"cases_{what}", key, "evaders") / max(n, 1), "money": money / 100 / max(n, 1)}


def _against(s: Summary, what: str, names: dict[str, str]) -> Any:
    """Shares of the firms and of the old cases, side by side."""
    firms, cases = (np.array([s.n(f"{m}_{what}", k, item) for k in names], dtype=np.float64) for m, item in (("firms", ""), ("cases", "cases")))
    return pairs(list(names.values()), (firms / max(firms.sum(), 1)).tolist(), (cases / max(cases.sum(), 1)).tolist(), ("share of firms", "share of old cases"), f"Old cases against firms by {what}")


def third_parties(s: Summary) -> Part:
    """What others know: how much, how late, how well they name whom they mean."""
    told = s.world.country.model_dump()["third_parties"]
    rows = []
    for source in s.groups("identified"):
        n = max(s.sum("identified", source)[0], 1)
        feed = told.get(source) or {}
        rows.append({
            "name": source.replace("_", " "), "rows": s.n("rows", source), "firms": s.n("firms_named", source), **{k: s.n("identified", source, k) / n for k in ("right", "wrong", "none")},
            "coverage": feed.get("coverage"), "delay": feed.get("delay_days"), "misspelt": feed.get("misspelt"), "malicious": feed.get("malicious") or None,
        })  # fmt: skip
    others = [(source.replace("_", " "), s.n("rows", source)) for source in s.groups("rows") if source not in s.groups("identified")]
    silent = [n.replace("_", " ") for n, feed in told.items() if feed and not s.n("rows", n)]
    return {"rows": rows, "others": others, "silent": silent}


def finding(found: Findable | None) -> Part | None:
    """How far single figures and a model get."""
    if found is None:
        return None
    order = sorted(found.single, key=lambda n: -found.single[n])[:14]
    single = bars([n.replace("_", " ") for n in order], [found.single[n] for n in order], [f"{found.single[n]:.2f}" for n in order], "AUC of single figures", BLUE, base=0.5, line=0.75, line_name="too easy")
    kinds = sorted(found.recall, key=lambda n: -found.recall[n])
    names = [f"{n.replace('_', ' ')} ({found.count[n]:,})" for n in kinds]
    recall = bars(names, [found.recall[n] for n in kinds], [f"{found.recall[n]:.0%}" for n in kinds], "Share of each typology on the model's list", RUST, True)
    unseen = [(n.replace("_", " "), found.unseen[n], found.recall.get(n), found.count.get(n)) for n in UNSEEN if n in found.unseen]
    return {"single": single, "recall": recall, "found": found, "unseen": unseen, "figures": len(found.single),
            "telltale": [(n.replace("_", " "), found.count[n], found.telltale[n][0].replace("_", " "), found.telltale[n][1], found.recall[n]) for n in kinds]}


def amounts(s: Summary) -> Part | None:
    """First digits of invoices."""
    honest, paper = counted_digits(s, "honest"), counted_digits(s, "fictitious")
    if not honest.sum():
        return None
    shares = [(f"honest firms' invoices ({honest.sum():,})", honest / honest.sum(), TEAL)]
    if paper.sum() >= 100:
        shares.append((f"invoices without goods ({paper.sum():,})", paper / paper.sum(), GREY))
    return {"chart": digits(shares, benford(), "First digits of invoices' net amounts")}
