"""Industries of the country: GB/T 4754-2017 classes with their VAT rate, cost structure and whom they buy from.

Ratios are shares of sales without tax, chosen to lie inside what published industry statistics show; they are no one's real firm.
VAT rates: 13 / 9 / 6 per cent by supply, 3 per cent for small-scale taxpayers (main rates since 1 April 2019).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Industry:
    """One industry. `buys` weighs the industries it buys from; `SLOTS` gives its share of firms."""

    code: str
    word: str
    item: str
    scale: float
    rate: int
    materials: float
    wages: float
    other: float
    consumers: float
    inside: float
    season: float
    stock_months: float
    buys: tuple[float, ...]
    suppressed: float
    fictitious: float


# Order: clothing, machine parts, construction, metal wholesale, supermarkets, freight, restaurants, software.
INDUSTRIES = (
    Industry("1819", "服饰", "服装", 1.0, 13, 0.66, 0.15, 0.12, 0.05, 0.30, 0.25, 1.2, (0.5, 0.1, 0, 0.2, 0.0, 0.15, 0, 0.05), 0.03, 0.11),
    Industry("3484", "机械", "机械零部件", 1.2, 13, 0.64, 0.17, 0.12, 0.03, 0.35, 0.08, 1.5, (0, 0.25, 0, 0.6, 0, 0.1, 0, 0.05), 0.03, 0.12),
    Industry("4710", "建设", "建筑服务", 1.5, 9, 0.66, 0.17, 0.10, 0.08, 0.10, 0.30, 0.8, (0, 0.1, 0.1, 0.65, 0, 0.12, 0, 0.03), 0.06, 0.13),
    Industry("5164", "物资", "金属材料", 1.8, 13, 0.89, 0.03, 0.05, 0.03, 0.35, 0.10, 0.9, (0, 0.2, 0, 0.65, 0, 0.13, 0, 0.02), 0.02, 0.1),
    Industry("5212", "商贸", "日用百货", 0.9, 13, 0.80, 0.08, 0.08, 0.90, 0.04, 0.18, 1.1, (0.4, 0, 0, 0.25, 0.2, 0.13, 0, 0.02), 0.12, 0.01),
    Industry("5431", "运输", "货物运输", 0.8, 9, 0.48, 0.27, 0.18, 0.06, 0.45, 0.10, 0.1, (0, 0.45, 0, 0.1, 0.1, 0.3, 0, 0.05), 0.05, 0.03),
    Industry("6210", "餐饮", "餐饮服务", 0.6, 6, 0.46, 0.27, 0.20, 0.93, 0.04, 0.20, 0.2, (0, 0, 0, 0.1, 0.8, 0.1, 0, 0), 0.15, 0.01),
    Industry("6513", "软件", "软件服务", 0.9, 6, 0.12, 0.55, 0.24, 0.05, 0.40, 0.12, 0.05, (0, 0.2, 0, 0.1, 0.2, 0.1, 0, 0.4), 0.03, 0.02),
)
WHOLESALE = 3
# Slot = firm number modulo 20. Mixed, so that blocks of neighbours hold several industries.
SLOTS = np.array([0, 4, 1, 3, 5, 4, 0, 2, 6, 1, 3, 3, 7, 4, 0, 1, 2, 5, 6, 3])


def column(name: str) -> np.ndarray:
    """One attribute of all industries, by industry number."""
    return np.array([getattr(i, name) for i in INDUSTRIES])


BUYS = np.array([i.buys for i in INDUSTRIES])
SLOTS_OF = [np.flatnonzero(SLOTS == n) for n in range(len(INDUSTRIES))]
