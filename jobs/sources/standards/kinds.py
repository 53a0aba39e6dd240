"""What kind of document a code of UNTDID 1001 names, in the words of the house."""

from __future__ import annotations

CREDIT_NOTES = frozenset("81 83 261 262 296 308 381 396 420 458 532".split())
SELF_BILLED = frozenset("261 389 500 501 527".split())
KINDS = {"80": "debit_note", "82": "ordinary", "84": "debit_note", "326": "partial", "380": "ordinary", "383": "debit_note", "384": "correction", "386": "prepayment",
         "388": "ordinary", "389": "self_billed", "393": "factored", "527": "debit_note", "751": "bookkeeping", "875": "partial", "876": "partial", "877": "partial"}  # fmt: skip


def kind_of(code: str | None, credit: bool = False) -> tuple[str, int, bool]:
    """Kind, sign and whether the buyer wrote it; no code means an ordinary invoice, an unknown one is shown as `type_<code>`."""
    if credit or code in CREDIT_NOTES:
        return "credit_note", -1, code in SELF_BILLED
    return KINDS.get(code or "380", f"type_{code}"), 1, code in SELF_BILLED
