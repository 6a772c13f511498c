"""Pages of HTML."""

from collections.abc import Mapping
from typing import Final

BODY: Final = """
<nav><a href="/">처음으로</a></nav>
<h1>임대차 계약 안내</h1>
<p>보증금은 <b>계약이 끝나면</b> 돌려준다.<br>The deposit is returned.</p>
<h2>Documents 필요한 서류</h2>
<ul><li>신분증<ul><li>passport</li></ul></li><li>계약서</li></ul>
<ol start="3"><li>셋째</li><li>넷째</li></ol>
<table><caption>지급 계획</caption>
<thead><tr><th>구분</th><th>Amount</th></tr></thead>
<tbody><tr><td>보증금</td><td>10,000,000</td></tr><tr><td>월세</td><td>500,000</td></tr></tbody></table>
<script>const secret = "코드";</script>
<footer>담당: 총무팀</footer>
"""


def make_sample() -> bytes:
    """Returns a page with headings, lists, a table, properties, a menu and a script."""
    return make_html(
        BODY,
        title="임대차 안내 Lease guide",
        meta={"author": "홍길동", "article:published_time": "2026-01-05T09:00:00+09:00"},
    )


def make_html(
    body: str, title: str = "", meta: Mapping[str, str] | None = None, charset: str = "utf-8", lang: str = "ko"
) -> bytes:
    """Returns a whole page, encoded as it declares."""
    stated = "".join(f'<meta name="{name}" content="{content}">' for name, content in (meta or {}).items())
    page = f'<!DOCTYPE html>\n<html lang="{lang}"><head><meta charset="{charset}"><title>{title}</title>{stated}</head>'
    return f"{page}<body>{body}</body></html>".encode(charset)
