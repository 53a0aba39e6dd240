"""Export tax claimed back: what each exporter claims for a month, what the tax service approved, and when it was paid."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from jobs.economy.filing import Conduct
from jobs.economy.firms import Firms
from jobs.economy.returns import Returns
from jobs.economy.tables import amounts, days, papers, text
from jobs.economy.words import ids_of
from jobs.economy.world import NEVER, World

_PAID_AFTER = (12, 75)  # days from the claim to the money


def refund_papers(world: World, f: Firms, general: Returns, filed: Conduct) -> pa.Table:
    """One claim per month in which a return shows a refund, and once more with the day on which it was paid."""
    c, lines = world.chance, general.final
    firm, p = np.nonzero((lines["refund"] > 0) & (filed.filed < NEVER) & general.owed & (filed.ends >= np.datetime64(world.opens).astype(np.int64))[None, :])
    claimed = filed.filed[firm, p] + c.whole(0, 10, "claims", f.number[firm], p)
    paid = claimed + c.whole(*_PAID_AFTER, "refund paid", f.number[firm], p)
    ids, exports, refund = ids_of(world, f)[firm], lines["exports"][firm, p], lines["refund"][firm, p]
    parts = []
    for number, when, settled in (("1", claimed, False), ("2", paid, True)):
        columns = {
            "纳税人识别号": ids, "所属期起": days(filed.starts[p]), "所属期止": days(filed.ends[p]), "申报日期": days(claimed), "版次": text(np.full(len(firm), int(number))),
            "出口销售额": amounts(exports), "申请退税额": amounts(refund), "核准退税额": amounts(refund, np.full(len(firm), settled)), "退库日期": days(paid if settled else np.full(len(firm), NEVER)),
        }  # fmt: skip
        parts.append(papers(when, columns))
    return pa.concat_tables(parts)
