"""Mail (RFC 5322 and MIME), with what is attached to it."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from email.message import Message
from email.parser import BytesParser
from email.policy import Compat32
from pathlib import Path
from typing import Any, Final

from onggi.domain.errors import BadDocument
from readers.dates import iso_date
from readers.encoding import codec_of, decode_declared
from readers.html import declared_encoding
from readers.html_blocks import blocks_of
from readers.html_tree import parse_html
from readers.mail_headers import decode_header, unfold
from readers.model import Block, Heading, Page, Paragraph, Properties, RawDocument, Table
from readers.text import paragraphs

MAX_BYTES: Final = 64 * 1024 * 1024
MAX_PARSER_STEPS: Final = 100_000_000
"""Lines times boundaries: the parser compares each line with every open boundary; about eight seconds."""

MAX_HEADER: Final = 10_000
MAX_ATTACHMENTS: Final = 50
MAX_ATTACHED_BYTES: Final = 64 * 1024 * 1024
MAX_NESTED_MAILS: Final = 5
"""Maximum depth of mails that are attached to one another."""

STUB_SHARE: Final = 0.2
"""Length of the plain text relative to the HTML below which it only says that the mail is written in HTML."""

SHOWN_HEADERS: Final = ("From", "To", "Cc", "Date")
NO_SUBJECT: Final = "(no subject)"

_SIGNATURES: Final = frozenset(
    {"application/pgp-signature", "application/pkcs7-signature", "application/x-pkcs7-signature"}
)
_ENCRYPTED: Final = frozenset({"multipart/encrypted", "application/pkcs7-mime", "application/x-pkcs7-mime"})
_FLOWED_BREAK: Final = re.compile(r"(?<![\n-]) \n(?!>)")

type MailPart = Message[Any, Any]  # evaluated only by type checkers: at run time the class takes no parameters
ReadAttachment = Callable[[bytes, str], RawDocument]


class _DecodedHeaders(Compat32):
    """Decodes headers to text and cuts long ones, since the time for parameters grows with the square of the length."""

    def header_fetch_parse(self, name: str, value: str) -> str:  # noqa: ARG002 - the library's signature
        return unfold(value[:MAX_HEADER])


@dataclass(slots=True)
class _Mail:
    """The parts of a mail that have been read.

    Attributes:
        body: blocks of its first page.
        attached: pages after it.
        notes: a line for each attachment that could not be read.
    """

    body: list[Block] = field(default_factory=list)
    attached: list[Page] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


@dataclass(slots=True)
class _Attachments:
    """Reads attachments within the limits of one file.

    Attributes:
        number: number of attachments so far.
        size: bytes of attachments so far.
    """

    read: ReadAttachment
    number: int = 0
    size: int = 0

    def pages(self, content: bytes, name: str) -> tuple[Page, ...]:
        """Returns the pages of an attachment; raises `BadDocument` for any error of its reader."""
        self.number += 1
        self.size += len(content)
        if self.number > MAX_ATTACHMENTS or self.size > MAX_ATTACHED_BYTES:
            raise BadDocument("too_large")
        if not content.strip():
            raise BadDocument("empty")
        try:
            return self.read(content, name).pages
        except BadDocument:
            raise
        except Exception as error:  # a damaged attachment may raise anything and must not affect the mail
            raise BadDocument("corrupt") from error


def read_eml(file: Path, read_attachment: ReadAttachment) -> RawDocument:
    """Reads a mail: its text is the first page, the pages of its attachments follow under their names.

    If a text is sent both as plain text and as HTML, the plain text is read unless it is a stub. Mails within
    mails are read too. Attachments that cannot be read are named at the end of the first page.

    Args:
        file: the mail.
        read_attachment: reads an attachment from its content and name; raises `BadDocument` when it cannot.

    Raises:
        BadDocument: `encrypted` for an encrypted mail, `too_large` past a limit.
    """
    try:
        message = _parse(file)
        mail = _read(message, _Attachments(read_attachment), depth=0)
    except RecursionError as error:  # parts in parts in parts
        raise BadDocument("too_large") from error
    subject = _header(message, "Subject")
    properties = Properties(title=subject, author=_sender(message), created=iso_date(_header(message, "Date")))
    return RawDocument((Page(tuple(mail.body)), *mail.attached), properties)


def _parse(file: Path) -> MailPart:
    if file.stat().st_size > MAX_BYTES:
        raise BadDocument("too_large")
    content = file.read_bytes()
    if content.count(b"\n") * content.lower().count(b"boundary") > MAX_PARSER_STEPS:
        raise BadDocument("too_large")
    return BytesParser(policy=_DecodedHeaders()).parsebytes(content)


def _read(message: MailPart, attachments: _Attachments, depth: int) -> _Mail:
    if message.get_content_type() in _ENCRYPTED and message.get_param("smime-type") != "signed-data":
        raise BadDocument("encrypted")
    mail = _Mail([*_header_blocks(message)])
    for part in _parts(message):
        if part.get_content_type() == "message/rfc822":
            _add_mail(part, mail, attachments, depth + 1)
        elif _is_text_of_mail(part):
            mail.body.extend(_text_blocks(part))
        else:
            _add_attachment(part, mail, attachments)
    if mail.notes:
        mail.body.append(Paragraph("\n".join(mail.notes)))
    return mail


def _header_blocks(message: MailPart) -> Iterator[Block]:
    """Yields the subject, sender and recipients of a mail; nothing for a web page saved as mail."""
    if "Snapshot-Content-Location" in message or message.get_content_type() == "multipart/related":
        return
    yield Heading(_header(message, "Subject") or NO_SUBJECT, 1)
    lines = [f"{name}: {value}" for name in SHOWN_HEADERS if (value := _header(message, name))]
    if lines:
        yield Paragraph("\n".join(lines))


def _header(message: MailPart, name: str) -> str | None:
    return decode_header(message.get(name, "")) or None


def _sender(message: MailPart) -> str | None:
    """Returns the name of the sender, the address if there is no name."""
    stated = _header(message, "From") or ""
    name, _, address = stated.partition("<")
    return name.strip(" \"'") or address.rstrip("> ") or None


def _parts(message: MailPart) -> Iterator[MailPart]:
    """Yields the parts that are not containers, in order; of alternatives, the best ones."""
    waiting = [message]
    while waiting:
        part = waiting.pop()
        kind = part.get_content_type()
        children = [child for child in part.get_payload() if isinstance(child, Message)] if part.is_multipart() else []
        if kind == "message/rfc822" or not children:
            yield part
        elif kind == "multipart/alternative":
            waiting.extend(reversed(_best_alternative(children)))
        elif kind == "multipart/related":
            waiting.extend(reversed([children[0], *(part for part in children[1:] if not _is_embedded(part))]))
        else:
            waiting.extend(reversed(children))


def _best_alternative(alternatives: list[MailPart]) -> list[MailPart]:
    """Returns the plain text of several alternatives, or the HTML if that is a stub, and the files beside them."""
    plain = next((part for part in alternatives if part.get_content_type() == "text/plain"), None)
    others = [leaf for part in alternatives if part is not plain for leaf in _parts(part)]
    html = next((leaf for leaf in reversed(others) if leaf.get_content_type() == "text/html"), None)
    files = [leaf for leaf in others if leaf.get_content_maintype() != "text" or leaf.get_filename()]
    best = html if html is not None and (plain is None or _is_stub(plain, html)) else plain
    return files if best is None else [best, *(leaf for leaf in files if leaf is not best)]


def _is_stub(plain: MailPart, html: MailPart) -> bool:
    shown = sum(len(line) for block in _text_blocks(html) for line in _lines(block))
    return len(_text_of(plain).strip()) <= STUB_SHARE * shown


def _lines(block: Block) -> tuple[str, ...]:
    return block.lines if isinstance(block, Table) else (block.text,)


def _is_embedded(part: MailPart) -> bool:
    """Returns whether a part beside an HTML text is shown within it, such as pictures and styles."""
    return part.get_content_disposition() != "attachment" or part.get_content_maintype() == "image"


def _is_text_of_mail(part: MailPart) -> bool:
    is_text = part.get_content_type() in {"text/plain", "text/html"}
    return is_text and part.get_content_disposition() != "attachment" and not part.get_filename()


def _text_blocks(part: MailPart) -> tuple[Block, ...]:
    text = _text_of(part)
    if part.get_content_type() == "text/html":
        return blocks_of(parse_html(text))
    if str(part.get_param("format", "")).lower() == "flowed":
        text = _FLOWED_BREAK.sub(" ", text.replace("\r\n", "\n"))
    return paragraphs(text)


def _text_of(part: MailPart) -> str:
    content = _content(part)
    charset = part.get_content_charset()
    if charset is None and part.get_content_type() == "text/html":
        charset = declared_encoding(content)
    try:
        return decode_declared(content, charset) if content.strip() else ""
    except BadDocument:
        return content.decode(codec_of(charset) or "utf-8", "replace")  # losing a letter is better than losing the mail


def _content(part: MailPart) -> bytes:
    content = part.get_payload(decode=True)
    return content if isinstance(content, bytes) else b""


def _add_mail(part: MailPart, mail: _Mail, attachments: _Attachments, depth: int) -> None:
    inner = part.get_payload(0)
    if not isinstance(inner, Message):
        return
    try:
        if depth > MAX_NESTED_MAILS:
            raise BadDocument("too_large")
        nested = _read(inner, attachments, depth)
    except BadDocument as bad:
        mail.notes.append(_note(_header(inner, "Subject") or NO_SUBJECT, bad))
    else:
        mail.attached += (Page(tuple(nested.body)), *nested.attached)


def _add_attachment(part: MailPart, mail: _Mail, attachments: _Attachments) -> None:
    kind = part.get_content_type()
    if kind in _SIGNATURES:
        return
    name = decode_header(part.get_filename("")) or f"({kind})"
    try:
        pages = attachments.pages(_content(part), name)
    except BadDocument as bad:
        mail.notes.append(_note(name, bad))
    else:
        first = pages[0] if pages else Page(())
        mail.attached += (replace(first, blocks=(Heading(name, 1), *first.blocks)), *pages[1:])


def _note(name: str, bad: BadDocument) -> str:
    return f"{name}: cannot be read ({bad.code})"
