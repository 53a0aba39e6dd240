"""A `pull` section that cannot work, or that holds a secret, is refused by its key; the secret is not repeated."""

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


def add(folder: Path, source: str, pull: str) -> None:
    path = folder / "sources" / f"{source}.yaml"
    path.write_text(f"{path.read_text(encoding='utf-8')}\npull: {pull}\n", encoding="utf-8")


MARK = "mark: {column: changed, overlap: 1h}"
TABLE = f"kind: postgres, connection: ASSAY_DB, relation: a.b, {MARK}"
HTTP = "kind: http, url: 'https://agency.example/x'"

#   source (its format)          pull                                                          the error says
FAULTS = [
    ("penalty", "{kind: ftp, url: x}", ["pull: ", "'folder', 'postgres', 'http'"]),
    ("penalty", "{url: /srv/x}", ["pull: ", "Unable to extract tag using discriminator 'kind'"]),
    ("penalty", "{kind: folder, url: drop/penalty}", ["pull.folder.url: ", "must be an absolute folder"]),
    ("penalty", "{kind: folder, url: 'ftp://agency.example/x'}", ["pull.folder.url: ", "s3://, gs://"]),
    ("penalty", "{kind: folder, url: 's3://key:hunter2@bucket/x'}", ["pull.folder.url: ", "carries a credential"]),
    ("penalty", "{kind: folder, url: 's3://bucket/x?secret_key=a&access_key=hunter2'}", ["pull.folder.url: ", "carries a credential"]),
    ("penalty", "{kind: folder, url: /srv/x, settle: soon}", ["pull.folder.settle: ", "found 'soon'"]),
    ("penalty", "{kind: folder, url: /srv/x, patern: '*.csv'}", ["pull.folder: ", "patern: no such key; known keys: kind, recursive, settle, url"]),
    ("treasury", f"{{{TABLE}, password: hunter2}}", ["pull.postgres: ", "password: a credential never stands in a contract"]),
    ("treasury", f"{{{TABLE}, dsn: hunter2}}", ["pull.postgres: ", "dsn: a credential never"]),
    ("treasury", f"{{{TABLE.replace('ASSAY_DB', 'postgresql://u:hunter2@db/x')}}}", ["pull.postgres.connection: ", "must be the name of an environment variable"]),
    ("treasury", f"{{{TABLE.replace('a.b', 'a.b.c')}}}", ["pull.postgres.relation: "]),
    ("treasury", f"{{{TABLE.replace('1h', '-1h')}}}", ["pull.postgres.mark.overlap: "]),
    ("treasury", f"{{{TABLE.replace(MARK, 'rows_per_file: 10')}}}", ["pull.mark: an increment needs one"]),
    ("case_event", f"{{{TABLE}}}", ["files.format: 'jsonl' is not what a table is written as; take parquet or csv"]),
    ("penalty", f"{{{HTTP}}}", ["files.format: 'csv' is not what an HTTP interface is written as; take jsonl"]),
    ("case_event", "{kind: http, url: 'http://agency.example/x'}", ["pull.http.url: ", "http:// is taken on this machine itself alone (localhost); write https://"]),
    ("case_event", "{kind: http, url: 'agency.example/x'}", ["pull.http.url: ", "begins with https://"]),
    ("case_event", "{kind: http, url: 'https://u:hunter2@agency.example/x'}", ["pull.http.url: ", "carries a credential"]),
    ("case_event", "{kind: http, url: 'https://agency.example/x?api_key=hunter2'}", ["pull.http.url: ", "carries a credential"]),
    ("case_event", f"{{{HTTP}, token: hunter2}}", ["pull.http.token: ", "the secret itself never stands in a file"]),
    ("case_event", f"{{{HTTP}, header: 'X: hunter2'}}", ["pull.http.header: ", "must be the name of a header alone"]),
    ("case_event", f"{{{HTTP}, pages: {{by: leaf}}}}", ["pull.http.pages: ", "'link', 'number', 'cursor'"]),
    ("case_event", f"{{{HTTP}, pages: {{by: cursor}}}}", ["pull.http.pages.cursor.at: "]),
    ("case_event", f"{{{HTTP}, tries: 0}}", ["pull.http.tries: ", "greater than or equal to 1"]),
]


@pytest.mark.parametrize(("source", "pull", "expected"), FAULTS)
def test_a_fault_is_named_with_its_key(folder: Path, source: str, pull: str, expected: list[str]) -> None:
    add(folder, source, pull)
    with pytest.raises(configuration.ConfError) as fault:
        configuration.load(folder)
    for part in (f"conf/sources/{source}.yaml: ", *expected):
        assert part in str(fault.value)
    assert "hunter2" not in str(fault.value)


#   replaced in the files of a contract                     the error says
WRITTEN = [
    ('pattern: "penalty_*.csv"', 'pattern: "penalty.csv"', "files.pattern: 'penalty.csv' must have one *"),
    ('pattern: "penalty_*.csv"', 'pattern: "penalty_?_*.csv"', "must have one * and no other sign"),
    ('pattern: "penalty_*.csv"', 'pattern: "penalty_*.csv", encoding: auto', "files.encoding: `auto` tells how others write"),
    ('pattern: "penalty_*.csv"', 'pattern: "penalty_*.csv", preamble: 2', "files.preamble: what is pulled has no lines above its header"),
]


@pytest.mark.parametrize(("old", "new", "expected"), WRITTEN)
def test_what_is_pulled_is_written_as_the_contract_reads_it(folder: Path, old: str, new: str, expected: str) -> None:
    path = folder / "sources" / "penalty.yaml"
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")
    add(folder, "penalty", f"{{{TABLE}}}")
    with pytest.raises(configuration.ConfError) as fault:
        configuration.load(folder)
    assert expected in str(fault.value)


GOOD = [
    ("penalty", "{kind: folder, url: /srv/exchange/penalty}"),
    ("penalty", "{kind: folder, url: 's3://exchange/penalty', recursive: true, settle: 0s}"),
    ("penalty", f"{{{TABLE}}}"),
    ("case_event", "{kind: http, url: 'http://localhost:8080/x', token: ASSAY_TOKEN, pages: {by: cursor, at: meta.next, parameter: token}}"),
    ("case_event", "{kind: http, url: 'http://[::1]/x'}"),
    ("case_event", f"{{{HTTP}, since: {{column: changed, parameter: from, overlap: 1d}}}}"),
]


@pytest.mark.parametrize(("source", "pull"), GOOD)
def test_what_can_work_is_taken(folder: Path, source: str, pull: str) -> None:
    add(folder, source, pull)
    assert configuration.load(folder).sources[source].pull is not None
