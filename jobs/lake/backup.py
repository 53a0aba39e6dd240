"""Back-up and restore of a lake: copies of files that never change, as one consistent whole, while others read and write.

The tables that say what is visible are copied first, at the version they have then; every other table at a later one. So whatever the copy
says is there is there, and what came in meanwhile is not visible in it.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from jobs.lake.examine import RESTORE, digest_in
from jobs.lake.lake import IDENTITY, VISIBLE, Lake
from jobs.lake.read import DataFile, data_files
from jobs.lake.seal import LOG, SEALS, digest_of, tables_there
from jobs.lake.tables import table
from jobs.lake.upkeep import RETENTION_DAYS, kept_versions, readable
from jobs.lake.write import LakeError, require_table

MANIFEST = "backup.json"
BESIDE = ("conf", SEALS)
"""Folders of a lake besides its tables."""


@dataclass(frozen=True)
class Copied:
    """Tables, data files and bytes of a copy; files that were there from an earlier back-up are not copied again."""

    tables: int
    files: int
    new: int
    size: int


def backup(lake: Lake, folder: Path, days: int = RETENTION_DAYS) -> Copied:
    """Copy the lake into `folder` (an earlier back-up of it is brought up to date). LakeError when a file is not as it was written."""
    earlier = folder / MANIFEST
    earlier.unlink(missing_ok=True)  # without its list a back-up is none: a copy that was killed half-way is not restored
    for beside in BESIDE:  # first: a seal must not speak of an entry that is not copied
        if (Path(lake.root) / beside).is_dir():
            shutil.copytree(Path(lake.root) / beside, folder / beside, dirs_exist_ok=True)
    names = sorted(tables_there(lake.root), key=lambda n: (n not in VISIBLE, n))
    versions = {name: int(require_table(lake.root, name).version()) for name in names}
    found = [_table(lake, folder, name, versions[name], days) for name in names]
    shutil.copy2(Path(lake.root) / IDENTITY, folder / IDENTITY)
    listed = {str(p.relative_to(folder)): digest_of(p) for p in sorted(folder.rglob("*")) if p.is_file()}
    earlier.write_text(json.dumps({"versions": versions, "files": listed}, sort_keys=True), encoding="utf-8")
    return Copied(len(names), sum(f for f, _, _ in found), sum(n for _, n, _ in found), sum(s for _, _, s in found))


def _table(lake: Lake, folder: Path, name: str, version: int, days: int) -> tuple[int, int, int]:
    """One table as of a version, and of the published nights that must stay readable; files, new ones, bytes."""
    source, target = Path(lake.root) / table(name).path, folder / table(name).path
    (target / LOG).mkdir(parents=True, exist_ok=True)
    for path in _log(source / LOG, version):
        shutil.copy2(path, target / LOG / path.name)
    files = {f.path: f for f in data_files(lake.root, name, version)}
    for kept in kept_versions(lake, name, days):
        if kept < version and readable(lake.root, name, kept):
            files |= {f.path: f for f in data_files(lake.root, name, kept) if (source / f.path).is_file()}
    new = [f for f in files.values() if not (target / f.path).is_file()]
    for file in new:
        _copied(source, target, name, file)
    return len(files), len(new), sum(f.size for f in files.values())


def _log(log: Path, version: int) -> Iterator[Path]:
    """Log entries and checkpoints up to a version; the pointer only when it names one of them."""
    for path in sorted(log.iterdir()):
        number = path.name.split(".")[0]
        if number.isdigit() and int(number) <= version:
            yield path
    pointer = log / "_last_checkpoint"
    if pointer.is_file() and int(json.loads(pointer.read_text(encoding="utf-8"))["version"]) <= version:
        yield pointer


def _copied(source: Path, target: Path, name: str, file: DataFile) -> None:
    (target / file.path).parent.mkdir(parents=True, exist_ok=True)
    draft = (target / file.path).with_name("." + Path(file.path).name)
    shutil.copy2(source / file.path, draft)
    if (named := digest_in(file)) and digest_of(draft) != named:
        draft.unlink()
        raise LakeError(f"{name}: {file.path} is not as it was written and cannot be backed up; {RESTORE}, or see `assay doctor`")
    draft.rename(target / file.path)


def restore(folder: Path, root: Path) -> None:
    """Put a back-up in the place of a lake that is gone. LakeError when the place is taken, or the back-up is not whole."""
    check(folder)
    if root.exists() and any(root.iterdir()):
        raise LakeError(f"{root}: not empty; name an empty folder in ASSAY_LAKE, or move what is there away")
    shutil.copytree(folder, root, dirs_exist_ok=True, ignore=shutil.ignore_patterns(MANIFEST))


def check(folder: Path) -> None:
    """LakeError unless every file of the back-up is there and as it was copied."""
    manifest = folder / MANIFEST
    if not manifest.is_file():
        raise LakeError(f"{folder}: no back-up, or one that was not finished (no {MANIFEST}); run `assay backup` again")
    files = json.loads(manifest.read_text(encoding="utf-8"))["files"]
    wrong = [name for name, digest in files.items() if not (folder / name).is_file() or digest_of(folder / name) != digest]
    if wrong:
        raise LakeError(f"{folder}: {len(wrong)} file(s) are gone or not as they were copied, such as {wrong[0]}; take another back-up")
