"""The container of an HWP 5 file: OLE streams of records, compressed or encrypted."""

import re
import struct
import zlib
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final, Self

import olefile

from onggi.domain.errors import BadDocument
from readers.model import Properties

MAX_STREAM_BYTES: Final = 64 * 1024 * 1024
"""Inflated bytes of all text streams; a book of a thousand pages has about 10 MB."""

MAX_RECORDS: Final = 1_000_000
"""Records of all text streams; a paragraph has four or five, a page of tables hundreds."""

_STEP_BYTES: Final = 1024 * 1024
_SIGNATURE: Final = b"HWP Document File"
_COMPRESSED: Final = 1 << 0
_DISTRIBUTED: Final = 1 << 2
_ENCRYPTED: Final = 1 << 1 | 1 << 4 | 1 << 8 | 1 << 10  # password, rights management, certificate, both
_DISTRIBUTION: Final = 28
_LONG_RECORD: Final = 0xFFF

_SUMMARY: Final = "\x05HwpSummaryInformation"
_TITLE_ID, _AUTHOR_ID, _CREATED_ID, _MODIFIED_ID = 2, 4, 12, 13
_WIDE_STRING: Final = 0x1F
_FILE_TIME: Final = 0x40
_FILE_TIME_EPOCH: Final = datetime(1601, 1, 1, tzinfo=UTC)

type RawRecord = tuple[int, int, bytes]
"""Tag, level and content."""


class _Budget:
    """Limits how much may be read of something."""

    def __init__(self, amount: int) -> None:
        self._left = amount

    def spend(self, amount: int) -> None:
        self._left -= amount
        if self._left < 0:
            raise BadDocument("too_large")


class Hwp5Container:
    """The streams of one file, inflated and readable.

    Raises:
        BadDocument: `encrypted` when a password or a certificate is needed, `corrupt` when it is no HWP file.
        OSError: it is no OLE file; `read_hwp5` handles this and other errors of damaged files.
    """

    def __init__(self, file: Path) -> None:
        self._container = olefile.OleFileIO(file)
        self._bytes = _Budget(MAX_STREAM_BYTES)
        self._records = _Budget(MAX_RECORDS)
        header = self._stream("FileHeader")
        if not header.startswith(_SIGNATURE):
            raise BadDocument("corrupt")
        (self._flags,) = struct.unpack_from("<I", header, 36)
        if self._flags & _ENCRYPTED:
            raise BadDocument("encrypted")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._container.close()

    def document_info(self) -> Iterator[RawRecord]:
        """Yields the records of shapes and styles.

        Raises:
            BadDocument: `too_large` or `corrupt`, as whatever else reads from a file.
        """
        return _records(self._inflate(self._stream("DocInfo")), self._records)

    def sections(self) -> Iterator[Iterator[RawRecord]]:
        """Yields the records of each section, in order."""
        for name in self._section_names():
            yield _records(self._section(name), self._records)

    def _section_names(self) -> list[str]:
        storage = "ViewText" if self._flags & _DISTRIBUTED else "BodyText"
        names = {
            int(entry[1].removeprefix("Section")): "/".join(entry)
            for entry in self._container.listdir()
            if len(entry) == 2 and entry[0] == storage and re.fullmatch(r"Section\d{1,5}", entry[1])  # noqa: PLR2004
        }
        if not names:
            raise BadDocument("corrupt")
        return [names[number] for number in sorted(names)]

    def _section(self, name: str) -> bytes:
        content = self._stream(name)
        return self._inflate(_decrypt(content) if self._flags & _DISTRIBUTED else content)

    def _stream(self, name: str) -> bytes:
        content: bytes = self._container.openstream(name).read()
        return content

    def _inflate(self, content: bytes) -> bytes:
        if not self._flags & _COMPRESSED:
            self._bytes.spend(len(content))
            return content
        inflater = zlib.decompressobj(-zlib.MAX_WBITS)
        parts: list[bytes] = []
        while not inflater.eof:
            part = inflater.decompress(content, _STEP_BYTES)
            if not part and not inflater.eof:
                raise BadDocument("corrupt")
            content = inflater.unconsumed_tail
            self._bytes.spend(len(part))
            parts.append(part)
        return b"".join(parts)

    def properties(self) -> Properties:
        """Returns the properties that the file states."""
        if not self._container.exists(_SUMMARY):
            return Properties()
        values: dict[int, str] = {}
        with suppress(struct.error, OSError):  # a damaged summary is no reason to refuse the text
            values = _summary(self._container.openstream(_SUMMARY).read())
        return Properties(
            values.get(_TITLE_ID), values.get(_AUTHOR_ID), values.get(_CREATED_ID), values.get(_MODIFIED_ID)
        )


