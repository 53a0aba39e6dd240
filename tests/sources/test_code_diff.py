"""Two systems' code tables: what differs, what blocks whom, at the model system's size; and files that cannot be used, by line."""

from __future__ import annotations

import csv
import time
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jobs.cli import main
from jobs.conf.codes import Code, CodesError, CodeSystem, Successor, read_system
from jobs.sources.code_diff import BLOCKING, Dependency, compare
from jobs.sources.code_report import as_text, read_dependencies, write_csv, write_page
from tests.sources.code_systems import write_systems

HEAD = "table,code,name,valid_from,valid_to,parent\n"


def folder(path: Path, codes: str, mapping: str | None = None, head: str = HEAD) -> Path:
    path.mkdir(parents=True, exist_ok=True)
    (path / "codes.csv").write_text(head + codes, encoding="utf-8")
    if mapping is not None:
        (path / "mapping.csv").write_text("table,old,new\n" + mapping, encoding="utf-8")
    return path


def system(*codes: tuple[str, str], said: tuple[tuple[str, str], ...] = (), **more: str) -> CodeSystem:
    """One table T of (code, name); `said`: (old, new)."""
    found = CodeSystem({"T": {c: [Code("T", c, n, **more)] for c, n in codes}})  # type: ignore[arg-type]
    for old, new in said:
        found.successors.setdefault("T", {}).setdefault(old, []).append(Successor("T", old, new))
    return found


#   old                       new                                mapping                          (kind, old, new, hint)
DRAWN = [
    ([("1", "a")], [("1", "a")], [], []),
    ([("1", "a")], [("1", " Ａ ")], [], []),  # blanks, case and width are no other name
    ([("1", "a")], [("1", "a")], [("1", "1")], []),
    ([("1", "a")], [("2", "b")], [], [("unmapped", "1", "", ""), ("added", "", "2", "")]),
    ([("1", "a")], [("2", "a")], [], [("unmapped", "1", "", "2"), ("added", "", "2", "")]),
    ([("1", "a")], [("2", "a")], [("1", "2")], [("recoded", "1", "2", "")]),
    ([("1", "a")], [], [("1", "")], [("ended", "1", "", "")]),
    ([("1", "a")], [("2", "b"), ("3", "c")], [("1", "2"), ("1", "3")], [("split", "1", "2", ""), ("split", "1", "3", "")]),
    ([("1", "a"), ("2", "b")], [("3", "c")], [("1", "3"), ("2", "3")], [("merged", "1", "3", ""), ("merged", "2", "3", "")]),
    ([("1", "a"), ("2", "b")], [("2", "b")], [("1", "2")], [("merged", "1", "2", ""), ("merged", "2", "2", "")]),
    ([("1", "a")], [("1", "b")], [], [("renamed", "1", "1", "")]),
    ([("1", "a")], [("1", "b"), ("9", "a")], [], [("reused", "1", "1", "9"), ("added", "", "9", "")]),
    ([("1", "a"), ("2", "b")], [("1", "b"), ("2", "a")], [], [("reused", "1", "1", "2"), ("reused", "2", "2", "1")]),
    ([("1", "a")], [("1", "b"), ("9", "a")], [("1", "9")], [("recoded", "1", "9", "")]),  # the mapping has the last word
    ([("1", "a")], [("1", "b"), ("9", "a")], [("1", "1")], [("renamed", "1", "1", ""), ("added", "", "9", "")]),
    ([("1", "a")], [("2", "b")], [("1", "7")], [("broken", "1", "7", ""), ("added", "", "2", "")]),
    ([("1", "a")], [("1", "a")], [("5", "1")], [("broken", "5", "1", "")]),
]


@pytest.mark.parametrize(("old", "new", "said", "expected"), DRAWN)
def test_what_becomes_of_a_code(old: list[tuple[str, str]], new: list[tuple[str, str]], said: list[tuple[str, str]], expected: list[tuple[str, ...]]) -> None:
    found = compare(system(*old), system(*new, said=tuple(said))).differences
    assert sorted((d.kind, d.old, d.new, d.hint) for d in found) == sorted(expected)


