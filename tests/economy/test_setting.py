"""A country that makes no sense is refused with the key's path and what is allowed, and no JVM is started for it."""

from __future__ import annotations

import copy
import os
import subprocess
import sys
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml

from jobs.conf.base import ConfError
from jobs.economy.country import planned
from jobs.economy.setting import COUNTRIES, SLOTS, load_country

GOOD = yaml.safe_load((COUNTRIES / "china.yaml").read_text(encoding="utf-8"))
GONE = object()
START = date(2023, 1, 1)


def changed(path: str, value: Any) -> dict[str, Any]:
    """The usual country with one key set, or taken away."""
    made = copy.deepcopy(GOOD)
    *heads, last = path.split(".")
    inner = made
    for head in heads:
        inner = inner[int(head)] if isinstance(inner, list) else inner[head]
    if value is GONE:
        del inner[last]
    else:
        inner[int(last) if isinstance(inner, list) else last] = value
    return made


def refusal(folder: Path, content: Any) -> str:
    path = folder / "bad.yaml"
    path.write_text(content if isinstance(content, str) else yaml.safe_dump(content, allow_unicode=True), encoding="utf-8")
    with pytest.raises(ConfError) as refused:
        load_country(str(path))
    return str(refused.value)


#  key                                                  value                              path that is named                                   what is said of it
BAD = [
    ("law.0.vat.standard",                              -13,                               "law.0.vat.standard",                                ["greater than or equal to 0", "-13"]),
    ("law.0.vat.standard",                              130,                               "law.0.vat.standard",                                ["less than or equal to 60", "130"]),
    ("law.0.vat",                                       {"standard": 13},                  "law.0.vat",                                         ["no rate for reduced, services"]),
    ("law.0.cit",                                       "a quarter",                       "law.0.cit",                                         ["valid integer", "a quarter"]),
    ("law.0.pit",                                       [],                                "law.0.pit",                                         ["at least 1"]),
    ("law.0.pit.1.over",                                90000,                             "law.0.pit",                                         ["0, 90000, 12000", "each over more than the one before"]),
    ("law.0.pit.0.over",                                100,                               "law.0.pit",                                         ["the first must begin over 0"]),
    ("law.1.land_vat.2.over",                           0.5,                               "law.1.land_vat",                                    ["0, 0.5, 0.5, 2"]),
    ("law.0.pit_allowance",                             -1,                                "law.0.pit_allowance",                               ["greater than or equal to 0"]),
    ("law.1.valid_from",                                date(2019, 4, 1),                  "law.1.valid_from",                                  ["not after 2019-04-01"]),
    ("law.1.valid_from",                                "yesterday",                       "law.1.valid_from",                                  ["valid date", "yesterday"]),
    ("law",                                             [],                                "law",                                               ["at least 1"]),
    ("place.districts.0.weight",                        0.5,                               "place.districts",                                   ["sum to 1.2200", "must sum to 1"]),
    ("place.districts.0.weight",                        -0.1,                              "place.districts.0.weight",                          ["greater than or equal to 0"]),
    ("place.districts.1.code",                          330203,                            "place.districts",                                   ["330203, 330203", "ascending"]),
    ("place.refund_office",                             330298,                            "place",                                             ["330298 stands twice"]),
    ("place.prefix",                                    "33",                              "place.prefix",                                      [r"\d{4}", "33"]),
    ("place.utc_offset_hours",                          99,                                "place.utc_offset_hours",                            ["less than or equal to 14"]),
    ("place.sharing.clients",                           0,                                 "place.sharing.clients",                             ["greater than or equal to 2"]),
    ("place.moving.yearly",                             0.9,                               "place.moving.yearly",                               ["less than or equal to 0.5"]),
    ("place.sharing.rooms",                             3,                                 "place.sharing.rooms",                               ["known keys: agent, agent_phone, centre"]),
    ("industries.0.buys",                               {"1819": 0.5},                     "industries.0.buys",                                 ["sum to 0.5000", "must sum to 1"]),
    ("industries.0.buys",                               {"1819": 0.5, "9999": 0.5},        "industries.0.buys",                                 ["industry 9999 is not described", "1819, 2929"]),
    ("industries.0.firms",                              5,                                 "industries",                                        ["sum to 23", f"must sum to {SLOTS}"]),
    ("industries.0.firms",                              -2,                                "industries.0.firms",                                ["greater than or equal to 0"]),
    ("industries.0.materials",                          1.4,                               "industries.0.materials",                            ["less than or equal to 1"]),
    ("industries.0.wages",                              0.9,                               "industries.0",                                      ["materials, wages and other cost 1.68", "below 1.25"]),
    ("industries.0.consumers",                          0.9,                               "industries.0",                                      ["1.15 of final sales", "at most 1"]),
    ("industries.0.burden",                             [0.6, 0.1],                        "industries.0.burden",                               ["0.6 lies above the upper 0.1"]),
    ("industries.1.code",                               "1819",                            "industries.1.code",                                 ["stands twice"]),
    ("industries.1.item",                               GONE,                              "industries.1.item",                                 ["required"]),
    ("wholesale",                                       "6210",                            "wholesale",                                         ["at least 3"]),
    ("wholesale",                                       "9999",                            "wholesale",                                         ["9999 is not described"]),
    ("trades.1819",                                     [],                                "trades.1819",                                       ["at least 1"]),
    ("trades.0001",                                     ["x"],                             "trades",                                            ["0001 is not described"]),
    ("evasion.share",                                   1.6,                               "evasion.share",                                     ["less than or equal to 0.6", "1.6"]),
    ("evasion.share",                                   -0.1,                              "evasion.share",                                     ["greater than or equal to 0"]),
    ("evasion.typologies.suppressed_sales.weight",      0.9,                               "evasion.typologies",                                ["sum to 1.7300", "must sum to 1"]),
    ("evasion.typologies.tax_magic",                    {"weight": 0, "intensity": [0, 1]}, "evasion.typologies",                               ["unknown typology tax_magic", "known: suppressed_sales"]),
    ("evasion.typologies.invoice_mill",                 {"weight": 0, "intensity": [0, 1]}, "evasion.typologies",                               ["unknown typology invoice_mill"]),
    ("evasion.typologies.suppressed_sales.intensity",   [0.5, 0.1],                        "evasion.typologies.suppressed_sales.intensity",     ["0.5 lies above the upper 0.1"]),
    ("evasion.typologies.suppressed_sales.intensity",   [0.5, 1.5],                        "evasion.typologies.suppressed_sales.intensity.1",   ["less than or equal to 1"]),
    ("evasion.typologies.suppressed_sales.speed",       2,                                 "evasion.typologies.suppressed_sales.speed",         ["known keys: detection, industries, intensity"]),
    ("evasion.typologies.suppressed_sales.industries",  {"0001": 2},                       "evasion.typologies.suppressed_sales.industries",    ["0001 is not described"]),
    ("evasion.invoice_mill.lives",                      [10, 6],                           "evasion.invoice_mill.lives",                        ["10 lies above the upper 6"]),
    ("evasion.invoice_mill.every",                      0,                                 "evasion.invoice_mill.every",                        ["greater than or equal to 1"]),
    ("honest.careless",                                 2,                                 "honest.careless",                                   ["less than or equal to 1"]),
    ("enforcement.sources.rule",                        0.9,                               "enforcement.sources",                               ["sum to 1.4500", "must sum to 1"]),
    ("enforcement.sources.gossip",                      0.0,                               "enforcement.sources.gossip",                        ["'rule', 'campaign'"]),
    ("enforcement.segments.giant",                      2,                                 "enforcement.segments.giant",                        ["'large', 'mid', 'small' or 'individual'"]),
    ("enforcement.detection",                           [0.9, 0.5],                        "enforcement.detection",                             ["0.9 lies above the upper 0.5"]),
    ("effects.remind.intent",                           GONE,                              "effects.remind.intent",                             ["required"]),
    ("effects.remind.boredom",                          0.5,                               "effects.remind.boredom",                            ["known keys: ignorance, inability"]),
    ("third_parties.gossip",                            {"coverage": 1},                   "third_parties.gossip",                              ["known keys: bank_month"]),
    ("third_parties.customs.partners",                  {"US": 0.5},                       "third_parties.customs",                             ["partners sum to 0.5000", "must sum to 1"]),
    ("shocks.recessions.0.industry",                    "9999",                            "shocks.recessions.0.industry",                      ["9999 is not described"]),
    ("shocks.recessions.0.last",                        date(2020, 1, 1),                  "shocks.recessions.0",                               ["2020-01-01 lies before"]),
    ("shocks.codes.0.renamed",                          {},                                "shocks.codes.0.renamed",                            ["at least 1"]),
    ("shocks.codes.0.orphans",                          ["餐饮服务许可"],                  "shocks.codes.0",                                    ["餐饮服务许可 stands in renamed and in orphans"]),
    ("shocks.codes.0.renamed",                          {"a": "b", "b": "c"},              "shocks.codes.0",                                    ["b is an old code and a new one"]),
    ("money",                                           GONE,                              "money",                                             ["required"]),
    ("money.wage",                                      [9500, 5200],                      "money.wage",                                        ["9500.0 lies above the upper 5200.0"]),
    ("money.kilowatt_hour",                             0,                                 "money.kilowatt_hour",                               ["greater than 0"]),
    ("money.rent",                                      5,                                 "money.rent",                                        ["known keys: individual_below, kilowatt_hour"]),
    ("evasion.invoice_mill.sells",                      [-1, 5],                           "evasion.invoice_mill.sells.0",                      ["greater than 0"]),
    ("enforcement.tolerance",                           -1,                                "enforcement.tolerance",                             ["greater than or equal to 0"]),
    ("third_parties.penalty.fine",                      [5, 1],                            "third_parties.penalty.fine",                        ["5.0 lies above the upper 1.0"]),
    ("third_parties.credit_rating.grave",               0,                                 "third_parties.credit_rating.grave",                 ["greater than 0"]),
    ("third_parties.bank_month.own_income",             GONE,                              "third_parties.bank_month.own_income",               ["required"]),
    ("births",                                          0,                                 "births",                                            ["greater than 0"]),
    ("zipf",                                            5,                                 "zipf",                                              ["less than 1.5"]),
    ("currency",                                        "yuan",                            "currency",                                          ["[A-Z]{3}", "yuan"]),
    ("words",                                           "klingon",                         "words",                                             ["'zh' or 'latin'"]),
    ("ids",                                             "xx",                              "ids",                                               ["'cn_uscc' or 'it_iva'"]),
    ("smallest",                                        None,                              "smallest",                                          ["valid number"]),
    ("colour",                                          "red",                             "colour",                                            ["known keys: births, currency"]),
]  # fmt: skip


