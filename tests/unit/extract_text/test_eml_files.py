import time
from base64 import b64encode
from collections.abc import Callable
from email.message import EmailMessage
from pathlib import Path

import pytest

from onggi.domain.errors import BadDocument
from readers.eml import read_eml
from readers.mail_headers import decode_header
from readers.model import Block, Heading, ListItem, Page, Paragraph, Properties, RawDocument
from tests.files.eml import SUBJECT, make_message, make_raw, make_sample

Read = Callable[[bytes], RawDocument]

HEAD = (
    Heading(SUBJECT, 1),
    Paragraph(
        "From: 홍길동 <hong@example.com>\nTo: Kim Chulsoo <kim@example.com>, lee@example.com\n"
        "Date: Mon, 05 Jan 2026 09:00:00 +0900"
    ),
)
SECONDS = 30


def read_attachment(content: bytes, name: str) -> RawDocument:
    """Reads text; each line that begins with `page` begins one."""
    match content:
        case b"damaged":
            raise ValueError(name)
        case b"protected":
            raise BadDocument("encrypted")
        case _ if content.startswith(b"\x89PNG"):
            raise BadDocument("unsupported_type")
    return RawDocument(tuple(Page((Paragraph(page),)) for page in content.decode().split("\f")))


@pytest.fixture
def read(tmp_path: Path) -> Read:
    def read_content(content: bytes) -> RawDocument:
        file = tmp_path / "content"
        file.write_bytes(content)
        return read_eml(file, read_attachment)

    return read_content


def body(document: RawDocument) -> tuple[Block, ...]:
    """Returns the blocks of the first page after its head."""
    return document.pages[0].blocks[2:]


def test_the_sample(read: Read) -> None:
    document = read(make_sample())
    first, second = document.pages
    assert first.blocks == (
        *HEAD,
        Paragraph("보증금 조항을 봐 주세요."),
        Paragraph("Please review by Friday."),
        Paragraph("도장.png: cannot be read (unsupported_type)"),
    )
    assert second.blocks[0] == Heading("계약서 초안.html", 1)
    assert document.properties == Properties(SUBJECT, "홍길동", "2026-01-05T09:00:00+09:00")


@pytest.mark.parametrize(
    "charset", [b"euc-kr", b"ks_c_5601-1987", b"cp949", b"us-ascii", b"iso-8859-1", b"utf-8", b"x", b""]
)
@pytest.mark.parametrize("encoding", ["cp949", "utf-8"])
@pytest.mark.parametrize("transfer", [b"8bit", b"base64"])
def test_korean_is_decoded_in_any_declared_encoding(read: Read, charset: bytes, encoding: str, transfer: bytes) -> None:
    text = "보증금 조항을 검토해 주시기 바랍니다."
    content = text.encode(encoding)
    kind = b"text/plain; charset=" + charset if charset else b"text/plain"
    headers = {"From": b"a@b.c", "Content-Type": kind, "Content-Transfer-Encoding": transfer}
    document = read(make_raw(headers, b64encode(content) if transfer == b"base64" else content))
    assert body(document) == (Paragraph(text),)


def test_latin_1_is_not_decoded_as_korean(read: Read) -> None:
    headers = {"From": b"a@b.c", "Content-Type": b"text/plain; charset=iso-8859-1"}
    assert body(read(make_raw(headers, b"\xa1This is \xe9t\xe9."))) == (Paragraph("¡This is été."),)


@pytest.mark.parametrize("encoding", ["cp949", "utf-8"])
def test_korean_headers_without_any_encoding(read: Read, encoding: str) -> None:
    headers = {"Subject": "임대차 계약 검토".encode(encoding), "From": '"홍길동" <hong@b.c>'.encode(encoding)}
    document = read(make_raw(headers, b"text"))
    assert (document.properties.title, document.properties.author) == ("임대차 계약 검토", "홍길동")


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("plain", "plain"),
        ("=?utf-8?B?7JWI64WV?=", "안녕"),
        ("=?EUC-KR?Q?=BE=C8=B3=E7_a?= b", "안녕 a b"),
        ("=?ks_c_5601-1987?B?vsiz5w==?=\r\n =?ks_c_5601-1987?B?vsiz5w==?=", "안녕안녕"),
        ("=?utf-8?B?7JWI6w==?= =?utf-8?B?hZU=?=", "안녕"),
        ("a=?utf-8?q?b?=c", "abc"),
        ("=?utf-8?B?7JWI64WV?= =?euc-kr?B?vsiz5w==?=", "안녕안녕"),
        ("=?utf-8*ko?B?7JWI64WV?=", "안녕"),
        ("=?unknown?Q?=EC=95=88?=", "안"),
        ("=?utf-8?B?!?=", ""),
        ("=?utf-8?Q?=FF=FE=FF?= x", "��� x"),
        ("=?utf-8?X?a?=", "=?utf-8?X?a?="),
    ],
)
def test_encoded_words(written: str, meant: str) -> None:
    assert decode_header(written) == meant


