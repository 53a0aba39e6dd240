"""Who told is kept out of the lake: nothing of him in any table, quarantine row, log or digest; in the vault, sealed, once, whatever is killed."""

from __future__ import annotations

import json
import logging
import os
import re
import signal
import subprocess
import sys
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from cryptography.fernet import Fernet
from pydantic import ValidationError

from jobs.cli import main
from jobs.conf import ConfError, Source, load
from jobs.lake.read import whole
from jobs.sources.check import Receipt
from jobs.sources.quarantine import today, waiting
from jobs.sources.vault import ENTRIES, REFERENCE, Vault, VaultError, entries, new_key, opened, unreadable, vault_there
from jobs.sources.vault_audit import AUDIT, looks, record
from tests.sources.given import source
from tests.sources.lake_of import Office

ROOT = Path(__file__).parents[2]
NAME, PHONE, LAMENT = "王揭发人", "13987654321", "他们的账是假的"
SECRETS = (NAME, PHONE, "揭发人", "139876")


def tips(**said: Any) -> Source:
    plain: dict[str, Any] = {
        "name": "tips", "table": "tip_off", "files": {"pattern": "*", "format": "jsonl"}, "event_at": "received_on", "known": {"from": "received_on"}, "purposes": ["case"],
        "columns": {
            "tip_no": {"from": "no", "required": True}, "received_on": {"from": "day", "type": "date", "required": True}, "accused_name": {"from": "accused"},
            "content": {"from": "told"}, "vault_ref": {"from": "@vault"},
        },
        "vault": {"name": "by.name", "phone": "by.phone"},
    }  # fmt: skip
    return source(**{**plain, **said})


def tip(no: str, day: str = "2026-01-02", **by: str) -> str:
    return json.dumps({"no": no, "day": day, "accused": "甲公司", "told": LAMENT, "by": by or None, "extra": NAME}, ensure_ascii=False) + "\n"


@pytest.fixture
def vault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Vault:
    new_key(tmp_path / "key")
    monkeypatch.setenv("ASSAY_VAULT", str(tmp_path / "vault"))
    monkeypatch.setenv("ASSAY_VAULT_KEY", str(tmp_path / "key"))
    monkeypatch.setenv("ASSAY_LAKE", str(tmp_path / "office" / "lake"))
    return Vault(str(tmp_path / "vault"), str(tmp_path / "key"))


#   line  of the file                                         fate
FILE = (
    tip("t1", name=NAME, phone=PHONE)  # accepted
    + tip("t2")  # accepted, nobody named
    + tip("t3", "31 December", name=NAME, phone=PHONE)  # quarantined: the date
    + f'{{"no": "t4", "by": {{"name": "{NAME}"\n'  # quarantined: no JSON
    + tip("t1", name=NAME, phone=PHONE)  # duplicate
)


@pytest.fixture
def office(tmp_path: Path, vault: Vault) -> Office:
    found = Office(tmp_path / "office", (tips(),))
    found.land("tips", 1, "2026-01-05", {"a.jsonl": FILE})
    found.receive()
    return found


def stored(folder: Path) -> bytes:
    """Every byte under a folder, Parquet files as their cells."""
    import pyarrow.parquet as pq

    return b"\n".join(json.dumps(pq.ParquetFile(p).read().to_pylist(), default=str, ensure_ascii=False).encode() if p.suffix == ".parquet" else p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file())


def test_nothing_of_the_informant_reaches_the_lake_and_every_record_has_its_fate(office: Office) -> None:
    (act,) = office.acts()
    assert [act[c] for c in ("received", "accepted", "superseded", "duplicate", "quarantined")] == [5, 2, 0, 1, 2]
    everything = stored(office.folder / "lake")
    assert LAMENT.encode() in everything  # what was told is there
    assert [s for s in SECRETS if s.encode() in everything] == []