@pytest.mark.parametrize(("key", "value", "path", "said"), BAD)
def test_a_country_that_makes_no_sense_is_refused_by_key_and_range(key: str, value: Any, path: str, said: list[str], tmp_path: Path) -> None:
    message = refusal(tmp_path, changed(key, value))
    assert f"bad.yaml: {path}: " in message, message
    assert all(words in message for words in said), message
    assert "Value error" not in message and "(whole file)" not in message


#  content                                  said
UNREADABLE = [
    ("name: [china",                        ["bad.yaml:1:", "not readable as UTF-8 YAML"]),
    ("",                                    ["bad.yaml: is empty"]),
    ("just words",                          ["bad.yaml: (whole file)", "valid dictionary"]),
    ("- a\n- list",                         ["bad.yaml: (whole file)", "valid dictionary"]),
    ("name: china",                         ["bad.yaml: place: Field required", "bad.yaml: law: Field required"]),
]  # fmt: skip


@pytest.mark.parametrize(("content", "said"), UNREADABLE)
def test_what_is_no_country_at_all_is_refused(content: str, said: list[str], tmp_path: Path) -> None:
    message = refusal(tmp_path, content)
    assert all(words in message for words in said), message


def test_all_faults_are_told_at_once(tmp_path: Path) -> None:
    bad = changed("law.0.vat.standard", -13)
    bad["zipf"], bad["colour"] = 5, "red"
    message = refusal(tmp_path, bad)
    assert all(f"bad.yaml: {path}: " in message for path in ("law.0.vat.standard", "zipf", "colour"))
    crossed = refusal(tmp_path, {**changed("wholesale", "9999"), "trades": {"0001": ["x"]}})
    assert "wholesale: industry 9999" in crossed and "trades: industry 0001" in crossed


