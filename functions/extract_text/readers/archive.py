"""Zip files of strangers: reads their entries within limits that are counted while inflating."""

import mmap
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from types import TracebackType
from typing import Final, Self

from lxml import etree
from lxml.etree import _Element as XmlElement

from onggi.domain.errors import BadDocument

MAX_ENTRIES: Final = 10_000
"""A presentation of a thousand slides with a picture and notes on each has about six thousand."""

MAX_INFLATED_BYTES: Final = 512 * 1024 * 1024
"""A sheet of a million rows and ten columns comes to about 350 MB of XML; it inflates in two seconds."""

MAX_PART_BYTES: Final = 64 * 1024 * 1024
"""Bytes of a part that is read at once; its tree has up to ten times the size. A thousand pages have about 20 MB."""

MAX_RATIO: Final = 200
"""Inflated bytes to bytes of the file. Office files have about 10, sheets of blank, formatted cells up to 100; 1,032 is
the maximum of deflate."""

RATIO_GRACE_BYTES: Final = 16 * 1024 * 1024
"""Inflated bytes below which the ratio is not checked."""

STEP_BYTES: Final = 256 * 1024

_METHODS: Final = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)  # others, such as LZMA, let a file choose its memory
_CENTRAL_HEADER: Final = b"PK\x01\x02"
_ENCRYPTED_FLAG: Final = 0x1
_UTF8_FLAG: Final = 0x800
_NAME_ENCODINGS: Final = ("utf-8", "cp949")

_DAMAGES: Final = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    OSError,
    ValueError,
    OverflowError,
    NotImplementedError,  # raised by zipfile for features that it lacks
    RuntimeError,
)


class Archive:
    """The entries of a zip file by name; nothing is written to disk.

    A name has `/` between its parts and no `/` before them; entries whose name points outside the archive do not
    exist. The last of several entries of one name counts, as in other readers. Case matters only where two names
    differ by nothing else (ECMA-376 part 2, 6.2.2.3).

    Attributes:
        names: names of the entries, without folders, in order.

    Raises:
        BadDocument: `corrupt` when it is no readable zip file, `too_large` when it has too many entries.
    """

    def __init__(self, file: Path) -> None:
        with file.open("rb") as stream:
            _check_entries(stream.fileno(), file.stat().st_size)
        self._most_bytes = min(MAX_INFLATED_BYTES, max(RATIO_GRACE_BYTES, MAX_RATIO * file.stat().st_size))
        self._inflated = 0
        with _raise_corrupt():
            self._zip = zipfile.ZipFile(file)
        entries = ((_name(entry), entry) for entry in self._zip.infolist() if not entry.is_dir())
        self._entries = {name: entry for name, entry in entries if name}
        self._any_case = {name.lower(): entry for name, entry in self._entries.items()}
        self.names: tuple[str, ...] = tuple(self._entries)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._zip.close()

    def read(self, name: str) -> bytes:
        """Returns the content of an entry.

        Raises:
            BadDocument: `corrupt` when it is missing or damaged, `encrypted` when it is, `too_large` past a limit.
        """
        content = self.get(name)
        if content is None:
            raise BadDocument("corrupt")
        return content

    def get(self, name: str) -> bytes | None:
        """Returns the content of an entry, None if there is none.

        Raises:
            BadDocument: as `read`, except for a missing entry.
        """
        entry = self._entries.get(name) or self._any_case.get(name.lower())
        if entry is None:
            return None
        content = bytearray()
        for step in self._steps(entry):
            content += step
            if len(content) > MAX_PART_BYTES:
                raise BadDocument("too_large")
        return bytes(content)

    def steps(self, name: str) -> Iterator[bytes]:
        """Yields the content of an entry of any length, piece by piece.

        Raises:
            BadDocument: as `read`.
        """
        entry = self._entries.get(name) or self._any_case.get(name.lower())
        if entry is None:
            raise BadDocument("corrupt")
        return self._steps(entry)

    def check(self) -> None:
        """Inflates all entries once, for libraries that open the file themselves; later reads are counted from zero.

        Raises:
            BadDocument: as `read`.
        """
        self._inflated = 0
        for entry in self._zip.infolist():
            for _ in self._steps(entry):
                pass
        self._inflated = 0

    def _steps(self, entry: zipfile.ZipInfo) -> Iterator[bytes]:
        if entry.flag_bits & _ENCRYPTED_FLAG:
            raise BadDocument("encrypted")
        if entry.compress_type not in _METHODS:
            raise BadDocument("corrupt")
        with _raise_corrupt(), self._zip.open(entry) as stream:
            while step := stream.read(STEP_BYTES):
                self._inflated += len(step)
                if self._inflated > self._most_bytes:
                    raise BadDocument("too_large")
                yield step


def parse_xml(content: bytes) -> XmlElement:
    """Returns the root of an XML part, without comments; entities are neither resolved nor fetched.

    Raises:
        BadDocument: `corrupt` when it is not well-formed, has more than 256 elements within each other or ten million
            bytes of text in one; `too_large` past the memory.
    """
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, huge_tree=False, load_dtd=False, remove_comments=True, remove_pis=True
    )
    try:
        return etree.fromstring(content, parser)
    except etree.XMLSyntaxError as error:
        raise BadDocument("too_large" if error.code == etree.ErrorTypes.ERR_NO_MEMORY else "corrupt") from error
    except MemoryError as error:
        raise BadDocument("too_large") from error


def _check_entries(descriptor: int, size: int) -> None:
    """Counts the headers in the file before anything is built from them; the file's own count may be false."""
    if not size:
        raise BadDocument("corrupt")
    with mmap.mmap(descriptor, size, access=mmap.ACCESS_READ) as content:
        found, position = 0, content.find(_CENTRAL_HEADER)
        while position >= 0:
            found += 1
            if found > MAX_ENTRIES:
                raise BadDocument("too_large")
            position = content.find(_CENTRAL_HEADER, position + len(_CENTRAL_HEADER))


def _name(entry: zipfile.ZipInfo) -> str | None:
    """Returns the normalised name of an entry, None if it points outside the archive."""
    path = PurePosixPath(_decode_name(entry).replace("\\", "/").lstrip("/"))
    return None if ".." in path.parts else str(path)


def _decode_name(entry: zipfile.ZipInfo) -> str:
    """Decodes the name of an entry: zipfile takes names that are not declared as UTF-8 for code page 437."""
    if entry.flag_bits & _UTF8_FLAG or entry.filename.isascii():
        return entry.filename
    for encoding in _NAME_ENCODINGS:
        try:
            return entry.filename.encode("cp437").decode(encoding)
        except UnicodeError:
            continue
    return entry.filename


@contextmanager
def _raise_corrupt() -> Iterator[None]:
    try:
        yield
    except _DAMAGES as error:
        raise BadDocument("corrupt") from error
