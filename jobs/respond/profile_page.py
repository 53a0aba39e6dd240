"""The profile of one taxpayer as a page: identity, a picture of his trade against his returns, and every fact with where it is from."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from markupsafe import Markup, escape

from jobs.conf import Conf
from jobs.respond.names import Names
from jobs.respond.office_list import risk_name
from jobs.respond.pages import page

FIELDS = {
    "name": "名称 Name", "kind": "类型 Kind", "status": "状态 Status", "industry": "行业 Industry", "segment": "规模 Segment", "ownership_form": "经济性质 Ownership",
    "vat_kind": "增值税身份 VAT kind", "region": "行政区划 Region", "office_id": "主管税务机关 Office", "address": "地址 Address", "legal_rep": "法定代表人 Representative",
    "agent_id": "代理机构 Agent", "capital": "注册资本 Capital", "registered_on": "登记日期 Registered", "closed_on": "注销日期 Closed",
}
_WIDTH, _HEIGHT, _LEFT, _FOOT = 1120.0, 210.0, 74.0, 26.0


def profile_html(found: Mapping[str, Any], conf: Conf) -> str:
    """A profile as a self-contained page."""
    codes = {c: f"{risk_name(c, conf).zh} {risk_name(c, conf).en}" for c in {r["risk_code"] for key in ("points", "outcomes", "contacts") for r in found[key] if r["risk_code"]}}
    return page("profile.html.j2", found=found, fields=FIELDS, names=Names(conf, date.fromisoformat(found["as_of"])), codes=codes, chart=_chart(found), currency=conf.house.currency)


def _chart(found: Mapping[str, Any]) -> Markup:
    """Bars of invoices issued and received by month, and sales declared for VAT as steps over the months of each period."""
    sides = {side: {r["month"][:7]: float(r["net"]) for r in found["invoices"] if r["direction"] == side} for side in ("out", "in")}
    declared = _declared_by_month(found)
    months = sorted({*sides["out"], *sides["in"], *declared})[-36:]
    if not months:
        return Markup("")
    top = max([1.0, *(abs(v) for side in (*sides.values(), declared) for m, v in side.items() if m in months)])
    step = (_WIDTH - _LEFT) / len(months)
    parts = [_bar(_LEFT + n * step + place * step * 0.36 + 2, sides[side].get(month, 0.0) / top, step * 0.34, color) for n, month in enumerate(months)
             for place, (side, color) in enumerate((("out", "#1f4e79"), ("in", "#a9c1d9")))]
    parts += [_line(_LEFT + n * step, step, declared[month] / top) for n, month in enumerate(months) if month in declared]
    every = max(1, len(months) // 12)
    labels = [f'<text x="{_LEFT + n * step + 2:.1f}" y="{_HEIGHT - 8:.0f}">{escape(m)}</text>' for n, m in enumerate(months) if n % every == 0]
    scale = "".join(f'<line x1="{_LEFT:.0f}" x2="{_WIDTH:.0f}" y1="{_y(s):.1f}" y2="{_y(s):.1f}" stroke="#e3e7eb"/><text x="{_LEFT - 8:.0f}" y="{_y(s) + 4:.1f}" text-anchor="end">{top * s:,.0f}</text>' for s in (0.0, 0.5, 1.0))
    return Markup(f'<svg viewBox="0 0 {_WIDTH:.0f} {_HEIGHT:.0f}" role="img" aria-label="invoices and declared sales by month">{scale}{"".join(parts)}{"".join(labels)}</svg>')


def _declared_by_month(found: Mapping[str, Any]) -> dict[str, float]:
    spread: dict[str, float] = {}
    for row in (r for r in found["returns"] if r["tax"] == "VAT" and r["lines"].get("sales") is not None):
        first, last = (int(row[k][:4]) * 12 + int(row[k][5:7]) - 1 for k in ("period_from", "period_to"))
        for month in range(first, last + 1):
            key = f"{month // 12}-{month % 12 + 1:02d}"
            spread[key] = spread.get(key, 0.0) + float(row["lines"]["sales"]) / (last - first + 1)
    return spread


def _y(share: float) -> float:
    return _HEIGHT - _FOOT - share * (_HEIGHT - _FOOT - 12)


def _bar(x: float, share: float, width: float, color: str) -> str:
    y = _y(max(share, 0.0))
    return f'<rect x="{x:.1f}" y="{y:.1f}" width="{max(width, 1.0):.1f}" height="{max(_y(0.0) - y, 0.0):.1f}" fill="{color}"/>'


def _line(x: float, width: float, share: float) -> str:
    return f'<line x1="{x:.1f}" x2="{x + width:.1f}" y1="{_y(share):.1f}" y2="{_y(share):.1f}" stroke="#b01e23" stroke-width="2.5"/>'