def test_html_is_read_where_the_plain_text_is_a_stub(read: Read) -> None:
    for stub in ("", "\xa0", "Use HTML."):
        message = make_message(stub)
        message.add_alternative("<p>" + "긴 글 " * 40 + "</p><ul><li>항목</ul>", subtype="html")
        assert body(read(message.as_bytes())) == (Paragraph(("긴 글 " * 40).strip()), ListItem("항목"))


def test_html_alone(read: Read) -> None:
    message = make_message()
    message.set_content("<h2>제목</h2><script>x</script><p>글", subtype="html", charset="euc-kr")
    assert body(read(message.as_bytes())) == (Heading("제목", 2), Paragraph("글"))


def test_pictures_within_html_are_no_attachments_but_files_beside_it_are(read: Read) -> None:
    message = make_message("짧은 글이 아닙니다.")
    message.add_alternative("<p>짧은 글이 아닙니다.<img src='cid:a'>", subtype="html")
    html = message.get_payload(1)
    assert isinstance(html, EmailMessage)
    html.add_related(b"\x89PNG", maintype="image", subtype="png", cid="<a>", filename="logo.png")
    html.add_attachment(b"attached", maintype="application", subtype="x", filename="a.x")
    document = read(message.as_bytes())
    assert body(document) == (Paragraph("짧은 글이 아닙니다."),)
    assert document.pages[1:] == (Page((Heading("a.x", 1), Paragraph("attached"))),)


def test_errors_of_attachments_do_not_affect_the_mail(read: Read) -> None:
    message = make_message("글")
    for content in ("damaged", "protected", "", "one\ftwo"):
        message.add_attachment(content.encode(), maintype="application", subtype="x", filename=f"{content[:3]}.x")
    document = read(message.as_bytes())
    assert body(document) == (
        Paragraph("글"),
        Paragraph("dam.x: cannot be read (corrupt)\npro.x: cannot be read (encrypted)\n.x: cannot be read (empty)"),
    )
    assert document.pages[1:] == (Page((Heading("one.x", 1), Paragraph("one"))), Page((Paragraph("two"),)))


def test_too_many_and_too_large_attachments_are_named(read: Read, monkeypatch: pytest.MonkeyPatch) -> None:
    message = make_message("글")
    for number in range(51):
        message.add_attachment(b"0123456789", maintype="application", subtype="x", filename=f"{number}.x")
    document = read(message.as_bytes())
    assert len(document.pages) == 1 + 50
    assert body(document)[-1] == Paragraph("50.x: cannot be read (too_large)")
    monkeypatch.setattr("readers.eml.MAX_ATTACHED_BYTES", 25)
    assert len(read(message.as_bytes()).pages) == 3


@pytest.mark.parametrize(
    "disposition",
    [
        "attachment; filename*=UTF-8''%EA%B3%84%EC%95%BD.txt",
        "attachment; filename*=EUC-KR''%B0%E8%BE%E0.txt",
        "attachment; filename*0*=UTF-8''%EA%B3%84; filename*1*=%EC%95%BD.txt",
        'attachment; filename="=?utf-8?B?6rOE7JW9LnR4dA==?="',
        'attachment; filename="=?EUC-KR?B?sOi+4C50eHQ=?="',
        'inline; filename="계약.txt"',
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "cp949"])
def test_korean_names_of_attachments(read: Read, disposition: str, encoding: str) -> None:
    part = (
        b"--b\r\nContent-Type: text/plain\r\nContent-Disposition: " + disposition.encode(encoding) + b"\r\n\r\nabc\r\n"
    )
    document = read(make_raw({"From": b"a@b.c", "Content-Type": b"multipart/mixed; boundary=b"}, part + b"--b--"))
    assert document.pages[1].blocks == (Heading("계약.txt", 1), Paragraph("abc"))


def test_attachments_without_a_name_are_named_by_their_type(read: Read) -> None:
    message = make_message("글")
    message.add_attachment(b"\x89PNG", maintype="image", subtype="png")
    assert body(read(message.as_bytes()))[-1] == Paragraph("(image/png): cannot be read (unsupported_type)")


