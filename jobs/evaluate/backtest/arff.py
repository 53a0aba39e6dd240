"""ARFF (Weka's attribute-relation file format): names from the @attribute lines, then comma-separated data with `?` for missing."""

from __future__ import annotations

import re

from jobs.evaluate.backtest.study import StudyError

_ATTRIBUTE = re.compile(r"""@attribute\s+(?:'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)"|(\S+))\s+(\S.*)""", re.IGNORECASE)


def split(text: str, file: str) -> tuple[list[str], str, str]:
    """The attributes' names, the data section without comments, and its quote character.

    StudyError naming the line of an attribute that cannot be read; sparse data ({index value, …}) is refused with a remedy.
    """
    names: list[str] = []
    lines = text.splitlines()
    for number, line in enumerate(lines, 1):
        word = line.strip()
        if word.lower().startswith("@data"):
            body = [row for row in lines[number:] if row.strip() and not row.lstrip().startswith("%")]
            if not names:
                raise StudyError(f"rows.path: {file}:{number}: @data without an @attribute above it")
            if body and body[0].lstrip().startswith("{"):
                raise StudyError(f"rows.path: {file}:{number + 1}: sparse ARFF is not read; save it as dense ARFF or CSV")
            return names, "\n".join(body) + "\n", "'" if any("'" in row for row in body) else '"'
        if word.lower().startswith("@attribute"):
            found = _ATTRIBUTE.match(word)
            if not found:
                raise StudyError(f"rows.path: {file}:{number}: attribute cannot be read; write @attribute 'name' type")
            names.append(re.sub(r"\\(.)", r"\1", next(g for g in found.groups()[:3] if g is not None)))
    raise StudyError(f"rows.path: {file}: no @data line; not an ARFF file")