def test_the_lake_holds_a_reference_that_opens_in_the_vault(office: Office, vault: Vault) -> None:
    rows = {r["tip_no"]: r["vault_ref"] for r in office.state("tip_off")}
    assert REFERENCE.fullmatch(rows["t1"]) and rows["t2"] is None
    found = opened(vault, rows["t1"])
    assert found is not None
    assert found["cells"] == {"name": NAME, "phone": PHONE} and (found["file"], found["line"]) == ("a.jsonl", 1)


def test_records_in_quarantine_keep_their_secret_and_their_text_is_in_the_vault(office: Office, vault: Vault) -> None:
    rows = {r["line"]: r for r in whole(office.lake.root, "quarantine").to_pylist()}
    assert {n: r["rules"] for n, r in rows.items()} == {3: ["date:received_on"], 4: ["json"]}
    assert json.loads(rows[3]["raw"])["no"] == "t3" and rows[4]["raw"] == ""
    ref = re.search(r"assay vault show (v[0-9a-f]{32})", rows[4]["reason"])
    assert ref is not None
    found = opened(vault, ref[1])
    assert found is not None and NAME in found["raw"]
    again = today(next(r for r in waiting(office.lake) if r["line"] == 3), office.conf, office.inbox, Receipt(date(2026, 1, 5)))
    assert again is not None and NAME not in str(again)


def test_the_vault_is_sealed_and_its_owners_alone(office: Office, vault: Vault) -> None:
    files = [p for p in Path(vault.root).rglob("*") if p.is_file()]
    assert files and all(p.stat().st_mode & 0o077 == 0 for p in files)
    assert [s for s in (*SECRETS, LAMENT) if s.encode() in stored(Path(vault.root))] == []
    assert unreadable(vault) == (4, [])  # t1, t3, the line that is no JSON, t1 again


def test_the_same_record_has_the_same_reference_and_a_new_key_goes_on_top(office: Office, vault: Vault) -> None:
    before = {r["tip_no"]: r["vault_ref"] for r in office.state("tip_off")}
    new_key(Path(vault.key_file))
    office.land("tips", 2, "2026-01-06", {"b.jsonl": tip("t1", name=NAME, phone=PHONE) + tip("t5", name=NAME, phone=PHONE)})
    (act,) = office.receive()
    assert (act["accepted"], act["duplicate"]) == (1, 1)
    after = {r["tip_no"]: r["vault_ref"] for r in office.state("tip_off")}
    assert after["t1"] == before["t1"] and after["t5"] not in before.values()  # nor do two tips of one person look alike
    assert unreadable(vault) == (6, [])


def test_without_a_vault_the_deliveries_wait_and_nothing_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.delenv("ASSAY_VAULT", raising=False)
    found = Office(tmp_path / "office", (tips(), source()))
    found.land("tips", 1, "2026-01-05", {"a.jsonl": FILE})
    found.land("pay", 1, "2026-01-05", {"a.csv": "no,id,day,amount\n"})
    with caplog.at_level(logging.WARNING):
        assert [a["source"] for a in found.receive()] == ["pay"]
    assert "tips waits: it has a vault, and none is named; set ASSAY_VAULT" in caplog.text
    assert not list((tmp_path / "office" / "lake").rglob("bronze_tips"))


