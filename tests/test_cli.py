"""The `assay` command as its user meets it: help, exit codes, messages with a remedy."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from jobs.cli import main
from jobs.cli.fitting import must_fit
from jobs.cli.place import Place
from jobs.conf import ConfError, load
from jobs.lake.lake import Lake
from jobs.sources.drop import land

HERE = Path(__file__).parents[1]


NOWHERE = "91330200MA2812345X"


def assay(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [str(Path(sys.executable).with_name("assay")), *words]
    return subprocess.run(command, cwd=HERE, env={**os.environ, **environment}, capture_output=True, text=True, check=False)


def in_process(monkeypatch: pytest.MonkeyPatch, *words: str) -> object:
    """The command without a process of its own; its exit code."""
    monkeypatch.setattr(sys, "argv", ["assay", *words])
    with pytest.raises(SystemExit) as leaving:
        main()
    return leaving.value.code


def test_help_names_the_commands() -> None:
    done = assay("--help")
    assert done.returncode == 0
    for command in ("demo", "economy", "ingest", "nightly", "approve", "profile", "train", "evaluate", "lists", "backtest", "doctor", "quarantine", "batch", "replay", "read"):
        assert command in done.stdout


def test_explain_prints_every_step() -> None:
    done = assay("nightly", "--as-of", "2026-01-20", "--explain")
    assert done.returncode == 0
    assert done.stdout.split()[0] == "sources"
    assert "risk_point" in done.stdout


#   words, on a lake without a night; one delivery of 2026-01-05 in the inbox       exit   the message says
WRONG = [
    (("nightly",), 2, "--as-of"),
    (("nightly", "--as-of", "20.1.2026"), 2, "2026"),
    (("nightly", "--as-off", "2026-01-20"), 2, "No such option: --as-off (Possible options: --as-of); `assay nightly --help` lists what it takes"),
    (("doktor",), 2, "Did you mean 'doctor'; `assay --help` lists what it takes"),
    (("ingest", "no-such-folder", "--as-of", "2026-01-20"), 2, "no such folder"),
    (("approve", "--as-of", "2026-01-20", "--official", "A"), 3, "assay nightly"),
    (("profile", NOWHERE, "--as-of", "2026-01-20"), 3, "no published night"),
    (("train", "--as-of", "2026-01-20"), 3, "no published night of 2026-01-20; run `assay nightly --as-of DATE` first"),
    (("backtest", "no-such-study.yaml"), 2, "no-such-study.yaml"),
    (("nightly", "--as-of", "2026-01-04"), 3, "nothing was received on or before 2026-01-04; put files into {inbox}, or take a later --as-of"),
]


@pytest.mark.parametrize(("words", "code", "says"), WRONG)
def test_what_is_wrong_is_said_with_its_exit_code(tmp_path: Path, words: tuple[str, ...], code: int, says: str) -> None:
    lake = Lake.open(tmp_path / "lake", load(HERE / "conf").house.buckets)
    done = assay(*words, ASSAY_LAKE=lake.root, ASSAY_INBOX=str(inbox(tmp_path)))
    assert done.returncode == code, done.stderr
    assert says.format(inbox=tmp_path / "inbox") in done.stderr
    assert "Traceback" not in done.stderr
    assert lake.nights() == [] and lake.batches_in_force(lake.epoch()) == frozenset()


def inbox(folder: Path) -> Path:
    """One delivery of payments, received on the fifth of January."""
    drop = folder / "drop"
    drop.mkdir()
    (drop / "treasury_1.csv").write_text("not looked into before its day\n", encoding="utf-8")
    land(load(HERE / "conf").sources["treasury"], drop, folder / "inbox", datetime(2026, 1, 5, 1, tzinfo=UTC))
    return folder / "inbox"


def test_a_list_that_a_page_saved_is_read_as_one(tmp_path: Path) -> None:
    lake = Lake.open(tmp_path / "lake", load(HERE / "conf").house.buckets)
    saved = tmp_path / "330203_2026-01-20.CSV"
    saved.write_text("case_id;result\nC1;confirmed\n", encoding="utf-8")
    done = assay("feedback", str(saved), "--person", "E-1", ASSAY_LAKE=lake.root)
    assert done.returncode == 2
    assert f"{saved.name}:1: is separated by ';', not by commas; send the file back as the page saved it" in done.stderr


def test_training_for_a_date_without_a_night_writes_nothing(tmp_path: Path) -> None:
    lake = Lake.open(tmp_path / "lake", load(HERE / "conf").house.buckets)
    assert assay("train", "--as-of", "2026-01-20", ASSAY_LAKE=lake.root).returncode == 3
    assert lake.epoch() == 0, "a back-fill takes the lease"
    assert [p.name for p in tmp_path.rglob("*")] == ["lake", "lake.json"]


def test_assay_alone_prints_its_help_and_no_empty_complaint() -> None:
    done = assay()
    assert (done.returncode, done.stderr) == (2, "")
    assert "Usage: assay" in done.stdout and "nightly" in done.stdout


#   commands that only look, or go on with a night that is there
LOOKING = [
    ("doctor",),
    ("quarantine",),
    ("profile", NOWHERE, "--as-of", "2026-01-20"),
    ("train", "--as-of", "2026-01-20"),
    ("approve", "--as-of", "2026-01-20", "--official", "A"),
    ("lists", "--as-of", "2026-01-20"),
    ("replay", "--as-of", "2026-01-20"),
    ("evaluate", "--as-of", "2026-01-20"),
    ("feedback",),
    ("economy", "step", "--country", ".", "--as-of", "2026-01-20", "--until", "2026-02-20"),
    ("nightly", "--as-of", "2026-01-20", "--dry-run"),
    ("nightly", "--as-of", "2026-01-20", "--room", "rank"),
]


@pytest.mark.parametrize("words", LOOKING, ids=" ".join)
def test_a_folder_without_a_lake_is_refused_by_whoever_only_looks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], words: tuple[str, ...]
) -> None:
    monkeypatch.setenv("ASSAY_LAKE", str(tmp_path / "lak"))
    assert in_process(monkeypatch, *words) == 2
    assert "holds no lake; name one in ASSAY_LAKE" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


#   commands that fill a lake      what names the folder
FILLING = [
    (("ingest", ".", "--as-of", "2026-01-20"), "ASSAY_LAKE"),
    (("nightly", "--as-of", "2026-01-20"), "ASSAY_LAKE"),
    (("demo", "--out", "{}"), "--out"),
]


@pytest.mark.parametrize(("words", "named_by"), FILLING)
def test_no_lake_is_made_in_a_folder_whose_parent_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], named_by: str
) -> None:
    where = str(tmp_path / "mistyped" / "lake")
    monkeypatch.setenv("ASSAY_LAKE", where)
    assert in_process(monkeypatch, *(w.format(where) for w in words)) == 2
    assert f"correct {named_by}, or create {tmp_path / 'mistyped'} first" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_a_missing_lake_is_made_where_its_parent_is_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ASSAY_LAKE", str(tmp_path / "lake"))
    assert Place.here().lake.nights() == [] and (tmp_path / "lake" / "lake.json").is_file()
    assert Place.there().lake == Place.here().lake


def test_a_configuration_with_a_wrong_key_is_refused_before_spark_starts(tmp_path: Path) -> None:
    shutil.copytree(HERE / "conf", tmp_path / "conf")
    path = tmp_path / "conf" / "assay.yaml"
    path.write_text(path.read_text(encoding="utf-8").replace("buckets:", "bukets:"), encoding="utf-8")
    done = assay("nightly", "--as-of", "2026-01-20", ASSAY_CONF=str(tmp_path / "conf"), ASSAY_LAKE=str(tmp_path / "lake"))
    assert done.returncode == 2
    assert "assay.yaml" in done.stderr and "bukets" in done.stderr


#   file                        replaced                    by                          the message says
UNFIT = [
    ("indicators/vat.yaml", "id: vat_credit_above_stock", "id: vat_credit_above_stok", "conf/indicators: vat_credit_above_stok: no such indicator; known: cit_cost"),
    ("indicators/vat.yaml", "settings: {rate: 0.13}", "settings: {rat: 0.13}", "conf/indicators: vat_sales_below_invoices.settings: missing or unknown ['rat', 'rate']"),
    ("rank.yaml", "objective: auc", "objective: aucc", "conf/rank.yaml: objective: 'aucc' is no objective; known: precision@CAPACITY"),
    ("rank.yaml", "logistic,", "logistik,", "conf/rank.yaml: candidates: 'logistik' is none; known: rules"),
    ("rank.yaml", "hits_last_night_n", "hits_last_nite_n", "conf/rank.yaml: forbidden_features: no feature 'hits_last_nite_n'; docs/features.md lists them"),
]


@pytest.mark.parametrize(("name", "old", "new", "says"), UNFIT)
def test_a_configuration_that_names_what_nothing_stands_for_opens_no_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, old: str, new: str, says: str
) -> None:
    shutil.copytree(HERE / "conf", tmp_path / "conf")
    path = tmp_path / "conf" / name
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    monkeypatch.setenv("ASSAY_CONF", str(tmp_path / "conf"))
    monkeypatch.setenv("ASSAY_LAKE", str(tmp_path / "lake"))
    with pytest.raises(ConfError) as fault:
        Place.here()
    assert says in str(fault.value)
    assert not (tmp_path / "lake").exists()


def test_a_retired_indicator_may_be_gone() -> None:
    conf = load(HERE / "conf")
    gone = conf.indicators[0].model_copy(update={"id": "vat_once_was", "state": "retired"})
    must_fit(conf.model_copy(update={"indicators": (*conf.indicators, gone)}))
    with pytest.raises(ConfError, match="vat_once_was"):
        must_fit(conf.model_copy(update={"indicators": (*conf.indicators, gone.model_copy(update={"state": "draft"}))}))


def test_another_bucket_count_is_refused(tmp_path: Path) -> None:
    Lake.open(tmp_path / "lake", 7)
    done = assay("doctor", ASSAY_LAKE=str(tmp_path / "lake"))
    assert done.returncode == 3 and "7 buckets" in done.stderr