def test_one_buffer_sells_to_no_more_brokers_than_it_has_numbers_for(tmp_path: Path) -> None:
    bad = changed("evasion.typologies.carousel.industries", {"*": 1})
    bad["industries"][2]["exports"] = 0.3
    message = refusal(tmp_path, bad)
    assert "evasion.typologies.carousel.industries: lets in exporters with 5 twentieths of the firms; at most 4" in message


def test_an_unknown_name_says_which_there_are() -> None:
    with pytest.raises(ConfError, match=r"atlantis: no such country.*ausonia, china"):
        load_country("atlantis")
    assert load_country("ausonia").currency == "EUR"


#  what is only wrong at this size or with these sources
PLANNED = [
    ("evasion.typologies", {"land_costs": {"weight": 1.0, "intensity": [0.1, 0.3]}}, r"evasion.typologies.land_costs.weight: asks for 11.5% of all firms, and only \d\.\d% could"),
    ("shocks.silences.0.source", "gossip", "shocks.silences.0.source: no source gossip; known: registry"),
    ("shocks.codes.0.source", "gossip", "shocks.codes.0.source: no source gossip; known: registry"),
    ("shocks.codes.1.column", "amount", "shocks.codes.1.column: treasury has no codes in 'amount'; it has them in: tax, kind"),
    ("shocks.codes.0.source", "bank_month", "shocks.codes.0.column: bank_month has no codes in '许可种类'; it has them in: no column"),
]


