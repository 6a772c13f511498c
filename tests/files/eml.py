"""Mails from their parts."""

from collections.abc import Mapping
from email.message import EmailMessage
from email.policy import SMTP
from typing import Final

from tests.files.html import make_html

SUBJECT: Final = "임대차 계약 검토 요청 Lease review"


def make_sample() -> bytes:
    """Returns a mail in plain text and HTML, with a page of HTML and a picture attached to it."""
    message = make_message("보증금 조항을 봐 주세요.\n\nPlease review by Friday.\n")
    message.add_alternative("<p>보증금 조항을 봐 주세요.</p><p>Please review by Friday.</p>", subtype="html")
    page = make_html("<h1>첨부 문서</h1><ul><li>집 house</li></ul><table><tr><th>a<th>b<tr><td>1<td>2</table>")
    message.add_attachment(page, maintype="text", subtype="html", filename="계약서 초안.html")
    message.add_attachment(b"\x89PNG\r\n\x1a\n\0\0", maintype="image", subtype="png", filename="도장.png")
    return message.as_bytes()


def make_message(text: str | None = None, subject: str = SUBJECT) -> EmailMessage:
    """Returns a mail with the usual headers, and with a text if one is given."""
    message = EmailMessage(policy=SMTP)
    message["Subject"] = subject
    message["From"] = "홍길동 <hong@example.com>"
    message["To"] = "Kim Chulsoo <kim@example.com>, lee@example.com"
    message["Date"] = "Mon, 05 Jan 2026 09:00:00 +0900"
    message["Message-ID"] = "<1@example.com>"
    if text is not None:
        message.set_content(text)
    return message


def make_raw(headers: Mapping[str, bytes], body: bytes) -> bytes:
    """Returns a mail whose bytes are as given, whatever the standards say."""
    lines = [name.encode() + b": " + value for name, value in headers.items()]
    return b"\r\n".join([*lines, b"Message-ID: <1@example.com>", b"", body])
