"""Feature names in words, English and Chinese: a name is read part by part, so that a new feature needs no new sentence."""

from __future__ import annotations

import math
import re

_WORDS: dict[str, tuple[str, str]] = {
    "vat": ("VAT", "增值税"), "cit": ("corporate income tax", "企业所得税"), "pit": ("withheld income tax", "个人所得税"),
    "sales": ("sales", "销售额"), "output": ("output tax", "销项税额"), "input": ("input tax", "进项税额"), "due": ("tax due", "应纳税额"),
    "credit": ("credit carried forward", "留抵税额"), "exempt": ("exempt sales", "免税销售额"), "burden": ("tax burden", "税负率"),
    "revenue": ("revenue", "营业收入"), "cost": ("cost", "营业成本"), "expense": ("expenses", "费用"), "profit": ("profit", "利润"),
    "margin": ("margin", "毛利率"), "wages": ("wages", "工资"), "wage": ("wage", "工资"), "heads": ("employees", "职工人数"), "head": ("employee", "人均"),
    "inventory": ("inventory", "存货"), "stock": ("stock", "存货"), "turnover": ("turnover", "周转率"), "assets": ("assets", "资产"),
    "payable": ("payables", "应付账款"), "receivable": ("receivables", "应收账款"), "related": ("related parties", "关联方"),
    "paid": ("tax paid", "已缴税款"), "payment": ("payment", "缴款"), "payments": ("payments", "缴款"), "treasury": ("treasury receipts", "入库税款"),
    "invoice": ("invoices", "发票"), "invoices": ("invoices", "发票"), "invoiced": ("invoiced amount", "开票金额"), "red": ("red-letter invoices", "红字发票"),
    "consumer": ("consumers", "消费者"), "out": ("issued", "开具"), "in": ("received", "取得"), "net": ("net amount", "不含税金额"), "tax": ("tax", "税额"),
    "supplier": ("supplier", "供应商"), "suppliers": ("suppliers", "供应商"), "customer": ("customer", "客户"), "customers": ("customers", "客户"),
    "partner": ("trade partners", "交易对方"), "partners": ("trade partners", "交易对方"), "top": ("largest", "最大"), "concentration": ("concentration", "集中度"),
    "young": ("newly registered", "新办"), "closed": ("closed or abnormal", "注销或非正常"), "unknown": ("not registered", "未登记"), "silent": ("not declaring", "未申报"),
    "confirmed": ("with confirmed faults", "已查实问题"), "penalised": ("penalised", "受处罚"), "penalties": ("penalties", "行政处罚"), "penalty": ("penalties", "行政处罚"),
    "owner": ("owners'", "股东"), "owners": ("owners", "股东"), "companies": ("companies", "企业"), "reciprocity": ("sales to own suppliers", "购销同户"),
    "late": ("late filings", "逾期申报"), "lateness": ("days late", "逾期天数"), "missing": ("missing returns", "未申报"), "filing": ("filing", "申报"), "filed": ("filed", "申报"),
    "returns": ("returns", "申报表"), "days": ("days", "天数"), "amended": ("amended", "更正"), "amendments": ("amendments", "更正申报"), "amendment": ("amendment", "更正申报"),
    "up": ("upward", "调增"), "down": ("downward", "调减"), "gap": ("gap", "差额"), "ratio": ("ratio", "比率"), "share": ("share", "占比"), "rate": ("rate", "率"),
    "growth": ("growth", "增长率"), "change": ("change", "变动"), "slope": ("trend", "趋势"), "trend": ("trend", "趋势"), "volatility": ("volatility", "波动"), "cv": ("volatility", "波动"),
    "streak": ("months in a row", "连续月数"), "zero": ("zero", "零"), "same": ("identical", "相同"), "mean": ("average", "平均"), "max": ("highest", "最高"), "min": ("lowest", "最低"),
    "sum": ("total", "合计"), "last": ("latest", "最近"), "n": ("number", "数量"), "count": ("number", "数量"), "log": ("(log)", "(对数)"), "age": ("age", "成立年限"), "years": ("years", "年数"),
    "months": ("months", "月数"), "land": ("land", "土地"), "parcels": ("parcels", "宗地"), "value": ("value", "价值"), "amount": ("amount", "金额"), "per": ("per", "每"),
    "to": ("to", "对"), "of": ("of", "之"), "and": ("and", "与"), "vs": ("against", "对比"), "peer": ("against peers", "与同行相比"), "z": ("(distance from peers)", "(偏离同行)"),
    "hits": ("indicator hits", "指标命中"), "hit": ("indicator hit", "指标命中"), "points": ("risk points", "风险点"), "outcome": ("earlier results", "以往结果"),
    "outcomes": ("earlier results", "以往结果"), "adjusted": ("adjusted", "调整"), "audits": ("earlier examinations", "以往检查"), "capital": ("registered capital", "注册资本"),
    "declared": ("declared", "申报"), "undeclared": ("undeclared", "未申报"), "suspect": ("suspect", "可疑"), "statement": ("financial statement", "财务报表"), "fs": ("financial statement", "财务报表"),
    "rules": ("rules", "规则"), "score": ("score", "得分"), "size": ("size", "规模"), "loss": ("loss", "亏损"), "elasticity": ("elasticity", "弹性"), "m": ("months", "个月"),
}
_WINDOW = re.compile(r"^(\d+)m$|^m(\d+)$")


def phrase(feature: str) -> tuple[str, str]:
    """A feature's name in words: (English, Chinese). A part that is not known stands as it is; `12m` is a window of months."""
    english, chinese, windows = [], [], []
    for part in feature.split("_"):
        window = _WINDOW.match(part)
        if window:
            windows.append(window.group(1) or window.group(2))
        else:
            en, zh = _WORDS.get(part, (part, part))
            english.append(en)
            chinese.append(zh)
    en, zh = " ".join(english), "".join(chinese)
    for months in windows:
        en, zh = f"{en} over {months} months", f"{zh}({months}个月)"
    return en[:1].upper() + en[1:], zh


def figure(value: float) -> str:
    """A number for people: grouped from a thousand on, three significant digits below."""
    if not math.isfinite(value):
        return "-"
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.3g}" if abs(value) >= 0.001 or value == 0 else f"{value:.1e}"
