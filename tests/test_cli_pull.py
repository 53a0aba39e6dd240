"""`assay pull` as an operator meets it: what it prints, its exit codes, and one source's trouble that is not another's."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

from jobs.cli import main

HERE = Path(__file__).parents[1]


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The repository's configuration in which penalties are pulled from a folder that is there, licences from one that is not."""
    shutil.copytree(HERE / "conf", tmp_path / "conf")
    for name, folder in (("penalty", "place"), ("licence", "gone")):
        path = tmp_path / "conf" / "sources" / f"{name}.yaml"
        text = path.read_text(encoding="utf-8")
        path.write_text(f"{text}\npull: {{kind: folder, url: {tmp_path / folder}, settle: 0s}}\n", encoding="utf-8")
    (tmp_path / "place").mkdir()
    (tmp_path / "place" / "penalty_1.csv").write_text("a", encoding="utf-8")
    monkeypatch.setenv("ASSAY_CONF", str(tmp_path / "conf"))
    monkeypatch.setenv("ASSAY_INBOX", str(tmp_path / "inbox"))
    return tmp_path


def assay(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *words: str) -> tuple[object, str, str]:
    """Exit code, what was printed, and what was complained of."""
    monkeypatch.setattr(sys, "argv", ["assay", *words])
    with pytest.raises(SystemExit) as leaving:
        main()
    said = capsys.readouterr()
    return leaving.value.code, said.out, said.err


#   words                   exit   prints                            complains
SAID = [
    (("pull", "penalty"), 0, "pulled penalty/penalty_1.csv\n", ""),
    (("pull", "licence"), 1, "", "gone cannot be listed"),
    (("pull", "--all"), 1, "pulled penalty/penalty_1.csv\n", "1 of 2 sources could not be pulled:\n  licence: "),
    (("pull", "land"), 2, "", "conf/sources/land.yaml: has no `pull` section"),
    (("pull", "nobody"), 2, "", "no source 'nobody'"),
    (("pull",), 2, "", "name one source, or say --all"),
    (("pull", "penalty", "--all"), 2, "", "name one source, or say --all"),
    (("pull", "penalty", "--at", "noon"), 2, "", "'noon' is no ISO date and time"),
]


@pytest.mark.parametrize(("words", "code", "out", "err"), SAID)
def test_what_is_said(house: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], code: int, out: str, err: str) -> None:
    found = assay(monkeypatch, capsys, *words)
    assert found[:2] == (code, out) and err in found[2]


def test_pulled_again_it_is_nothing_new_and_the_receipt_has_the_moment_given(house: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assay(monkeypatch, capsys, "pull", "penalty", "--at", "2026-01-05T09:00:00", "--history")
    assert assay(monkeypatch, capsys, "pull", "penalty")[:2] == (0, "penalty: nothing new\n")
    manifest = (house / "inbox" / "penalty" / "manifest.jsonl").read_text(encoding="utf-8")
    assert '"received_at": "2026-01-05T09:00:00+08:00", "kind": "history"' in manifest
