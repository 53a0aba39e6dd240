"""ZIP archives and gzip files: what is in them, one plain stream after the other, within limits that no header can lie about.

An archive that tries to reach outside itself or to grow beyond measure is refused whole; a member that is encrypted,
damaged or an archive again is refused alone, and the others are read.
"""

from __future__ import annotations

import gzip
import stat
import struct
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, BinaryIO

ZIP, GZIP = b"PK\x03\x04", b"\x1f\x8b"
PACKED = (ZIP, b"PK\x05\x06", GZIP, b"7z\xbc\xaf\x27\x1c", b"Rar!", b"BZh", b"\xfd7zXZ", b"\x28\xb5\x2f\xfd")
MEMBERS = 1000
TOTAL = 2 << 30
"""Bytes of all members together, unpacked."""
RATIO = 100
SMALL = 1 << 20
"""Below this size no ratio is asked: a small file of blanks harms nobody."""
NAME = 255
IN_MEMORY = 16 << 20
STEP = 1 << 20
LEFT_ALONE = ("__MACOSX/", ".DS_Store", "Thumbs.db")
RESENT = "have it packed again"


class Refusal(Exception):
    """A file or a member of an archive that is not read: the rule it breaks, and words with the remedy."""

    def __init__(self, rule: str, reason: str) -> None:
        super().__init__(reason)
        self.rule, self.reason = rule, reason


@dataclass(frozen=True)
class Opened:
    """A plain stream, and the name of the archive's member it is ('': the file itself); or why it is refused."""

    member: str
    stream: BinaryIO | None
    refusal: Refusal | None = None


def opened(stream: BinaryIO, document: str | None = None) -> Iterator[Opened]:
    """The plain streams of a file. `document`: the member that makes a ZIP one document of its format, not an archive of several."""
    if begins(stream, GZIP):
        yield from _gunzipped(stream)
    elif begins(stream, ZIP) or begins(stream, b"PK\x05\x06"):
        yield from _members(stream, document)
    else:
        yield Opened("", stream)


def begins(stream: BinaryIO, sign: bytes) -> bool:
    """Whether a stream begins with these bytes; it is left at its beginning."""
    found = stream.read(len(sign)) == sign
    stream.seek(0)
    return found


def _gunzipped(stream: BinaryIO) -> Iterator[Opened]:
    size = stream.seek(0, 2)
    stream.seek(0)
    with tempfile.SpooledTemporaryFile(IN_MEMORY) as plain:
        try:
            with gzip.GzipFile(fileobj=stream) as packed:
                _copied(packed, plain, size, TOTAL)
            _not_nested(plain, None)
        except (OSError, EOFError, zlib.error) as fault:
            yield Opened("", None, Refusal("gzip", f"the file is damaged or ends too early ({str(fault)[:200]}); {RESENT}"))
        except Refusal as fault:
            yield Opened("", None, fault)
        else:
            yield Opened("", plain)  # type: ignore[arg-type]


def _members(stream: BinaryIO, document: str | None) -> Iterator[Opened]:
    try:
        infos = directory(stream)
        if document is not None and any(i.filename == document for i in infos):
            stream.seek(0)
            yield Opened("", stream)
            return
        if not infos:
            raise Refusal("empty_file", "the archive holds no file; ask for it again")
    except Refusal as fault:
        yield Opened("", None, fault)
        return
    left = TOTAL
    with zipfile.ZipFile(stream) as archive:
        for info in infos:
            with tempfile.SpooledTemporaryFile(IN_MEMORY) as plain:
                refusal = _unpacked(archive, info, plain, left, document)
                left -= plain.tell()
                plain.seek(0)
                yield Opened(info.filename, None if refusal else plain, refusal)  # type: ignore[arg-type]


def _unpacked(archive: zipfile.ZipFile, info: zipfile.ZipInfo, plain: IO[bytes], left: int, document: str | None) -> Refusal | None:
    if info.flag_bits & 1:
        return Refusal("encrypted", f"the member is encrypted; {RESENT} without a password, over a safe line")
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        return Refusal("zip", f"the member is packed by method {info.compress_type}; only plain ZIP (stored, deflated) is read; {RESENT}")
    try:
        with archive.open(info) as packed:
            _copied(packed, plain, info.compress_size, left)
        _not_nested(plain, document)
    except (zipfile.BadZipFile, EOFError, OSError, zlib.error, ValueError) as fault:
        return Refusal("zip", f"the member is damaged or not as large as it says ({str(fault)[:200]}); {RESENT}")
    except Refusal as fault:
        return fault
    return None