def _records(content: bytes, budget: _Budget) -> Iterator[RawRecord]:
    """Yields the records of a stream; the last one may be cut off."""
    position, end = 0, len(content)
    while position + 4 <= end:
        (header,) = struct.unpack_from("<I", content, position)
        position += 4
        budget.spend(1)
        size = header >> 20
        if size == _LONG_RECORD:
            (size,) = struct.unpack_from("<I", content, position)
            position += 4
        if position + size > end:
            raise BadDocument("corrupt")
        yield header & 0x3FF, header >> 10 & 0x3FF, content[position : position + size]
        position += size


def _decrypt(content: bytes) -> bytes:
    """Decrypts a section of a distribution document, whose first record holds the masked key.

    The mask is the output of `rand` of Microsoft's C library, seeded with the first four bytes. The key is the text of
    a SHA-1 hash that begins after the seed (Hancom, "Distribution documents", revision 1.2).
    """
    from cryptography.hazmat.primitives.ciphers import (  # noqa: PLC0415 - large, and needed by few files
        Cipher,
        algorithms,
        modes,
    )

    tag, _, data = next(_records(content, _Budget(1)), (0, 0, b""))
    if tag != _DISTRIBUTION or len(data) != 256:  # noqa: PLR2004 - as specified
        raise BadDocument("corrupt")
    (seed,) = struct.unpack_from("<I", data)
    mask = _mask(seed, len(data))
    start = 4 + (seed & 0xF)
    key = bytes(byte ^ masked for byte, masked in zip(data, mask, strict=True))[start : start + 16]
    body = content[4 + len(data) :]
    decryptor = Cipher(algorithms.AES128(key), modes.ECB()).decryptor()  # noqa: S305 - chosen by the format
    return decryptor.update(body[: len(body) // 16 * 16])


def _mask(seed: int, length: int) -> bytes:
    mask = bytearray()
    while len(mask) < length:
        value, seed = _random(seed)
        count, seed = _random(seed)
        mask += bytes([value & 0xFF]) * ((count & 0xF) + 1)
    return bytes(mask[:length])


def _random(seed: int) -> tuple[int, int]:
    seed = (seed * 214013 + 2531011) & 0xFFFFFFFF
    return seed >> 16 & 0x7FFF, seed


def _summary(content: bytes) -> dict[int, str]:
    """Returns the non-empty texts and times of the first property set by their identifiers (MS-OLEPS 2.21)."""
    (start,) = struct.unpack_from("<I", content, 44)
    (count,) = struct.unpack_from("<I", content, start + 4)
    values: dict[int, str] = {}
    for index in range(min(count, 64)):
        identifier, offset = struct.unpack_from("<II", content, start + 8 + 8 * index)
        value = _property(content, start + offset)
        if value:
            values[identifier] = value
    return values


def _property(content: bytes, position: int) -> str:
    (kind,) = struct.unpack_from("<I", content, position)
    if kind == _WIDE_STRING:
        (length,) = struct.unpack_from("<I", content, position + 4)
        return content[position + 8 : position + 8 + 2 * length].decode("utf-16-le", "replace").partition("\0")[0]
    if kind == _FILE_TIME:
        (ticks,) = struct.unpack_from("<Q", content, position + 4)
        with suppress(OverflowError):
            return (_FILE_TIME_EPOCH + timedelta(microseconds=ticks // 10)).isoformat("T", "seconds") if ticks else ""
    return ""
