"""What firms do and why, as numbers and names: typologies of evasion and causes of a difference."""

from __future__ import annotations

NAMES = (
    "honest", "suppressed_sales", "fictitious_invoices", "missing_trader", "inflated_input", "profit_shifting", "invoice_mill", "private_accounts", "private_use",
    "inflated_costs", "wages_off_books", "undeclared_rent", "fictitious_exports", "carousel", "splitting", "shareholder_loans", "stock_manipulation", "land_costs",
)  # fmt: skip
(
    HONEST, SUPPRESSED, FICTITIOUS, MISSING, INFLATED, SHIFTED, MILL, PRIVATE_ACCOUNTS, PRIVATE_USE,
    COSTS, WAGES, RENT, EXPORTS, CAROUSEL, SPLIT, LOANS, STOCK, LAND_COSTS,
) = range(len(NAMES))  # fmt: skip
FLEETING = (MILL, MISSING)  # firms that exist only for fraud
CAUSES = ("none", "ignorance", "opportunity", "intent", "inability")
SEGMENTS = ("large", "mid", "small", "individual")