def _copied(packed: IO[bytes] | gzip.GzipFile, plain: IO[bytes], size: int, left: int) -> None:
    """Unpack, counting: what a header says of the size is not believed."""
    done = 0
    while data := packed.read(STEP):
        done += len(data)
        if done > left or (done > SMALL and done > RATIO * max(size, 1)):
            raise Refusal("bomb", f"unpacks to more than {left >> 20} MB or {RATIO} times its size; {RESENT} in smaller files")
        plain.write(data)


def _not_nested(plain: IO[bytes], document: str | None) -> None:
    end = plain.tell()
    plain.seek(0)
    head = plain.read(8)
    if head.startswith(PACKED) and not (document and head.startswith(ZIP)):
        raise Refusal("nested", "is an archive inside an archive; send its files in one archive")
    plain.seek(end)


def directory(stream: BinaryIO) -> list[zipfile.ZipInfo]:
    """The files of a ZIP archive in name order, after every check that needs no unpacking. Refusal says what is wrong."""
    _bounded_directory(stream)
    try:
        with zipfile.ZipFile(stream) as archive:
            infos = archive.infolist()
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError, UnicodeError, struct.error) as fault:
        raise Refusal("zip", f"no whole ZIP archive ({str(fault)[:200]}); {RESENT}") from fault
    files = [i for i in infos if not i.is_dir()]
    names = [i.filename for i in infos]
    if odd := next((i for i in infos if _unsafe(i)), None):
        raise Refusal("path", f"a member's name reaches outside the archive or is no plain name ({odd.orig_filename[:80]!r}); {RESENT}")
    if len(set(names)) < len(names):
        raise Refusal("zip", f"two members have the same name; {RESENT}")
    if any(stat.S_ISLNK(i.external_attr >> 16) for i in infos):
        raise Refusal("path", f"a member is a link; {RESENT} with the files themselves")
    if (total := sum(i.file_size for i in files)) > TOTAL or any(i.file_size > max(SMALL, RATIO * i.compress_size) for i in files):
        raise Refusal("bomb", f"says it unpacks to {total} bytes, more than {TOTAL >> 20} MB or {RATIO} times its size; {RESENT} in smaller files")
    _apart(files)
    return sorted((i for i in files if not i.filename.startswith(LEFT_ALONE[0]) and not i.filename.endswith(LEFT_ALONE[1:])), key=lambda i: i.filename)


def _bounded_directory(stream: BinaryIO) -> None:
    """Refuse a directory too large to be read at all, by the record at the end of the archive."""
    size = stream.seek(0, 2)
    stream.seek(max(0, size - (1 << 16) - 22))
    tail = stream.read()
    stream.seek(0)
    at = tail.rfind(b"PK\x05\x06")
    if at < 0 or len(tail) < at + 22:
        raise Refusal("zip", f"no whole ZIP archive: it ends too early; {RESENT}")
    count, length = struct.unpack("<H", tail[at + 10 : at + 12])[0], struct.unpack("<L", tail[at + 12 : at + 16])[0]
    if count > MEMBERS or length > MEMBERS * (46 + 2 * NAME):
        raise Refusal("members", f"the archive holds {count} members or a directory of {length} bytes; at most {MEMBERS} members are read; {RESENT} in several")


def _unsafe(info: zipfile.ZipInfo) -> bool:
    name = info.orig_filename
    steps = name.replace("\\", "/").split("/")
    return (
        not name or len(name) > NAME or ".." in steps or name.startswith(("/", "\\")) or "\\" in name or name[1:2] == ":"
        or any(ord(c) < 32 or c == "\ufffd" for c in name)
    )  # fmt: skip


def _apart(infos: list[zipfile.ZipInfo]) -> None:
    """Members that share bytes are how a small archive unpacks to petabytes."""
    end = 0
    for info in sorted(infos, key=lambda i: i.header_offset):
        if info.header_offset < end:
            raise Refusal("bomb", f"members overlap; {RESENT}")
        end = info.header_offset + 30 + len(info.orig_filename) + info.compress_size
