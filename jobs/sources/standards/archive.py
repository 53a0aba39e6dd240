"""Archives from strangers: names that leave the folder, members that grow without end, encrypted ones and links are refused."""

from __future__ import annotations

import stat
import zipfile
import zlib
from typing import BinaryIO

from jobs.sources.standards.xml import MAX_DOCUMENT, Refused

MAX_MEMBERS = 200_000
MAX_GROWTH = 200
"""How many times larger than packed a member may become; XML packs 5 to 30 times, a bomb a thousand."""
SMALL = 1 << 20
"""Bytes below which growth does not matter."""


def members(stream: BinaryIO, name: str) -> list[zipfile.ZipInfo]:
    """The files of an archive. Refused when it is broken or one of them is not safe to open: it names the member."""
    try:
        found = [m for m in zipfile.ZipFile(stream).infolist() if not m.is_dir()]
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError, UnicodeDecodeError, EOFError) as fault:
        raise Refused("archive", f"the archive cannot be opened: {str(fault)[:200]}", "have it sent again", name) from fault
    if len(found) > MAX_MEMBERS:
        raise Refused("archive:many", f"{len(found)} members; at most {MAX_MEMBERS} are read", "have it sent in parts", name)
    for member in found:
        _safe(member, name)
    if len({m.filename for m in found}) < len(found):
        raise Refused("archive:twice", "two members have one name", "have it sent again", name)
    return found


def _safe(member: zipfile.ZipInfo, name: str) -> None:
    path, place = member.filename.replace("\\", "/"), f"{name}, member {member.filename[:100]!r}"
    if path.startswith("/") or ".." in path.split("/") or (len(path) > 1 and path[1] == ":"):
        raise Refused("archive:path", "a member's name leads out of the archive", "do not open it elsewhere; ask who sent it", place)
    if member.flag_bits & 0x1:
        raise Refused("archive:encrypted", "a member is encrypted", "have it sent open", place)
    if stat.S_ISLNK(member.external_attr >> 16):
        raise Refused("archive:link", "a member is a link", "do not open it elsewhere; ask who sent it", place)
    if member.file_size > SMALL and member.file_size > MAX_GROWTH * max(member.compress_size, 1):
        raise Refused("archive:bomb", f"a member of {member.compress_size} bytes becomes {member.file_size}", "do not open it elsewhere; ask who sent it", place)


def opened(stream: BinaryIO, member: zipfile.ZipInfo, name: str, most: int = MAX_DOCUMENT) -> bytes:
    """A member's bytes, never more than `most`, whatever its entry says. Refused when it is longer or damaged."""
    place = f"{name}, member {member.filename[:100]!r}"
    try:
        with zipfile.ZipFile(stream).open(member) as content:
            data = content.read(most + 1)
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError, EOFError, RuntimeError, zlib.error) as fault:
        raise Refused("archive", f"a member cannot be read: {str(fault)[:200]}", "have it sent again", place) from fault
    if len(data) > most:
        raise Refused("archive:bomb", f"a member holds more than {most} bytes", "have it sent as single documents", place)
    return data