def test_another_parent_and_other_days_are_told(tmp_path: Path) -> None:
    old = read_system(folder(tmp_path / "a", "T,1,a,1994-01-01,,\nT,2,b,,,1\nT,3,c,1994-01-01,2000-12-31,\nT,3,c,2005-01-01,,\n"))
    new = read_system(folder(tmp_path / "b", "T,1,a,1994-01-01,2016-12-31,\nT,2,b,,,\nT,3,c,1994-01-01,2000-12-31,\nT,3,c,2005-01-01,,\n"))
    found = {(d.kind, d.old): d.detail for d in compare(old, new).differences}
    assert found == {("validity", "1"): "from 1994-01-01/ to 1994-01-01/2016-12-31", ("moved", "2"): "from 1 to the top"}


def test_only_codes_of_the_day_are_looked_at() -> None:
    old = CodeSystem({"T": {"1": [Code("T", "1", "a", valid_to=date(2000, 1, 1))], "2": [Code("T", "2", "b")]}})
    assert [d.old for d in compare(old, CodeSystem()).differences] == ["1", "2"]
    assert [d.old for d in compare(old, CodeSystem(), on=date(2016, 1, 1)).differences] == ["2"]


#   business  depends on       blocked by
@pytest.mark.parametrize(
    ("table", "code", "changed", "blocked"),
    [("T", "1", 1, [("T", "1", "unmapped")]), ("T", "2", 0, []), ("T", "", 2, [("T", "1", "unmapped")]), ("T", "4", 1, []), ("U", "", 0, [])],
)
def test_a_business_is_blocked_by_codes_without_a_single_successor(table: str, code: str, changed: int, blocked: list[tuple[str, str, str]]) -> None:
    old = system(("1", "a"), ("2", "b"), ("4", "d"))
    old.tables["U"] = {"1": [Code("U", "1", "u")]}
    new = system(("2", "b"), ("5", "e"), said=(("4", "5"), ("0", "5")))  # the mapping also names a code nobody has
    new.tables["U"] = old.tables["U"]
    (found,) = compare(old, new, [Dependency("B", "业务", table, code)]).businesses
    assert (found.changed, found.reasons) == (changed, blocked)


names = st.dictionaries(st.sampled_from("123456"), st.sampled_from("abcdef"), max_size=6)


@settings(max_examples=100, deadline=None)
@given(names, names, st.lists(st.tuples(st.sampled_from("123456"), st.sampled_from(["", *"123456"])), max_size=5))
def test_every_old_code_is_either_the_same_or_told(old: dict[str, str], new: dict[str, str], said: list[tuple[str, str]]) -> None:
    """No code disappears: what is in neither set of differences has the same name in both; a system against itself differs in nothing."""
    assert compare(system(*old.items()), system(*old.items())).differences == ()
    found = compare(system(*old.items()), system(*new.items(), said=tuple(said))).differences
    for code, name in old.items():
        kinds = {d.kind for d in found if d.old == code}
        targets = {n for o, n in said if o == code and n}
        clear = len(targets) == 1 and targets <= set(new) if any(o == code for o, _ in said) else code in new
        assert kinds or new.get(code) == name
        assert clear or kinds & (BLOCKING | {"ended"})
    assert {d.new for d in found} | set(old) >= set(new)


def test_the_model_systems_size_is_analysed_in_seconds_and_every_change_is_found(tmp_path: Path) -> None:
    put_in, blocked = write_systems(tmp_path)
    began = time.process_time()
    old, new = read_system(tmp_path / "A"), read_system(tmp_path / "B")
    found = compare(old, new, read_dependencies(tmp_path / "businesses.csv", old))
    write_csv(found, tmp_path / "out")
    write_page(found, tmp_path / "out" / "report.html", "A and B")
    assert time.process_time() - began < 10  # about 2 s of one core
    assert found.sizes[0] == (634, 87_000) and found.counted() == {k: put_in[k] for k in found.counted()}
    assert {s.business for s in found.businesses if s.blocked_by} == blocked and len(found.businesses) == 872
    with (tmp_path / "out" / "differences.csv").open(encoding="utf-8-sig") as written:
        assert sum(1 for _ in csv.DictReader(written)) == sum(put_in.values())
    assert f"872 businesses, {len(blocked)} blocked" in as_text(found)


