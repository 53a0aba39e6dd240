"""Names that a registry would accept, and how other offices write them: each way drawn, and truth says which one it was."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import replace
from datetime import date
from functools import lru_cache

import numpy as np
import pyarrow as pa
import pytest
from stdnum.cn import uscc

from jobs.economy.agencies import Feed
from jobs.economy.firms import Firms, firms
from jobs.economy.kinds import SPLIT
from jobs.economy.setting import load_country
from jobs.economy.spelling import ID_WAYS, NAME_WAYS, as_known, known_ids, known_names, ways
from jobs.economy.stems import stems
from jobs.economy.words import agent_names, company_names, ids_of, outside_parties, person_names
from jobs.economy.words_latin import misspellings as in_latin
from jobs.economy.words_zh import misspellings as in_chinese
from jobs.economy.world import World
from jobs.link.ids import within_one
from jobs.link.names import normalised
from tests.economy.helpers import world

COUNTRIES = ("china", "ausonia")


@lru_cache(maxsize=2)
def many(name: str) -> tuple[World, Firms]:
    w = replace(world(20_000, 36, start=date(2023, 1, 1)), country=load_country(name))
    return w, firms(w, np.arange(20_000))


@pytest.mark.parametrize("name", COUNTRIES)
def test_no_two_firms_have_one_name(name: str) -> None:
    counts = Counter(company_names(*many(name)).to_pylist())
    assert sum(n - 1 for n in counts.values()) <= 2  # a registry refuses a name that stands; measured at a million firms: 3 in 10,000
    assert all(len(n) >= 5 for n in counts)


@pytest.mark.parametrize("name", COUNTRIES)
def test_stems_do_not_tell_firms_apart(name: str) -> None:
    w, f = many(name)
    s = stems(w, f, 60)
    assert s.word.min() >= 0 and (s.word < np.array([len(t) for t in w.country.trade_words])[f.industry]).all()
    stem = Counter(zip(s.length.tolist(), *s.parts[:, :2].T.tolist(), strict=True))
    assert sum(n for n in stem.values() if n > 1) / len(f) > 0.3


def test_names_come_in_several_lengths_orders_and_letters() -> None:
    w, f = many("china")
    names, s = company_names(w, f).to_pylist(), stems(w, f, 127)
    shares = {n: float((s.length == n).mean()) for n in (1, 2, 3, 4)}
    assert 0.005 < shares[1] < 0.03 and shares[2] > 0.5 and shares[3] > 0.2 and shares[4] > 0.05
    assert 0.005 < sum(any("A" <= c <= "Z" for c in n) for n in names) / len(names) < 0.03
    assert 0.05 < sum("（宁波）" in n for n in names) / len(names) < 0.2
    assert 0.4 < sum(n.startswith("宁波市") for n in names) / len(names) < 0.8
    forms = {n: sum(one.endswith(n) for one in names) for n in ("有限公司", "有限责任公司", "股份有限公司", "店", "商行")}
    assert all(forms.values()) and len({normalised(n) for n in names}) > 0.97 * len(names)
    linked = f.number[s.linked] // 4
    assert (f.typology[s.linked] == SPLIT).any() and len(linked) > 500


def test_a_name_bears_a_word_of_its_trade() -> None:
    w, f = many("china")
    names = company_names(w, f).to_pylist()
    assert all(any(word in name for word in w.country.trade_words[i]) for name, i in zip(names, f.industry.tolist(), strict=True))
    assert len({word for words in w.country.trade_words for word in words}) > 60


def test_without_words_of_its_trades_a_country_uses_the_one_of_the_industry() -> None:
    w, f = many("china")
    plain = replace(w, country=load_country("china").model_validate({**w.country.model_dump(), "trades": {}}))
    assert all(i.word in n for n, i in zip(company_names(plain, f).to_pylist()[:200], [plain.country.industries[k] for k in f.industry[:200]], strict=True))


@pytest.mark.parametrize("name", COUNTRIES)
def test_a_name_is_the_same_alone_and_among_others(name: str) -> None:
    w, f = many(name)
    some = np.arange(0, 20_000, 997)
    assert company_names(w, f.at(some)).to_pylist() == company_names(w, f).take(pa.array(some)).to_pylist()
    assert not set(company_names(w, f).to_pylist()) & set(outside_parties(w, np.arange(20_000))[1].to_pylist())
    assert len(set(agent_names(w, np.arange(300)).to_pylist())) == 300
    assert all(person_names(w, np.arange(400)).to_pylist())


#  way              宁波市海曙宏达天机械有限公司        顺凯（宁波）KP贸易股份有限公司
CHINESE = {
    "no_city":       ("海曙宏达天机械有限公司",          "顺凯KP贸易股份有限公司"),
    "short_form":    ("宁波市海曙宏达天机械公司",        "顺凯（宁波）KP贸易公司"),
    "misheard":      ("宁波市海曙弘大天机械有限公司",     "顺凯（宁波）KP贸易股份有限公司"),
    "mistyped":      ("宁波市海曙宏达夫机械有限公司",     "顺恺（宁波）KP贸易股份有限公司"),
    "moved":         ("海曙宏达天机械（宁波）有限公司",    "顺凯KP贸易（宁波）股份有限公司"),
    "other_letters": ("宁波市 海曙宏达天机械有限公司",    "顺凯（ 宁波）ＫＰ贸易股份有限公司"),
}  # fmt: skip
#  way              Valdoro Meccanica S.r.l.            Ditta Montese Emporio
LATIN = {
    "no_city":       ("Valdoro Meccanica S.r.l.",         "Ditta Montese Emporio"),
    "short_form":    ("Valdoro Meccanica",                "Montese Emporio"),
    "misheard":      ("Valdoro Meccanica S.r.l.",         "Dita Montese Emporio"),
    "mistyped":      ("Vadloro Meccanica S.r.l.",         "Ditta Montese Emporio"),
    "moved":         ("Meccanica Valdoro S.r.l.",         "Montese Emporio Ditta"),
    "other_letters": ("VALDORO MECCANICA SRL",            "DITTA MONTESE EMPORIO"),
}  # fmt: skip


@pytest.mark.parametrize("way", NAME_WAYS[1:])
def test_each_way_of_writing_a_name(way: str) -> None:
    place = NAME_WAYS.index(way) - 1
    right = pa.array(["宁波市海曙宏达天机械有限公司", "顺凯（宁波）KP贸易股份有限公司"])
    assert tuple(in_chinese(many("china")[0], right)[place].to_pylist()) == CHINESE[way]
    right = pa.array(["Valdoro Meccanica S.r.l.", "Ditta Montese Emporio"])
    assert tuple(in_latin(many("ausonia")[0], right)[place].to_pylist()) == LATIN[way]


@pytest.mark.parametrize("name", COUNTRIES)
def test_the_way_recorded_is_the_way_written(name: str) -> None:
    w, f = many(name)
    names, feed = company_names(w, f), Feed(coverage=1, misspelt=0.4)
    found, way = known_names(w, feed, "somebody", f.number, names)
    as_it_is = np.array(found.to_pylist()) == np.array(names.to_pylist())
    assert ((way == 0) == as_it_is).all() and abs((way > 0).mean() - 0.4) < 0.02
    written = defaultdict(int)
    forms = (in_chinese if name == "china" else in_latin)(w, names)
    for kind in range(1, len(NAME_WAYS)):
        at = np.flatnonzero(way == kind)
        assert found.take(pa.array(at)).equals(forms[kind - 1].take(pa.array(at)))
        written[NAME_WAYS[kind]] = len(at)
    rare = {"no_city"} if name == "ausonia" else set()
    assert all(n > 200 for way, n in written.items() if way not in rare)


@pytest.mark.parametrize("name", COUNTRIES)
def test_ids_slip_in_the_ways_recorded(name: str) -> None:
    w, f = many(name)
    ids, feed = ids_of(w, f), Feed(coverage=1, no_id=0.2, wrong_id=0.3)
    found, way = known_ids(w, feed, "somebody", f.number, ids, mark="?")
    share = {ID_WAYS[n]: float((way == n).mean()) for n in range(len(ID_WAYS))}
    assert abs(share["missing"] - 0.2) < 0.02 and abs(share["wrong_character"] + share["exchanged"] + share["cut"] - 0.3) < 0.02
    assert share["exchanged"] > 0.02 and share["cut"] > 0.02
    width = len(ids[0])
    for right, written, n in zip(ids.tolist(), found.to_pylist(), way.tolist(), strict=True):
        kind = ID_WAYS[n]
        differ = [k for k in range(width) if written and len(written) == width and written[k] != right[k]]
        assert (written in (None, "?")) == (kind == "missing")
        if kind == "right":
            assert written == right
        elif kind == "wrong_character":
            assert len(differ) == 1 and written[differ[0]].isdigit() == right[differ[0]].isdigit()
        elif kind == "exchanged":
            a, b = differ
            assert b == a + 1 and (written[a], written[b]) == (right[b], right[a])
        elif kind == "cut":
            assert written == right[:-1]
        assert kind == "missing" or within_one(str(written), right)
    assert name != "china" or not any(uscc.is_valid(str(i)) for i, n in zip(found.to_pylist(), way.tolist(), strict=True) if n > 1)


def test_the_same_key_is_written_the_same_way_wherever_it_stands() -> None:
    w, f = many("china")
    feed, turned = Feed(coverage=1, misspelt=0.5, wrong_id=0.3, no_id=0.1), np.arange(20_000)[::-1]
    ids, names = ids_of(w, f), company_names(w, f)
    one, other = (as_known(w, feed, "s", f.number[at], ids[at], names.take(pa.array(at))) for at in (np.arange(20_000), turned))
    for a, b in zip(one[:2], other[:2], strict=True):
        assert a.equals(b.take(pa.array(turned)))
    assert (one[2] == other[2][turned]).all()
    id_way, name_way = ways(np.array([0, 11, 46]))
    assert (id_way.to_pylist(), name_way.to_pylist()) == (["right", "missing", "cut"], ["right", "no_city", "other_letters"])
