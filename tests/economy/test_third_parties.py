"""The agencies beside the tax service: what each knows, how late, how it spells, and that truth says whom it means."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
import yaml
from stdnum.cn import uscc

from jobs.conf.base import ConfError
from jobs.economy.facts import Facts, Sent
from jobs.economy.identity import identity
from jobs.economy.kinds import NAMES, WAGES
from jobs.economy.lookalikes import through_agents
from jobs.economy.papers_electricity import meters
from jobs.economy.papers_ratings import GRADES, findings, grades
from jobs.economy.papers_tips import guilty_per_honest
from jobs.economy.schedule import evading
from jobs.economy.setting import COUNTRIES, load_country
from jobs.economy.third_parties import PAPERS, third_parties
from jobs.economy.truth import firm_table
from jobs.economy.world import NEVER
from jobs.lake.arrays import day_number
from tests.economy.helpers import count, counted, with_evaders, world, write

LONG_AGO, LATER = day_number(date(2000, 1, 1)), day_number(date(2100, 1, 1))
#  source            key                id                name               event                     sent
COLUMNS = {
    "land":            ("parcel_no",     "holder_id",       "holder_name",     "acquired_on",            "extracted_on"),
    "penalty":         ("决定书文号",     "统一社会信用代码", "当事人名称",       "决定日期",                None),
    "licence":         ("许可证编号",     "统一社会信用代码", "被许可人",         None,                      "数据日期"),
    "customs":         ("海关注册编码",   "统一社会信用代码", "经营单位",         "申报日期",                "传输日期"),
    "electricity":     ("户号",          "证件号码",         "户名",            "抄表日期",                "报送日期"),
    "social_security": ("单位编号",       "统一社会信用代码", "单位名称",         "费款所属期",              "核定日期"),
    "credit_rating":   (None,            "纳税人.识别号",    "纳税人.名称",      None,                      "公布日期"),
    "bank_month":      ("账号",          "证件号码",         "户名",            "交易月份",                "报送日期"),
    "tip_off":         ("受理编号",       "被检举人.证件号",  "被检举人.名称",    None,                      "受理日期"),
}  # fmt: skip


@lru_cache(maxsize=1)
def base() -> Facts:
    """A country with everything it will ever send."""
    c = counted(2000, 24)
    return Facts(c.world, c.firms, c.books, list(zip(c.returns, c.conduct, strict=True)), LONG_AGO, LATER)


def sent(source: str, facts: Facts | None = None, **changed: Any) -> Sent:
    """What a source sends, with some of its parameters changed."""
    facts = facts or base()
    feed = getattr(facts.world.country.third_parties, source)
    return PAPERS[source](facts, type(feed).model_validate({**feed.model_dump(), **changed}))


def cells(rows: pa.Table, name: str) -> list[Any]:
    return rows[name].to_pylist()  # type: ignore[no-any-return]


def day(cell: Any) -> int:
    return day_number(cell if isinstance(cell, date) else date.fromisoformat(str(cell).replace("/", "-")))


def keys_of(source: str, rows: pa.Table) -> list[str]:
    key = COLUMNS[source][0]
    if key:
        return cells(rows, key)
    return [f"{i}|{y}" for i, y in zip(cells(rows, "纳税人.识别号"), cells(rows, "评价年度"), strict=True)]


def truly(found: Sent) -> dict[str, set[int]]:
    meant: dict[str, set[int]] = {}
    for key, firm in zip(found.keys.to_pylist(), found.firm.tolist(), strict=True):
        meant.setdefault(key, set()).add(firm)
    return meant


def near(hits: int, of: int, share: float) -> bool:
    """Within four standard errors of the share."""
    return abs(hits - share * of) <= 4 * np.sqrt(max(share * (1 - share), 0) * of) + 1e-9


@pytest.mark.parametrize("source", PAPERS)
def test_coverage_is_the_share_of_what_exists_that_is_known(source: str) -> None:
    whole, half, none = (sent(source, coverage=share) for share in (1.0, 0.5, 0.0))
    assert none.rows.num_rows == 0 and whole.rows.num_rows > 10
    if source == "customs":  # its coverage is of entries, not of declarants
        assert near(half.rows.num_rows, whole.rows.num_rows, 0.5)
    else:
        assert near(len(set(half.keys.to_pylist())), len(set(whole.keys.to_pylist())), 0.5)
    assert set(keys_of(source, half.rows)) <= set(keys_of(source, whole.rows))  # who is known does not hang on who else is


#  source            days from the event      the event, from the row
LAGS = {
    "penalty":         lambda r: day(r["决定日期"]),
    "customs":         lambda r: day(r["申报日期"]),
    "electricity":     lambda r: day(r["抄表日期"]),
    "social_security": lambda r: month_end(r["费款所属期"]),
    "bank_month":      lambda r: month_end(r["交易月份"]),
    "credit_rating":   lambda r: day(date(int(r["评价年度"]), 12, 31)),
}  # fmt: skip


def month_end(cell: Any) -> int:
    first = np.datetime64(str(cell)[:7], "M")
    return int((first + 1).astype("datetime64[D]").astype(int)) - 1


@pytest.mark.parametrize("source", LAGS)
@pytest.mark.parametrize("delay", [(0, 0), (7, 9), (100, 130)])
def test_nothing_is_sent_before_its_delay_is_over_nor_much_later(source: str, delay: tuple[int, int]) -> None:
    rows = sent(source, delay_days=delay, restated=0.0).rows.to_pylist()
    lags = {r["_day"] - LAGS[source](r) for r in rows}
    assert rows and min(lags) >= delay[0] and max(lags) <= delay[1]
    assert len(lags) > min(5, delay[1] - delay[0])
    told = COLUMNS[source][4]
    assert told is None or all(day(r[told]) == r["_day"] for r in rows)


def test_a_parcel_is_in_the_register_only_once_it_is_entered() -> None:
    at_once, late = (sent("land", delay_days=(n, n)).rows.to_pylist() for n in (0, 400))
    assert all(day(r["extracted_on"]) >= day(r["acquired_on"]) for r in at_once)
    assert all(day(r["extracted_on"]) >= day(r["acquired_on"]) + 400 for r in late)
    assert all(not r["ceased_on"] or day(r["ceased_on"]) <= day(r["extracted_on"]) for r in at_once)
    assert 0 < len(late) < len(at_once)


def test_licences_are_known_after_they_are_issued_and_revoked_within_their_term() -> None:
    rows = sent("licence", revoked=0.3).rows.to_pylist()
    opens = day_number(base().world.opens)
    assert all(max(day(r["有效期自"]), opens) + 3 <= day(r["数据日期"]) for r in rows)
    gone = [r for r in rows if r["吊销日期"]]
    assert len(gone) > 100 and all(day(r["有效期自"]) < day(r["吊销日期"]) <= min(day(r["有效期至"]), day(r["数据日期"])) for r in gone)
    assert near(len({r["许可证编号"] for r in sent("licence", revoked=0.0).rows.to_pylist() if r["吊销日期"]}), len(rows), 0.0)
    kinds = base().world.country.third_parties.licence.kinds  # type: ignore[union-attr]
    assert {r["许可种类"] for r in rows} == set(kinds.values())


@pytest.mark.parametrize("source", PAPERS)
@pytest.mark.parametrize(("no_id", "wrong_id", "misspelt"), [(0.0, 0.0, 0.0), (0.3, 0.2, 0.5), (0.0, 1.0, 1.0)])
def test_ids_and_names_err_as_often_as_configured(source: str, no_id: float, wrong_id: float, misspelt: float) -> None:
    facts, more = base(), {"coverage": 1.0, "private_holder": 0.0, "shared": 0.0} if source == "electricity" else {"coverage": 1.0}
    no_id = 0.0 if source == "credit_rating" else no_id  # it knows a taxpayer by nothing else
    found = sent(source, no_id=no_id, wrong_id=wrong_id, misspelt=misspelt, **more)
    rows = found.rows.filter(pc.not_equal(found.rows["账户类型"], "个人")) if source == "bank_month" else found.rows
    own = dict(zip(found.keys.to_pylist(), found.firm.tolist(), strict=True))
    once = {key: (i, n) for key, i, n in zip(keys_of(source, rows), *(cells(rows, c) for c in COLUMNS[source][1:3]), strict=True)}
    meant = {key: (str(facts.ids[own[key]]), facts.names[own[key]].as_py()) for key in once}
    missing = sum(i is None or i in ("不详", "无") for i, _ in once.values())
    wrong = sum(i not in (None, "不详", "无", meant[k][0]) for k, (i, _) in once.items())
    assert near(missing, len(once), no_id) and near(wrong, len(once), wrong_id)
    assert near(sum(n != meant[k][1] for k, (_, n) in once.items()), len(once), misspelt)
    slips = [i for k, (i, _) in once.items() if i not in (None, "不详", "无", meant[k][0])]
    assert not any(uscc.is_valid(i) for i in slips) and all(len(i) in (17, 18) for i in slips)


def test_an_agency_spells_one_party_one_way_and_another_agency_its_own() -> None:
    spelt = {}
    for source in ("electricity", "social_security"):
        found = sent(source, misspelt=0.5)
        own = truly(found)
        names: dict[int, set[str]] = {}
        for key, name in zip(keys_of(source, found.rows), cells(found.rows, COLUMNS[source][2]), strict=True):
            names.setdefault(min(own[key]), set()).add(name)
        assert all(len(n) == 1 for n in names.values())
        spelt[source] = names
    both = set(spelt["electricity"]) & set(spelt["social_security"])
    assert 0.3 < sum(spelt["electricity"][f] != spelt["social_security"][f] for f in both) / len(both) < 0.8


@pytest.mark.parametrize("source", PAPERS)
def test_truth_says_whom_every_row_means(source: str) -> None:
    facts, found = base(), sent(source)
    own, by_id = truly(found), {i: n for n, i in enumerate(facts.ids.tolist())}
    rows = list(zip(keys_of(source, found.rows), cells(found.rows, COLUMNS[source][1]), cells(found.rows, COLUMNS[source][2]), strict=True))
    assert rows and all(key in own for key, _, _ in rows)
    right = [by_id[i] in own[key] for key, i, _ in rows if i in by_id]
    assert len(right) > len(rows) * (0.15 if source in ("tip_off", "bank_month") else 0.4) and all(right)
    named = {n: place for place, n in enumerate(facts.names.to_pylist()) if facts.names.to_pylist().count(n) == 1} if source == "tip_off" else {}
    assert all(named[n] in own[key] for key, _, n in rows if n in named)
    table = identity({source: found})
    assert table.num_rows == len(found.keys) and set(table["source"].to_pylist()) == {source}


@pytest.mark.parametrize("source", PAPERS)
def test_deliveries_one_after_the_other_say_what_one_delivery_says(source: str) -> None:
    whole, middle = sent(source), day_number(date(2024, 11, 17))
    before, after = (sent(source, replace(base(), after=a, until=u)) for a, u in ((LONG_AGO, middle), (middle, LATER)))
    lines = [sorted(map(str, t.to_pylist())) for t in (whole.rows, pa.concat_tables([before.rows, after.rows]))]
    assert lines[0] == lines[1] and before.keys.equals(whole.keys)
    assert (0 < before.rows.num_rows < whole.rows.num_rows) == (source != "credit_rating")


@lru_cache(maxsize=1)
def earlier() -> Facts:
    """The same country in the middle of a year."""
    c = count(replace(base().world, through=date(2025, 8, 4)))
    return Facts(c.world, c.firms, c.books, list(zip(c.returns, c.conduct, strict=True)), LONG_AGO, LATER)


@pytest.mark.parametrize("source", PAPERS)
def test_what_was_sent_stays_what_it_was_when_the_country_lives_on(source: str) -> None:
    then = day_number(earlier().world.through)
    first, second = (sent(source, replace(facts, until=then)) for facts in (earlier(), base()))
    assert sorted(map(str, first.rows.to_pylist())) == sorted(map(str, second.rows.to_pylist()))
    before, now = truly(first), truly(second)
    assert all(now[key] >= firms for key, firms in before.items())
    assert source == "credit_rating" or sent(source, replace(base(), after=then)).rows.num_rows > 0


def test_the_land_register_holds_what_the_books_hold() -> None:
    facts, found = base(), sent("land", coverage=1.0)
    holders = np.isin(np.arange(len(facts.firms)), found.firm)
    assert facts.firms.passing.sum() > 5 and (holders == (facts.books.value > 0)).all()


def test_customs_writes_exactly_what_truly_crossed_the_border() -> None:
    facts, found = base(), sent("customs", coverage=1.0)
    goods = np.array([i.code in facts.world.country.third_parties.customs.goods for i in facts.world.country.industries])  # type: ignore[union-attr]
    cleared = goods[facts.firms.industry] & ~through_agents(facts.world, facts.firms)
    out = np.where(cleared[:, None], facts.books.exports, 0)
    own, total = truly(found), np.zeros(len(facts.firms))
    for r in found.rows.to_pylist():
        (firm,) = own[r["海关注册编码"]]
        if r["进出口标志"] == "出口":
            total[firm] += round(float(r["人民币总价"]) * 100)
    assert out.sum() > 0 and np.array_equal(total, out.sum(axis=1))
    assert facts.books.exports[~goods[facts.firms.industry]].sum() > 0  # services are exported too, and need no entry
    assert facts.books.exports[goods[facts.firms.industry] & ~cleared].sum() > 0  # what an agent clears is its own entry


def test_an_entry_has_one_number_and_its_value_in_its_own_currency() -> None:
    rows = sent("customs").rows.to_pylist()
    assert len({r["报关单号"] for r in rows}) == len(rows) and all(len(r["报关单号"]) == 18 for r in rows)
    rates = {n: c.rate for n, c in base().world.country.third_parties.customs.currencies.items()}  # type: ignore[union-attr]
    assert all(abs(float(r["成交总价"]) * rates[r["币制"]] - float(r["人民币总价"])) <= 0.01 * rates[r["币制"]] for r in rows)
    assert {r["进出口标志"] for r in rows} == {"出口", "进口"} and all((r["进口增值税"] is None) == (r["进出口标志"] == "出口") for r in rows)


def test_a_meter_counts_what_its_users_used_and_some_share_one() -> None:
    facts, found = base(), sent("electricity", coverage=1.0, restated=0.0, shared=0.3)
    read = sum(int(r["电量"]) for r in found.rows.to_pylist())
    assert read == facts.books.energy.sum() > 0
    users = truly(found)
    assert near(sum(len(f) for f in users.values()) - len(users), len(facts.firms), 0.3)
    assert all(len({firm // 4 for firm in f}) == 1 for f in users.values())
    feed = facts.world.country.third_parties.electricity
    assert feed and near(int((~meters(facts, feed).known).sum()), len(facts.firms), 1 - feed.coverage)
    private = sent("electricity", coverage=1.0, private_holder=1.0).rows
    people = set(facts.owners.to_pylist())
    small = sum(n in people for n in cells(private, "户名")) / private.num_rows
    assert small > 0.7 and sent("electricity", private_holder=0.0).rows.filter(pc.is_in(sent("electricity", private_holder=0.0).rows["户名"], value_set=facts.owners)).num_rows == 0


def test_a_figure_sent_again_is_the_right_one() -> None:
    once, twice = (sent("electricity", restated=share).rows for share in (0.0, 1.0))
    right = {(r["户号"], r["电费年月"]): r["电量"] for r in once.to_pylist()}
    versions: dict[tuple[str, str], list[tuple[str, str]]] = {}
    for r in twice.to_pylist():
        versions.setdefault((r["户号"], r["电费年月"]), []).append((r["报送日期"], r["电量"]))
    assert versions.keys() == right.keys() and all(len(v) == 2 for v in versions.values())
    assert all(max(v)[1] == right[k] for k, v in versions.items())
    assert sum(min(v)[1] != right[k] for k, v in versions.items()) > 0.9 * len(right)


def test_who_pays_wages_off_the_books_insures_fewer_people() -> None:
    facts, found = base(), sent("social_security", coverage=1.0, restated=0.0)
    f, level, own = facts.firms, evading(facts.world, facts.firms), truly(found)
    seen: set[str] = set()
    for r in found.rows.to_pylist():
        (firm,) = own[r["单位编号"]]
        month = (int(r["费款所属期"][:4]) - facts.world.start.year) * 12 + int(r["费款所属期"][5:7]) - 1
        heads, told = int(facts.books.heads[firm, month]), int(r["参保人数"])
        off = level[firm, month] if f.typology[firm] == WAGES else 0.0
        assert told == (heads if off == 0 else facts.books.booked_heads[firm, month])
        seen.add("fewer" if told < heads else "all")
        feed = facts.world.country.third_parties.social_security
        assert feed and feed.base_floor - 0.01 <= float(r["缴费基数"]) / told <= feed.base_cap + 0.01
    assert seen == {"fewer", "all"}


def test_firms_accounts_take_in_what_the_books_say_and_owners_only_show_when_it_is_much() -> None:
    c = count(with_evaders(world(2000, 24), 0.16, private_accounts=0.3))
    facts = Facts(c.world, c.firms, c.books, list(zip(c.returns, c.conduct, strict=True)), LONG_AGO, LATER)
    found = sent("bank_month", facts, coverage=1.0, private_above=50_000)
    own, money = truly(found), {"流入金额": np.zeros(len(facts.firms)), "流出金额": np.zeros(len(facts.firms))}
    people = []
    for r in found.rows.to_pylist():
        (firm,) = own[r["账号"]]
        if r["账户类型"] == "单位":
            for name, total in money.items():
                total[firm] += round(float(r[name]) * 100)
        else:
            people.append((firm, float(r["流入金额"])))
    assert np.array_equal(money["流入金额"], facts.received.sum(axis=1)) and np.array_equal(money["流出金额"], facts.spent.sum(axis=1))
    assert people and min(v for _, v in people) >= 50_000
    takes = facts.books.private.sum(axis=1) > 0
    shown = np.isin(np.arange(len(facts.firms)), [f for f, _ in people])
    assert shown[takes].mean() > 2 * shown[~takes].mean() > 0  # honest owners have money too


def test_a_private_account_is_in_a_persons_name() -> None:
    facts, rows = base(), sent("bank_month").rows
    people = rows.filter(pc.equal(rows["账户类型"], "个人"))
    assert set(cells(people, "户名")) <= set(facts.owners.to_pylist()) and all(i.startswith("P") for i in cells(people, "证件号码"))


def test_ratings_are_published_in_april_and_follow_conduct_with_some_luck() -> None:
    facts, found = base(), sent("credit_rating", coverage=1.0, wrong_id=0.0)
    rows = found.rows.to_pylist()
    assert {r["公布日期"][5:7] for r in rows} == {"04"} and all(int(r["评价年度"]) + 1 == int(r["公布日期"][:4]) for r in rows)
    own = truly(found)
    bad = {n for r, w in facts.made if r.tax == "VAT" for n in np.flatnonzero((r.owed & (w.filed >= NEVER)).sum(axis=1) > 1)}
    low = {True: [0, 0], False: [0, 0]}
    for r in rows:
        (firm,) = own[f"{r['纳税人.识别号']}|{r['评价年度']}"]
        low[firm in bad][0] += r["信用级别"] in ("C", "D")
        low[firm in bad][1] += 1
    assert low[True][0] / low[True][1] > 3 * low[False][0] / low[False][1] > 0
    shares = {g: sum(r["信用级别"] == g for r in rows) / len(rows) for g in GRADES.tolist()}
    assert all(0.005 < s < 0.75 for s in shares.values()), shares
    clean = sent("credit_rating", start=100, luck=0).rows.to_pylist()
    assert sum(r["信用级别"] == "A" for r in clean) / len(clean) > shares["A"] + 0.1
    assert not any(r["纳税人.识别号"].startswith("92") for r in rows)  # individuals are not rated


def test_what_an_inspection_found_makes_a_d() -> None:
    facts = base()
    found, feed = findings(facts), facts.world.country.third_parties.credit_rating
    assert feed
    assert len(found.firm) > 10 and (found.amount > 0).all()
    grave = replace(found, amount=np.full(len(found.firm), 10**9), inspected=np.ones(len(found.firm), dtype=bool))
    hit = np.unique(found.firm[[day_number(date(2025, 1, 1)) <= d <= day_number(date(2025, 12, 31)) for d in found.closed.tolist()]])
    assert len(hit) > 10 and (GRADES[grades(facts, feed, grave, 2025)[hit]] == "D").all() and (GRADES[grades(facts, feed, found, 2025)[hit]] != "D").any()
    others = np.setdiff1d(np.arange(len(facts.firms)), hit)
    assert np.array_equal(grades(facts, feed, grave, 2025)[others], grades(facts, feed, found, 2025)[others])


@pytest.mark.parametrize("malicious", [0.0, 0.35, 0.7])
def test_a_share_of_tips_accuses_firms_that_do_not_evade(malicious: float) -> None:
    facts, found = base(), sent("tip_off", coverage=0.8, malicious=malicious, delay_days=(0, 0))
    level, own = evading(facts.world, facts.firms), truly(found)
    months = [(int(r["受理日期"][:4]) - facts.world.start.year) * 12 + int(r["受理日期"][5:7]) - 1 for r in found.rows.to_pylist()]
    firms = [min(own[k]) for k in cells(found.rows, "受理编号")]
    honest = int((level[firms, months] == 0).sum())
    assert len(firms) > 200 and abs(honest / len(firms) - malicious) < 0.08
    assert 0.05 < guilty_per_honest(facts.world) < 0.5


def test_tips_speak_like_people_and_hardly_name_an_id() -> None:
    rows = sent("tip_off", coverage=0.8).rows.to_pylist()
    texts = [r["检举内容"] for r in rows]
    ours = [*NAMES, *(n.replace("_", " ") for n in NAMES), "虚开", "隐匿收入", "骗税", "关联交易", "转移利润", "进项", "留抵", "走逃"]
    assert len(set(texts)) > 50 and not any(word in t for t in texts for word in ours)
    assert not any("{" in t or "None" in t for t in texts)
    assert near(sum(r["被检举人.证件号"] is None for r in rows), len(rows), 0.7)
    assert not any("informant" in name or "举报人" in name.removeprefix("被检举人") for name in rows[0])
    assert sent("tip_off", coverage=0.8).rows.num_rows > 3 * sent("tip_off", coverage=0.1).rows.num_rows


@pytest.fixture(scope="module")
def country(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(world(300, 18), tmp_path_factory.mktemp("country"))


def test_truth_of_all_files_lies_beside_the_truth(country: Path) -> None:
    table = pq.read_table(country / "truth" / "identity")
    firms = {r["firm"] for r in pq.read_table(country / "truth" / "firm").to_pylist()}
    assert set(table["source"].to_pylist()) == set(PAPERS) and set(table["firm"].to_pylist()) <= firms
    bank = pa.concat_tables([pq.read_table(p) for p in sorted((country / "inbox" / "bank_month").glob("*.parquet"))])
    known = {r["record_key"] for r in table.to_pylist() if r["source"] == "bank_month"}
    assert {k for k in cells(bank, "账号") if k} <= known
    for source in ("customs", "electricity"):
        path = next((country / "inbox" / source).glob("*.csv"))
        known = {r["record_key"] for r in table.to_pylist() if r["source"] == source}
        head, *lines = path.read_bytes().decode("gb18030").splitlines()
        at = head.split(",").index(COLUMNS[source][0])
        assert sum(line.split(",")[at] in known for line in lines) > 0.95 * len(lines)
    inbox = b"".join(p.read_bytes() for p in (country / "inbox").rglob("*") if p.is_file() and p.suffix in (".csv", ".jsonl"))
    assert b"suppressed_sales" not in inbox and b"record_key" not in inbox


def test_an_agency_that_is_not_described_sends_nothing(tmp_path: Path) -> None:
    w = world(300, 12)
    few = w.country.third_parties.model_copy(update={"customs": None, "bank_month": None})
    out = write(replace(w, country=w.country.model_copy(update={"third_parties": few})), tmp_path)
    assert not list((out / "inbox" / "customs").glob("*.csv")) and not list((out / "inbox" / "bank_month").glob("*.parquet"))
    assert list((out / "inbox" / "electricity").glob("*.csv"))
    assert set(third_parties(replace(base(), world=replace(base().world, country=w.country.model_copy(update={"third_parties": few}))))) == set(PAPERS) - {"customs", "bank_month"}


FAULTS = [
    ({"customs": {"wrong_id": 0.6, "no_id": 0.6}}, ["third_parties.customs", "1.20", "at most 1"]),
    ({"customs": {"partners": {"US": 0.4}}}, ["third_parties.customs", "partners", "sum to 1"]),
    ({"customs": {"goods": {"0000": "620342"}}}, ["0000", "not described"]),
    ({"electricity": {"delay_days": [40, 10]}}, ["third_parties.electricity.delay_days", "40"]),
    ({"electricity": {"shared": 0.9}}, ["third_parties.electricity.shared", "0.75"]),
    ({"tip_off": {"malicious": 1.0}}, ["third_parties.tip_off.malicious", "less than 1"]),
    ({"social_security": {"base_floor": 90000}}, ["third_parties.social_security", "base_cap"]),
    ({"bank_month": {"coverage": -0.1}}, ["third_parties.bank_month.coverage", "greater than or equal to 0"]),
    ({"credit_rating": {"no_id": 0.1}}, ["third_parties.credit_rating.no_id", "less than or equal to 0"]),
    ({"satellites": {"coverage": 1.0}}, ["third_parties.satellites", "not permitted"]),
]


@pytest.mark.parametrize(("changed", "expected"), FAULTS)
def test_a_nonsensical_agency_is_refused_with_its_place(tmp_path: Path, changed: dict[str, dict[str, Any]], expected: list[str]) -> None:
    said = yaml.safe_load((COUNTRIES / "china.yaml").read_text(encoding="utf-8"))
    for agency, values in changed.items():
        said["third_parties"].setdefault(agency, {}).update(values)
    path = tmp_path / "odd.yaml"
    path.write_text(yaml.safe_dump(said, allow_unicode=True), encoding="utf-8")
    with pytest.raises(ConfError) as fault:
        load_country(str(path))
    assert all(part in str(fault.value) for part in expected), str(fault.value)


def test_the_countries_firm_numbers_are_their_places() -> None:
    """What the tests above take for granted."""
    assert firm_table(base().world, base().firms)["firm"].to_pylist() == list(range(len(base().firms)))
