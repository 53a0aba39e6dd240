"""The configuration is checked whole, before Spark starts, and every fault names file, key path and what is allowed."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from jobs import conf as configuration

HERE = Path(__file__).parents[1]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    shutil.copytree(HERE / "conf", tmp_path / "conf")
    return tmp_path / "conf"


def test_the_shipped_configuration_loads_and_its_digest_is_stable() -> None:
    assert configuration.load(HERE / "conf").digest == configuration.load(HERE / "conf").digest


def test_another_figure_is_another_digest(folder: Path) -> None:
    before = configuration.load(folder).digest
    path = folder / "assay.yaml"
    path.write_text(path.read_text(encoding="utf-8").replace("seed: 20260101", "seed: 1"), encoding="utf-8")
    assert configuration.load(folder).digest != before


#   file                       replaced            by                      the error names
FAULTS = [
    ("assay.yaml", "buckets: 4", "buckets: 0", ["assay.yaml", "buckets", "greater than or equal to 1"]),
    ("assay.yaml", "buckets: 4", "bukets: 4", ["assay.yaml", "bukets", "known keys"]),
    ("assay.yaml", "buckets: 4", "buckets: [4", ["assay.yaml:"]),
    ("assay.yaml", "currency: CNY", "currency: yuan", ["assay.yaml", "currency"]),
    ("sources/vat_return.yaml", "table: return_line", "table: returns", ["vat_return.yaml", "returns"]),
    ("sources/vat_return.yaml", "name: vat_return", "name: vat_returns", ["vat_return.yaml", "differs from the file's name"]),
    ("levels.yaml", "capacity_share: ", "capacity_share: -", ["conf/levels.yaml", "capacity_share", "greater than or equal to 0; found -"]),
    ("plan/2026.yaml", "{fraud: 0.05", "{frud: 0.05", ["conf/plan/2026.yaml: floors.frud: no risk code of conf/register.yaml has this risk type", "non_filing"]),
    ("sources/land.yaml", 'schedule: "', 'schedule: "99 99 ', ["conf/sources/land.yaml: expect.schedule:", "no cron expression; write minute, hour"]),
    ("assay.yaml", "zone: Asia/Shanghai", "zone: Asia/Shanghia", ["conf/assay.yaml: zone:", "'Asia/Shanghia' is no time zone"]),
    ("indicators/vat.yaml", "weight: 1.2", "weight: 120", ["conf/indicators/vat.yaml: vat_sales_below_statement (entry 2): weight:", "less than or equal to 100; found 120"]),
    ("register.yaml", "risk_type: reporting", "risk_type: reportin", ["conf/register.yaml: vat_sales_understated (entry 1): risk_type:", "'reporting', 'fraud'"]),
    ("treatments.yaml", "effort_days: 0.1", "effort: 0.1", ["conf/treatments.yaml: remind (entry 2): effort:", "known keys: allowed_if_fraud"]),
]


@pytest.mark.parametrize(("name", "old", "new", "expected"), FAULTS)
def test_a_fault_is_named_with_its_place(folder: Path, name: str, old: str, new: str, expected: list[str]) -> None:
    path = folder / name
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(configuration.ConfError) as fault:
        configuration.load(folder)
    for part in expected:
        assert part in str(fault.value)


def test_all_faults_are_told_at_once(folder: Path) -> None:
    for name, old, new in (("assay.yaml", "buckets: 4", "buckets: 0"), ("sources/land.yaml", "table: land_holding", "table: x")):
        path = folder / name
        path.write_text(path.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")
    with pytest.raises(configuration.ConfError) as fault:
        configuration.load(folder)
    assert "assay.yaml" in str(fault.value) and "land.yaml" in str(fault.value)


def test_a_holdout_the_law_does_not_leave_is_refused(folder: Path) -> None:
    path = folder / "plan" / "2026.yaml"
    path.write_text(path.read_text(encoding="utf-8") + "\n", encoding="utf-8")
    text = path.read_text(encoding="utf-8")
    import yaml

    plan = yaml.safe_load(text)
    plan["holdout"] = {"inspect": 0.1}
    path.write_text(yaml.safe_dump(plan, allow_unicode=True), encoding="utf-8")
    with pytest.raises(configuration.ConfError, match="no holdout for 'inspect'"):
        configuration.load(folder)


def test_a_year_without_a_plan_names_the_file_to_add() -> None:
    from datetime import date

    with pytest.raises(configuration.ConfError, match=r"conf/plan/1999\.yaml"):
        configuration.load(HERE / "conf").plan(date(1999, 1, 1))


def test_a_missing_folder_names_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(configuration.ConfError, match="ASSAY_CONF"):
        configuration.load(tmp_path)
