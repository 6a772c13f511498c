"""HWP 5 files from paragraphs, tables and controls, in an OLE container that is written here as well."""

import struct
import zlib
from collections.abc import Callable, Mapping, Sequence
from typing import Final, NamedTuple

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

SECTOR: Final = 512
MINI_SECTOR: Final = 64
MINI_CUTOFF: Final = 4096
FREE: Final = 0xFFFFFFFF
END_OF_CHAIN: Final = 0xFFFFFFFE
FAT_SECTOR: Final = 0xFFFFFFFD

COMPRESSED: Final = 1
PASSWORD: Final = 1 << 1
DISTRIBUTED: Final = 1 << 2
RIGHTS_MANAGED: Final = 1 << 4

NEW_SECTION: Final = 0x01
NEW_PAGE: Final = 0x04

OUTLINE: Final = 1
NUMBER: Final = 2
BULLET: Final = 3

Paragraph = Callable[[int], bytes]
"""Its records, given its level."""


class Control(NamedTuple):
    """What a control character in a text stands for; `body` makes the records beneath it, given their level."""

    code: int
    kind: str
    data: bytes = b""
    body: Paragraph = lambda _: b""


class Cell(NamedTuple):
    paragraphs: Sequence[Paragraph]
    row: int
    column: int
    is_header: bool = False


def make_sample() -> bytes:
    """Returns headings, paragraphs, a list, a table, a note and properties, over two pages."""
    grid = table([["구분", "Item"], ["임대료", "Rent"], ["보증금", "Deposit"]], header_rows=1)
    first = [
        paragraph("임대차 계약서 Lease Agreement", shape=1),
        paragraph("제1조 임대인은 ", note("계약일을 기준으로 한다."), "목적물을 임차인에게 인도한다."),
        paragraph("The landlord hands over the premises.", shape=2),
        paragraph("임차인은 차임을 지급한다.", shape=2),
        paragraph(grid),
    ]
    second = [paragraph("부칙 Addenda", shape=1), paragraph("이 계약은 서명한 날부터 효력이 있다.")]
    return make_hwp5(
        [first, second],
        info=document_info([(None, 0, 0), (OUTLINE, 0, 1), (BULLET, 0, 1)]),
        summary={2: "임대차 계약서", 4: "홍길동", 12: 133_500_000_000_000_000},
    )


def make_hwp5(
    sections: Sequence[Sequence[Paragraph]],
    info: bytes | None = None,
    flags: int = COMPRESSED,
    summary: Mapping[int, str | int] | None = None,
) -> bytes:
    """Returns a file of sections; with `DISTRIBUTED` among the flags they are encrypted."""
    streams = {"FileHeader": file_header(flags), "DocInfo": _packed(info or document_info(), flags)}
    for number, paragraphs in enumerate(sections):
        content = _packed(b"".join(make(0) for make in paragraphs), flags)
        if flags & DISTRIBUTED:
            streams[f"BodyText/Section{number}"] = _packed(paragraph("배포용 문서입니다.")(0), flags)
            streams[f"ViewText/Section{number}"] = encrypted(content)
        else:
            streams[f"BodyText/Section{number}"] = content
    if summary:
        streams["\x05HwpSummaryInformation"] = property_set(summary)
    return make_ole(streams)


def file_header(flags: int) -> bytes:
    return struct.pack("<32sII", b"HWP Document File", 0x05010000, flags).ljust(256, b"\0")


def record(tag: int, level: int, content: bytes) -> bytes:
    size = len(content)
    if size < 0xFFF:
        return struct.pack("<I", tag | level << 10 | size << 20) + content
    return struct.pack("<II", tag | level << 10 | 0xFFF << 20, size) + content