def test_mails_within_mails(read: Read) -> None:
    message = make_message("가장 안")
    message.add_attachment(b"x", maintype="application", subtype="x", filename="a.x")
    for number in range(7):
        outer = make_message(f"겹 {number}", f"subject {number}")
        outer.add_attachment(message)
        message = outer
    pages = read(message.as_bytes()).pages
    assert [page.blocks[0] for page in pages] == [Heading(f"subject {number}", 1) for number in range(6, 0, -1)]
    assert pages[-1].blocks[-1] == Paragraph("subject 0: cannot be read (too_large)")
    assert read(make_nested()).pages[2].blocks == (Heading("a.x", 1), Paragraph("x"))


def make_nested() -> bytes:
    inner = make_message("안", "inner")
    inner.add_attachment(b"x", maintype="application", subtype="x", filename="a.x")
    outer = make_message("밖")
    outer.add_attachment(inner)
    return outer.as_bytes()


def test_signed_mail_is_read_and_encrypted_mail_is_refused(read: Read) -> None:
    signature = b"Content-Type: application/pgp-signature\r\n\r\nabc"
    text = b"--b\r\nContent-Type: text/plain\r\n\r\ntext\r\n--b\r\n" + signature + b"\r\n--b--"
    signed = make_raw({"From": b"a@b.c", "Content-Type": b"multipart/signed; boundary=b"}, text)
    assert body(read(signed)) == (Paragraph("text"),)
    for kind in (b"multipart/encrypted; boundary=b", b"application/pkcs7-mime; smime-type=enveloped-data"):
        with pytest.raises(BadDocument) as caught:
            read(make_raw({"From": b"a@b.c", "Content-Type": kind}, text))
        assert caught.value.code == "encrypted"


def test_flowed_lines_are_joined(read: Read) -> None:
    headers = {"From": b"a@b.c", "Content-Type": b"text/plain; format=flowed"}
    document = read(make_raw(headers, b"one \r\ntwo\r\nthree\r\n\r\n-- \r\nname"))
    assert body(document) == (Paragraph("one two\nthree"), Paragraph("-- \nname"))


def test_a_web_page_saved_as_mail(read: Read) -> None:
    page = b"--b\r\nContent-Type: text/html\r\n\r\n<h1>Title</h1>\r\n--b\r\nContent-Type: text/css\r\n\r\na {}\r\n--b--"
    kind = b'multipart/related; type="text/html"; boundary=b'
    document = read(make_raw({"From": b"<Saved by a browser>", "Subject": b"Page", "Content-Type": kind}, page))
    assert document.pages == (Page((Heading("Title", 1),)),)
    assert document.properties.title == "Page"


@pytest.mark.parametrize("date", [b"yesterday", b"", b"Mon, 99 Foo 9999999 99:99:99 +9999", b"x" * 5000])
def test_mail_without_a_subject_or_a_date(read: Read, date: bytes) -> None:
    document = read(make_raw({"From": b"a@b.c", "Date": date}, b"text"))
    assert document.pages[0].blocks[0] == Heading("(no subject)", 1)
    assert document.properties == Properties(None, "a@b.c")


def deep_parts(depth: int) -> bytes:
    return b"".join(b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (n, n) for n in range(depth))


@pytest.mark.parametrize(
    "content", [deep_parts(5000), deep_parts(900) + b"\nx\n" * 500_000, b"Content-Type: message/rfc822\n\n" * 100_000]
)
def test_unlimited_parts_are_too_large(read: Read, content: bytes) -> None:
    with pytest.raises(BadDocument) as caught:
        read(content)
    assert caught.value.code == "too_large"


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"X-A: a\r\n" * 1_000_000 + b"\r\ntext", id="headers"),
        pytest.param(b"Subject: a\r\n" + b" x\r\n" * 1_000_000 + b"\r\ntext", id="folds"),
        pytest.param(b"Subject: " + b"=?utf-8?Q?a" * 500_000, id="open words"),
        pytest.param(b'Content-Type: text/plain; a="' + b';x="' * 500_000 + b"\r\n\r\ntext", id="parameters"),
        pytest.param(b"From: " + b"(" * 1_000_000 + b"\r\n\r\ntext", id="comments"),
        pytest.param(b"Subject: a\r\n\r\n" + b"x" * 10_000_000, id="no line break"),
        pytest.param(b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + b"--b\r\n\r\nx\r\n" * 100_000, id="parts"),
    ],
)
def test_hostile_mails_are_read_in_time(read: Read, content: bytes) -> None:
    start = time.monotonic()
    assert read(content).pages
    assert time.monotonic() - start < SECONDS