#   codes                                mapping          head          the refusal names
BAD: list[tuple[str, str | None, str, str]] = [
    ("T,1,a,2020-13-01,,\n", None, HEAD, "codes.csv:2: valid_from: '2020-13-01' is no date"),
    ("T,1,a,2020-01-02,2020-01-01,\n", None, HEAD, "codes.csv:2: valid_to 2020-01-01 lies before"),
    ("T,1,a,,,\nT,,b,,,\n", None, HEAD, "codes.csv:3: table and code must not be empty"),
    ("T,9.1E+5,a,,,\n", None, HEAD, "codes.csv:2: code '9.1E+5' is in scientific notation"),
    ("T,1,a\n", None, HEAD, "codes.csv:2: has 3 cells, the header 6"),
    ("T,1,a,2000-01-01,2010-01-01,\nT,1,b,2010-01-01,,\n", None, HEAD, "codes.csv:3: code 1 of table T is valid twice on 2010-01-01"),
    ("T,1,a,,,7\n", None, HEAD, "codes.csv:2: parent '7' is no other code of table T"),
    ("T,1,a,,,1\n", None, HEAD, "codes.csv:2: parent '1' is no other code of table T"),
    ('T,"1,a,,,\n', None, HEAD, "codes.csv:2: no CSV from here on"),
    ("T,1\n", None, "table,kode\n", "codes.csv:1: column(s) code, name missing; found: table, kode"),
    ("T,1,a,,,\n", "T,,2\n", HEAD, "mapping.csv:2: table and old must not be empty"),
]


@pytest.mark.parametrize(("codes", "mapping", "head", "says"), BAD)
def test_what_cannot_be_used_is_refused_by_file_and_line(tmp_path: Path, codes: str, mapping: str | None, head: str, says: str) -> None:
    with pytest.raises(CodesError) as fault:
        read_system(folder(tmp_path / "s", codes, mapping, head))
    assert says in str(fault.value)


def test_bytes_that_are_no_utf8_are_refused_by_line(tmp_path: Path) -> None:
    (tmp_path / "c.csv").write_bytes(HEAD.encode() + b"T,1,a,,,\nT,2,\xd0\xd0\xd2\xb5,,,\n")
    with pytest.raises(CodesError, match=r"c\.csv:3: is not UTF-8"):
        read_system(tmp_path)


@pytest.mark.parametrize(("row", "says"), [("B,X,b,1", "has no table 'X'"), ("B,T,b,9", "table T of the old system has no code '9'"), (",T,b,1", "business must not be empty")])
def test_a_business_that_names_what_is_not_there_is_refused_by_line(tmp_path: Path, row: str, says: str) -> None:
    (tmp_path / "b.csv").write_text(f"business,table,name,code\nA,T,a,1\n{row}\n", encoding="utf-8")
    with pytest.raises(CodesError) as fault:
        read_dependencies(tmp_path / "b.csv", system(("1", "a")))
    assert f"b.csv:3: {says}" in str(fault.value) or says in str(fault.value).split("b.csv:3: ")[1]


def run(monkeypatch: pytest.MonkeyPatch, *words: str) -> int:
    monkeypatch.setattr("sys.argv", ["assay", "codes", "diff", *words])
    with pytest.raises(SystemExit) as left:
        main()
    return int(str(left.value.code))


def test_the_command_prints_and_writes_and_a_name_cannot_become_markup(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    old, new = folder(tmp_path / "a", "T,1,<script>x</script>,,,\n"), folder(tmp_path / "b", "T,2,b,,,\n")
    (tmp_path / "who.csv").write_text("business,table\nYW1,T\n", encoding="utf-8")
    assert run(monkeypatch, str(old), str(new), "--businesses", str(tmp_path / "who.csv"), "--out", str(tmp_path / "o"), "--html") == 0
    said = capsys.readouterr().out
    assert "! unmapped        1" in said and "1 businesses, 1 blocked" in said and "YW1  : T 1 unmapped" in said
    page = (tmp_path / "o" / "report.html").read_text(encoding="utf-8")
    assert "&lt;script&gt;x" in page and "<script" not in page


@pytest.mark.parametrize(("words", "says"), [(("a", "nowhere"), "no such folder"), (("a", "a", "--html"), "--html needs --out"), (("a", "a", "--mapping", "m.csv"), "m.csv: no such file")])
def test_bad_usage_leaves_with_2(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], says: str) -> None:
    folder(tmp_path / "a", "T,1,a,,,\n")
    monkeypatch.chdir(tmp_path)
    assert run(monkeypatch, *words) == 2
    assert says in capsys.readouterr().err