def string(text: str) -> bytes:
    units = text.encode("utf-16-le", "surrogatepass")
    return struct.pack("<H", len(units) // 2) + units


def paragraph(*parts: str | Control, shape: int = 0, style: int = 0, page_break: int = 0) -> Paragraph:
    def make(level: int) -> bytes:
        units = b"".join(_text(part) if isinstance(part, str) else _mark(part) for part in parts) + b"\r\0"
        header = struct.pack("<IIHBB", len(units) // 2, 0, shape, style, page_break).ljust(24, b"\0")
        controls = (
            record(71, level + 1, part.kind.encode()[::-1] + part.data) + part.body(level + 2)
            for part in parts
            if isinstance(part, Control)
        )
        text = record(67, level + 1, units) if len(units) > 2 else b""
        return record(66, level, header) + text + b"".join(controls)

    return make


def table(
    rows: Sequence[Sequence[str]], header_rows: int = 0, caption: Sequence[Paragraph] = (), cells: Sequence[Cell] = ()
) -> Control:
    """Returns a table of texts, or of cells if they span others or hold more than a text."""
    placed = cells or [
        Cell([paragraph(text)], row, column, row < header_rows)
        for row, texts in enumerate(rows)
        for column, text in enumerate(texts)
    ]

    def body(level: int) -> bytes:
        captions = _list(level, caption) if caption else b""
        shape = record(77, level, struct.pack("<IHH", 4, len(rows), max(map(len, rows), default=0)))
        return captions + shape + b"".join(_cell(level, cell) for cell in placed)

    return Control(11, "tbl ", b"\0" * 40, body)


def text_box(*paragraphs: Paragraph) -> Control:
    def body(level: int) -> bytes:
        return record(76, level, b"cer$cer$") + _list(level + 1, paragraphs)

    return Control(11, "gso ", b"\0" * 40, body)


def note(text: str, kind: str = "fn  ") -> Control:
    return Control(17, kind, b"\0" * 16, lambda level: _list(level, [paragraph(number(1, 1, suffix=")"), " ", text)]))


def running_head(text: str) -> Control:
    return Control(16, "head", b"\0" * 8, lambda level: _list(level, [paragraph(text)]))


def hidden_comment(text: str) -> Control:
    return Control(15, "tcmt", b"", lambda level: _list(level, [paragraph(text)]))


def equation(script: str) -> Control:
    return Control(11, "eqed", b"\0" * 40, lambda level: record(88, level, b"\0" * 4 + string(script)))


def number(value: int, kind: int, shape: int = 0, suffix: str = "") -> Control:
    return Control(18, "atno", struct.pack("<IHHHH", kind | shape << 4, value, 0, 0, ord(suffix or "\0")))


def ruby(main: str, above: str) -> Control:
    return Control(23, "tdut", string(main) + string(above) + b"\0" * 16)


def section_start(outline: int = 1) -> Control:
    return Control(2, "secd", struct.pack("<IHHHIH", 0, 0, 0, 0, 8000, outline).ljust(30, b"\0"))


def document_info(
    shapes: Sequence[tuple[int | None, int, int]] = ((None, 0, 0),),
    styles: Sequence[str] = ("바탕글",),
    numberings: Sequence[Sequence[tuple[str, int, int]]] = ((("^1.", 0, 1),) * 7,),
    bullets: str = "○",
) -> bytes:
    """Shapes are kind of head, level and reference; a numbering has a pattern, a shape and a start for each level."""
    records = [record(23, 1, _numbering(levels)) for levels in numberings]
    records += [record(24, 1, b"\0" * 12 + bullet.encode("utf-16-le") + b"\0" * 8) for bullet in bullets]
    records += [record(25, 1, _shape(*shape)) for shape in shapes]
    records += [record(26, 1, string(style) + string("") + b"\0" * 10) for style in styles]
    return b"".join(records)


def _numbering(levels: Sequence[tuple[str, int, int]]) -> bytes:
    def heads(part: Sequence[tuple[str, int, int]]) -> bytes:
        patterns = (struct.pack("<IHHI", shape << 5, 0, 50, FREE) + string(pattern) for pattern, shape, _ in part)
        return b"".join(patterns)

    def starts(part: Sequence[tuple[str, int, int]]) -> bytes:
        return struct.pack(f"<{len(part)}I", *(start for _, _, start in part))

    return heads(levels[:7]) + b"\0\0" + starts(levels[:7]) + heads(levels[7:]) + starts(levels[7:])


def _shape(kind: int | None, level: int, reference: int) -> bytes:
    content = bytearray(54)
    struct.pack_into("<I", content, 0, (kind or 0) << 23 | min(level, 6) << 25)
    struct.pack_into("<H", content, 30, reference)
    return bytes(content) + struct.pack("<I", level)


def _text(text: str) -> bytes:
    """Encodes a text; a tab is eight units wide, a line break one."""
    tab = struct.pack("<H6HH", 9, 0, 0, 0, 0x1F, 0x1F, 0x1F, 9)
    return tab.join(part.encode("utf-16-le", "surrogatepass") for part in text.split("\t"))


def _mark(control: Control) -> bytes:
    code = struct.pack("<H", control.code)
    return code + control.kind.encode()[::-1] + b"\0" * 8 + code


def _list(level: int, paragraphs: Sequence[Paragraph], attributes: bytes = b"\x01") -> bytes:
    return record(72, level, attributes.ljust(16, b"\0")) + b"".join(make(level) for make in paragraphs)


def _cell(level: int, cell: Cell) -> bytes:
    flags = 1 << 18 if cell.is_header else 0
    attributes = struct.pack("<HHIHHHH", len(cell.paragraphs), 0, flags, cell.column, cell.row, 1, 1)
    return _list(level, cell.paragraphs, attributes)


def _packed(content: bytes, flags: int) -> bytes:
    if not flags & COMPRESSED:
        return content
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packer.compress(content) + packer.flush()


def encrypted(content: bytes, seed: int = 0x12345679) -> bytes:
    """Encrypts a section as in a distribution document: the first record holds the masked key."""
    key = "0123456789ABCDEF".encode("utf-16-le")[:16]
    plain = bytearray(256)
    plain[4 + (seed & 0xF) : 20 + (seed & 0xF)] = key
    state, masked, position = seed, bytearray(), 0
    while position < len(plain):
        state = (state * 214013 + 2531011) % 2**32
        mask = state >> 16 & 0xFF
        state = (state * 214013 + 2531011) % 2**32
        for _ in range((state >> 16 & 0xF) + 1):
            if position < len(plain):
                masked.append(plain[position] ^ mask)
            position += 1
    masked[:4] = struct.pack("<I", seed)
    encryptor = Cipher(algorithms.AES128(key), modes.ECB()).encryptor()  # noqa: S305 - chosen by the format
    return record(28, 0, bytes(masked)) + encryptor.update(content + bytes(-len(content) % 16))


def property_set(values: Mapping[int, str | int]) -> bytes:
    """Returns a property set of texts, and times in ticks of 100 ns since 1601, under the format's own identifiers."""
    bodies = []
    for value in values.values():
        if isinstance(value, int):
            bodies.append(struct.pack("<IQ", 0x40, value))
        else:
            units = (value + "\0").encode("utf-16-le")
            bodies.append(struct.pack("<II", 0x1F, len(units) // 2) + units + bytes(-len(units) % 4))
    offset = 8 + 8 * len(values)
    table_of_contents = b""
    for identifier, body in zip(values, bodies, strict=True):
        table_of_contents += struct.pack("<II", identifier, offset)
        offset += len(body)
    section = struct.pack("<II", offset, len(values)) + table_of_contents + b"".join(bodies)
    return struct.pack("<HHI16sI16sI", 0xFFFE, 0, 0, b"", 1, b"\x01", 48) + section


class _Chains:
    """Sectors of one size and the table that chains them."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.content = b""
        self.table: list[int] = []

    def add(self, content: bytes) -> int:
        if not content:
            return END_OF_CHAIN
        start = len(self.table)
        count = -(-len(content) // self.size)
        self.content += content.ljust(count * self.size, b"\0")
        self.table += [*range(start + 1, start + count), END_OF_CHAIN]
        return start


def make_ole(streams: Mapping[str, bytes]) -> bytes:
    """Returns a compound file (MS-CFB, version 3) of streams, which may be in storages one level deep."""
    sectors, minis = _Chains(SECTOR), _Chains(MINI_SECTOR)
    tree: dict[str, list[tuple[str, int, int, int]]] = {"": []}
    for path, content in streams.items():
        storage, _, name = path.rpartition("/")
        chains = minis if len(content) < MINI_CUTOFF else sectors
        tree.setdefault(storage, []).append((name, 2, chains.add(content), len(content)))
    tree[""] += [(storage, 1, 0, 0) for storage in tree if storage]
    mini_stream = sectors.add(minis.content)
    mini_table = sectors.add(struct.pack(f"<{len(minis.table)}I", *minis.table))
    directory = sectors.add(_directory(tree, mini_stream, len(minis.content)))
    count = -(-len(sectors.table) // (SECTOR // 4 - 1))
    first = len(sectors.table)
    table_of_sectors = sectors.table + [FAT_SECTOR] * count
    table_of_sectors += [FREE] * (count * SECTOR // 4 - len(table_of_sectors))
    header = struct.pack(
        "<8s16sHHHHH6s9I",
        *(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", b"", 0x3E, 3, 0xFFFE, 9, 6, b""),  # version 3, little-endian
        *(0, count, directory, 0, MINI_CUTOFF, mini_table, -(-4 * len(minis.table) // SECTOR), END_OF_CHAIN, 0),
    )
    places = [*range(first, first + count), *[FREE] * (109 - count)]
    head = header + struct.pack("<109I", *places)
    return head + sectors.content + struct.pack(f"<{len(table_of_sectors)}I", *table_of_sectors)


def _directory(tree: Mapping[str, list[tuple[str, int, int, int]]], mini_stream: int, mini_size: int) -> bytes:
    """Returns the root, then the entries of each storage in a chain of right siblings, shorter names first."""
    ordered = {
        storage: sorted(entries, key=lambda entry: (len(entry[0]), entry[0].upper()))
        for storage, entries in tree.items()
    }
    starts: dict[str, int] = {}
    position = 1
    for storage, entries in ordered.items():
        starts[storage] = position
        position += len(entries)
    content = _entry("Root Entry", 5, FREE, starts[""], mini_stream, mini_size)
    for storage, entries in ordered.items():
        for index, (name, kind, start, size) in enumerate(entries, 1):
            right = starts[storage] + index if index < len(entries) else FREE
            content += _entry(name, kind, right, starts[name] if kind == 1 else FREE, start, size)
    return content


def _entry(name: str, kind: int, right: int, child: int, start: int, size: int) -> bytes:
    units = (name + "\0").encode("utf-16-le")
    return struct.pack("<64sHBBIII16sIQQIQ", units, len(units), kind, 1, FREE, right, child, b"", 0, 0, 0, start, size)
