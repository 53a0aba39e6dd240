"""Tables as people have them: labels in words, dates in many styles, amounts with signs, codes with zeros, broken rows. And bad studies."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import yaml

from jobs.evaluate.backtest import backtest, columns
from jobs.evaluate.backtest.read import read
from jobs.evaluate.backtest.study import Rows, StudyError

N = 240
RNG = np.random.default_rng(0)
X = RNG.normal(size=N)
Y = RNG.random(N) < 1 / (1 + np.exp(-2 * X))
DAYS = pd.date_range("2010-01-01", periods=N)
BASE: dict[str, Any] = {
    "name": "o", "rows": {"path": "t.csv"}, "label": {"column": "y"}, "split": {"kind": "folds", "k": 2}, "capacity": ["5%"], "candidates": ["single_feature"],
}  # fmt: skip
WINDOW = {"kind": "time", "test_from": "2010-06-01", "test_to": "2010-12-31"}


def ask(folder: Path, text: str | bytes, **more: Any) -> tuple[int, dict[str, Any]]:
    (folder / "t.csv").write_bytes(text.encode() if isinstance(text, str) else text)
    (folder / "s.yaml").write_text(yaml.safe_dump({**BASE, **more}, allow_unicode=True), encoding="utf-8")
    code = backtest(folder / "s.yaml", folder / "out")
    return code, json.loads((folder / "out" / "metrics.json").read_text()) if code in (0, 3) else {}


def csv(**more: Any) -> str:
    return pd.DataFrame({"x": X, "y": Y.astype(int), **more}).to_csv(index=False)


@pytest.mark.parametrize(
    "values",
    [("yes", "no"), ("True", "False"), ("Y", "N"), ("是", "否"), ("1.0", "0.0"), ("t", "f"), ("1", "-1"), ("Fraud", "clean")],
)  # fmt: skip
def test_labels_in_words(tmp_path: Path, values: tuple[str, str]) -> None:
    code, found = ask(tmp_path, csv(y=np.where(Y, *values)))
    assert code == 0 and found["positives"] == int(Y.sum())


@pytest.mark.parametrize(
    "form",
    ["%Y-%m-%d", "%Y/%m/%d", "%Y%m%d", "%d/%m/%Y", "%d.%m.%Y", "%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%d %H:%M:%S", "%d %b %Y", "%Y年%m月%d日"],
)
def test_dates_in_many_styles(tmp_path: Path, form: str) -> None:
    code, found = ask(tmp_path, csv(d=DAYS.strftime(form)), rows={"path": "t.csv", "as_of": "d"}, split=WINDOW)
    held = found["candidates"]["single_feature"]["splits"]["2010-06-01"]
    assert code == 0 and (held["train_rows"], held["rows"]) == (151, 89)  # January to May; June 1 to August 28


def test_encodings_and_delimiters(tmp_path: Path) -> None:
    frame = pd.DataFrame({"税负率": X, "y": Y.astype(int)})
    code, found = ask(tmp_path, frame.to_csv(index=False).encode("gb18030"))
    assert code == 0 and found["candidates"]["single_feature"]["features"] == ["税负率"]
    assert any("GB18030" in n for n in found["notes"])
    assert ask(tmp_path, frame.to_csv(index=False).encode("utf-16"))[0] == 0
    assert ask(tmp_path, b"\xef\xbb\xbf" + csv().encode())[1]["features"] == 1
    assert ask(tmp_path, csv().replace("\n", "\r\n"))[1]["features"] == 1
    semicolon = pd.DataFrame({"x": X, "y": Y.astype(int)}).to_csv(index=False, sep=";", decimal=",")
    assert ask(tmp_path, semicolon)[1]["candidates"]["single_feature"]["splits"]["pooled"]["auc"]["expected"] > 0.8


def column(*values: Any) -> pa.Array:
    return pa.array(values)


@pytest.mark.parametrize(
    ("cells", "read_as"),
    [
        (("1,234.50", "-2", "n/a", None), [1234.5, -2, np.nan, np.nan]),
        (("¥1,000", "¥20", "¥3"), [1000, 20, 3]),
        (("3,5", "1.234,75", "-2"), [3.5, 1234.75, -2]),
        (("(12.5)", "7", ""), [-12.5, 7, np.nan]),
        (("5%", "12.5 %", "?"), [5, 12.5, np.nan]),
        (("1e3", "2.5E-1", "inf"), [1000, 0.25, np.nan]),
    ],
)  # fmt: skip
def test_numbers_as_people_write_them(cells: tuple, read_as: list) -> None:
    found = columns.numbers(column(*cells))
    assert found is not None and np.array_equal(found[0], read_as, equal_nan=True)


def test_codes_names_and_dates_among_the_features(tmp_path: Path) -> None:
    text = csv(
        code=[f"{n % 30:03d}" for n in range(N)], name=[f"Firm {n}" for n in range(N)], opened=DAYS.strftime("%d.%m.%Y"), const=7,
        place=np.where(np.arange(N) % 40 == 0, "LOHARU", (np.arange(N) % 44).astype(str)), ratio=np.where(np.arange(N) % 9 == 0, np.inf, X),
    )  # fmt: skip
    code, found = ask(tmp_path, text, candidates="default")
    assert code == 0 and found["features"] == 5  # x, code, opened, place, ratio
    notes = " ".join(found["notes"])
    for said in (
        "'code' has numbers with leading zeros",
        "'name' is left out: 240 different texts",
        "'opened' holds dates",
        "'const' is left out",
    ):
        assert said in notes


def test_headers_are_repaired_and_dropped_by_their_name(tmp_path: Path) -> None:
    text = "x,y,x,\n" + "".join(f"{a},{int(b)},{a * 2},{n}\n" for n, (a, b) in enumerate(zip(X, Y)))
    code, found = ask(tmp_path, text)
    assert code == 0 and found["features"] == 3
    assert found["notes"][:2] == ["header 'x' occurs again as column 3: called 'x#2'", "column 4 has no name: called 'column_4'"]
    assert ask(tmp_path, text, features={"drop": ["x"]})[1]["features"] == 1
    assert ask(tmp_path, text, features={"drop": ["x#2"]})[1]["features"] == 2


def test_few_broken_rows_are_left_out_and_many_are_an_error(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    code, found = ask(tmp_path, csv() + "1,2,3,4\n")
    assert code == 0 and found["rows"] == N and any("row 241 has 4 fields" in n for n in found["notes"])
    assert ask(tmp_path, "x,y\n" + "1,2,3\n" * 9 + "1,0\n0,1\n")[0] == 2
    assert "9 of 11 rows do not have the header's 2 fields" in caplog.text


def test_arff_quotes_comments_and_faults(tmp_path: Path) -> None:
    path = tmp_path / "t.arff"
    path.write_text(
        "% c\n@RELATION r\n@attribute 'a b' REAL\n@attribute \"c\" {x,'y z'}\n@ATTRIBUTE d string\n@data\n1,'y z',?\n% c\n?,x,q\n"
    )
    found, _ = read(Rows(path="t.arff"), tmp_path)
    assert found.to_pydict() == {"a b": ["1", "?"], "c": ["y z", "x"], "d": ["?", "q"]}
    for text, said in (
        ("@data\n1\n", "without an @attribute"),
        ("@attribute a real\n@data\n{0 1}\n", "sparse"),
        ("@attribute a real\n", "no @data"),
        ("@attribute\n@data\n", "not|cannot"),
    ):
        path.write_text(text)
        with pytest.raises(StudyError, match=said):
            read(Rows(path="t.arff"), tmp_path)


AS_OF = {"path": "t.csv", "as_of": "d"}


@pytest.mark.parametrize(
    ("text", "more", "said"),
    [
        (csv(y=np.where(Y, 2, 1)), {}, "label.column: 'y' holds 1, 2; set label.positive"),
        (csv(y=np.where(Y, "evader", "fine")), {"label": {"column": "y", "positive": "bad"}}, "label.positive: no row has 'bad'"),
        (csv(y=np.where(Y, X, 0)), {}, "different numbers"),
        (csv(y=1), {}, "240 positive and 0 negative"),
        (csv(), {"label": {"column": "Yy"}}, "no column 'Yy'; did you mean 'y'?"),
        (csv(), {"lable": {"column": "y"}}, "lable: no such key; did you mean label?"),
        (csv(), {"label": {"colunm": "y"}}, "label.colunm: no such key; did you mean column?"),
        (csv(), {"features": {"drop": ["zz"]}}, "features.drop: no column 'zz'"),
        (csv(), {"features": {"drop": ["x"]}}, "no column is left to learn from"),
        (csv(), {"capacity": ["5 percent"]}, "'5 percent' is no capacity"),
        (csv(), {"objective": "profit"}, "'profit' is no objective"),
        (csv(), {"objective": "value@5%"}, "needs label.amount"),
        (csv(), {"candidates": ["xgboost"]}, "known: default, rules"),
        (csv(), {"split": {"kind": "folds", "k": 1}}, "split.k"),
        (csv(), {"split": {"kind": "folds", "k": 5, "group": "g"}}, "split.group: no column 'g'"),
        (csv(g=np.arange(N) % 3), {"split": {"kind": "folds", "k": 5, "group": "g"}}, "3 groups cannot make 5 folds"),
        (csv(), {"split": WINDOW}, "needs rows.as_of"),
        (csv(d="2010-01-01"), {"rows": AS_OF, "split": {"kind": "time", "test_from": "2010-06-01"}}, "give either test_from and test_to, or first_test and every"),
        (csv(d="2010-01-01"), {"rows": AS_OF, "split": WINDOW}, "no test window has rows on both sides"),
        (csv(d="soon"), {"rows": AS_OF, "split": WINDOW}, "does not hold dates (for example 'soon')"),
        (csv(d=["soon", *DAYS[1:].strftime("%Y-%m-%d")]), {"rows": AS_OF, "split": WINDOW}, "row 0 (from 0) of 'd' holds 'soon'"),
        (csv(d=[f"0{1 + n % 9}/0{1 + n % 7}/2012" for n in range(N)]), {"rows": AS_OF, "split": WINDOW}, "set rows.date_format"),
        (csv(t="much"), {"label": {"column": "y", "amount": "t"}}, "label.amount: 't' does not hold numbers"),
        (csv(), {"rows": {"path": "../nope.csv"}}, "does not exist; paths are relative"),
        ("", {}, "t.csv is empty"),
        ("x,y\n", {}, "no rows"),
        ("x,y\n1,1\n2,0\n3,0\n", {}, "only 1 of the groups hold the rarer label"),
    ],
)  # fmt: skip
def test_bad_studies_name_the_place_and_the_remedy(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, text: str, more: dict, said: str
) -> None:
    assert ask(tmp_path, text, **more)[0] == 2
    assert said in caplog.text


def test_files_that_are_no_study(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    assert backtest(tmp_path / "none.yaml", tmp_path) == 2
    for content in (b"name: [\n", b"- 1\n", "name: ä".encode("latin-1"), b""):
        (tmp_path / "s.yaml").write_bytes(content)
        assert backtest(tmp_path / "s.yaml", tmp_path) == 2
    assert "s.yaml:2:1" in caplog.text and "not UTF-8" in caplog.text


def test_too_good_to_be_true_is_said(tmp_path: Path) -> None:
    # neither a nor b tells alone, their sum is the label: no single-feature check can see it
    a = RNG.normal(size=2000)
    b = RNG.normal(size=2000)
    text = pd.DataFrame({"a": a, "b": b, "c": RNG.normal(size=2000), "y": (a + b > 1).astype(int)}).to_csv(index=False)
    code, found = ask(tmp_path, text, candidates=["logistic"])
    assert code == 0 and found["leaks"] == []
    assert any("too good to be true" in n for n in found["notes"])
    assert "too good to be true" in (tmp_path / "out" / "report.html").read_text()


def test_names_from_the_table_are_escaped_in_the_report(tmp_path: Path) -> None:
    text = csv().replace("x,y", "<script>alert(1)</script>,y", 1)
    code, _ = ask(tmp_path, text, name="<b>bold</b>", candidates="default")
    page = (tmp_path / "out" / "report.html").read_text()
    assert code == 0 and "<script>" not in page and "<b>bold</b>" not in page
    assert "&lt;b&gt;bold" in page