@pytest.mark.parametrize(("key", "value", "said"), PLANNED)
def test_more_evaders_than_firms_and_silence_of_nobody_are_refused_before_anything_is_counted(key: str, value: Any, said: str, tmp_path: Path) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text(yaml.safe_dump(changed(key, value), allow_unicode=True), encoding="utf-8")
    with pytest.raises(ConfError, match=said):
        planned(3000, 36, 1, START, str(path))
    assert planned(3000, 36, 1, START).population > 3000


@pytest.mark.parametrize(("taxpayers", "months", "start"), [(199, 36, START), (3000, 11, START), (3000, 36, date(2023, 1, 2))])
def test_a_size_or_day_that_makes_no_country_is_refused(taxpayers: int, months: int, start: date) -> None:
    with pytest.raises(ValueError, match=r"at least 200 and 12|first day of a month"):
        planned(taxpayers, months, 1, start)


def economy(folder: Path, country: str) -> subprocess.CompletedProcess[str]:
    """`assay economy` where there is no Java to be found: whatever starts Spark fails with 1."""
    command = [sys.executable, "-c", "from jobs.cli import main; main()", "economy", "--out", str(folder / "out"), "--taxpayers", "300", "--months", "12", "--country", country]
    bare = {**os.environ, "JAVA_HOME": str(folder / "none"), "PATH": "/nowhere"}
    return subprocess.run(command, capture_output=True, text=True, env=bare, cwd=Path(__file__).parents[2], timeout=120, check=False)


def test_the_command_refuses_a_bad_country_with_2_before_spark_starts(tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_text(yaml.safe_dump(changed("law.0.vat.standard", -13), allow_unicode=True), encoding="utf-8")
    refused = economy(tmp_path, str(tmp_path / "bad.yaml"))
    assert refused.returncode == 2 and "law.0.vat.standard" in refused.stderr and not (tmp_path / "out").exists()
    good = economy(tmp_path, "ausonia")  # the same command with a good country goes on to Spark, and finds no Java
    assert good.returncode == 1 and "law.0" not in good.stderr