def test_a_reader_that_fails_tells_nothing(office: Office, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    def fails(*_: Any) -> Any:
        raise ValueError(f"cannot read {NAME}")

    monkeypatch.setattr("jobs.sources.read.read_jsonl", fails)
    office.land("tips", 2, "2026-01-06", {"c.jsonl": tip("t9", name=NAME)})
    with pytest.raises(ValueError, match="cannot read"):  # before a record is read: the night fails, nothing is stored
        office.receive()


CHILD = """
import sys
from pathlib import Path
from tests.sources.lake_of import Office
from tests.sources.test_vault import tips
Office(Path(sys.argv[1]), (tips(),)).receive()
"""


@pytest.mark.parametrize("point", ["vault:written", "vault:sealed", "ingest:tip_off", "ingest:batch"])
def test_killed_and_run_again_the_vault_holds_every_entry_once(tmp_path: Path, vault: Vault, point: str) -> None:
    found = Office(tmp_path / "office", (tips(),))
    found.land("tips", 1, "2026-01-05", {"a.jsonl": FILE})
    killed = subprocess.run([sys.executable, "-c", CHILD, str(found.folder)], env={**os.environ, "ASSAY_FAULT": point}, cwd=ROOT, capture_output=True, timeout=120, check=False)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert (unreadable(vault)[0] > 0) is (point != "vault:written")
    found.receive()
    assert unreadable(vault) == (4, []) and len(found.state("tip_off")) == 2
    assert opened(vault, found.state("tip_off")[0]["vault_ref"])
    assert len(list((Path(vault.root) / ENTRIES).glob("*/*.jsonl"))) == 1


def test_an_entry_that_was_changed_moved_or_whose_key_is_gone_is_not_believed(office: Office, vault: Vault, tmp_path: Path) -> None:
    (path,) = (Path(vault.root) / ENTRIES).glob("*/*.jsonl")
    sealed = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    path.write_text("\n".join([json.dumps({"ref": sealed[1]["ref"], "sealed": sealed[0]["sealed"]}), json.dumps({**sealed[2], "sealed": sealed[2]["sealed"][:-9] + "AAAAAAAA="})]) + "\n", encoding="utf-8")
    count, faults = unreadable(vault)
    assert count == 2 and "sealed under another reference" in faults[0] and f"{path}:2: no key of ASSAY_VAULT_KEY opens it" in faults[1]
    other = tmp_path / "other"
    new_key(other)
    with pytest.raises(VaultError, match="no key of ASSAY_VAULT_KEY opens it"):
        opened(Vault(vault.root, str(other)), sealed[1]["ref"])


def run(monkeypatch: pytest.MonkeyPatch, *words: str) -> int:
    monkeypatch.setattr("sys.argv", ["assay", "vault", *words])
    with pytest.raises(SystemExit) as left:
        main()
    return int(str(left.value.code))


def test_a_look_names_person_and_purpose_and_is_on_record_before_anything_is_shown(
    office: Office, vault: Vault, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ref = office.state("tip_off")[0]["vault_ref"]
    for refused in (("--by", "李局长", "--purpose", "why"), ("--by", " ", "--purpose", "reward of the informant")):
        assert run(monkeypatch, "show", ref, *refused) == 2
    assert run(monkeypatch, "show", "v1", "--by", "李局长", "--purpose", "reward of the informant") == 2
    assert NAME not in capsys.readouterr().out and looks(vault) == 0
    assert run(monkeypatch, "show", ref, "--by", "李局长", "--purpose", "reward of the informant") == 0
    assert capsys.readouterr().out.splitlines() == ["tips, a.jsonl:1", f"name: {NAME}", f"phone: {PHONE}"]
    assert run(monkeypatch, "show", "v" + "0" * 32, "--by", "李局长", "--purpose", "reward of the informant") == 3
    said = [json.loads(line) for line in (Path(vault.root) / AUDIT).read_text(encoding="utf-8").splitlines()]
    assert [(s["no"], s["by"], s["purpose"], s["ref"]) for s in said] == [(1, "李局长", "reward of the informant", ref), (2, "李局长", "reward of the informant", "v" + "0" * 32)]
    assert run(monkeypatch, "check") == 0 and "4 entries can be opened; 2 looks are on record" in capsys.readouterr().out


@pytest.mark.parametrize("change", [lambda t: t.replace("reward", "rewarb", 1), lambda t: "\n".join(t.splitlines()[1:]) + "\n", lambda t: t + "{}\n"])
def test_a_trail_that_was_changed_is_told_and_nothing_more_is_shown(
    office: Office, vault: Vault, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], change: Any
) -> None:
    ref = office.state("tip_off")[0]["vault_ref"]
    for _ in range(2):
        record(vault, "2026-01-06T00:00:00+00:00", "a", "b", "reward of the informant", ref)
    path = Path(vault.root) / AUDIT
    path.write_text(change(path.read_text(encoding="utf-8")), encoding="utf-8")
    assert run(monkeypatch, "show", ref, "--by", "李局长", "--purpose", "reward of the informant") == 2
    told = capsys.readouterr()
    assert "audit trail was changed here" in told.err and NAME not in told.out
    assert run(monkeypatch, "check") == 3


def test_a_vault_in_the_lake_or_with_its_key_in_it_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ASSAY_VAULT_KEY", str(tmp_path / "key"))
    #  vault            lake             inbox         the refusal names
    for where, lake, inbox, says in (("lake/v", "lake", "inbox", "lies in the lake"), ("inbox/v", "lake", "inbox", "lies in the inbox"), (".", "l", "i", "lies in the vault itself")):
        monkeypatch.setenv("ASSAY_VAULT", str(tmp_path / where))
        with pytest.raises(VaultError, match=says):
            vault_there(str(tmp_path / lake) if where != "." else None, tmp_path / inbox if where != "." else None)


#   the key file                                    refused because
@pytest.mark.parametrize(
    ("content", "mode", "says"),
    [(None, 0o600, "cannot be read"), (b"", 0o600, "holds no key"), (b"abc\n", 0o600, "no Fernet key"), (Fernet.generate_key(), 0o640, "may be read by others")],
    ids=["missing", "empty", "no key", "open to others"],
)
def test_a_key_file_that_cannot_be_used_is_refused(tmp_path: Path, content: bytes | None, mode: int, says: str) -> None:
    if content is not None:
        (tmp_path / "key").write_bytes(content)
        (tmp_path / "key").chmod(mode)
    with pytest.raises(ConfError, match=says):
        Vault(str(tmp_path / "v"), str(tmp_path / "key")).keys()


#   said otherwise                                                                              refused because
WRONG: list[tuple[dict[str, Any], str]] = [
    ({"vault": None}, "exactly one column with from: '@vault'"),
    ({"columns": {**tips().model_dump(by_alias=True)["columns"], "accused_address": {"from": "by.phone"}}}, "'by.phone' also reaches the lake through 'by.phone'"),
    ({"columns": {**tips().model_dump(by_alias=True)["columns"], "accused_address": {"from": "by"}}}, "'by.name' also reaches the lake through 'by'"),
    ({"version": {"from": "by.name.at", "type": "date"}}, "'by.name' also reaches the lake through 'by.name.at'"),
    ({"files": {"pattern": "*", "format": "ubl"}}, "no XML"),
]


@pytest.mark.parametrize(("said", "why"), WRONG)
def test_a_contract_through_which_a_secret_would_slip_is_refused(said: dict[str, Any], why: str) -> None:
    with pytest.raises(ValidationError, match=re.escape(why)):
        tips(**said)


def test_a_csv_without_its_header_tells_nothing(tmp_path: Path, vault: Vault) -> None:
    columns = {**tips().model_dump(by_alias=True)["columns"]}
    found = Office(tmp_path / "office", (tips(files={"pattern": "*", "format": "csv"}, columns=columns, vault={"name": "by"}),))
    found.land("tips", 1, "2026-01-05", {"a.csv": f"t1,2026-01-02,甲公司,x,{NAME}\nt2,2026-01-02,甲公司,x,{NAME}\n", "b.csv": f"no,day,accused,told,by\nt3,2026-01-02,甲公司,x,{NAME}\n"})
    (act,) = found.receive()
    assert act["accepted"] == 1 and act["quarantined"] == act["received"] - 1
    assert NAME.encode() not in stored(found.folder / "lake")
    assert sum(1 for _ in entries(vault)) >= 2


def test_the_shipped_contract_of_tip_offs_keeps_its_informant_in_the_vault() -> None:
    contract = load(ROOT / "conf").sources["tip_off"]
    assert contract.vault and {"name", "phone", "id"} <= set(contract.vault)
    assert contract.columns["vault_ref"].purposes == ("case",)
