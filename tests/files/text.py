"""Files of plain text, Markdown, comma-separated values and JSON."""

import csv
import io
import json
from collections.abc import Iterable, Sequence


def make_plain() -> bytes:
    """Returns two pages of plain text in CP949, as Korean offices keep it."""
    return "회의록 Minutes\r\n\r\n참석자는 다음과 같다.\r\n홍길동, 김철수\f둘째 쪽\r\n\r\nNext meeting in May.".encode(
        "cp949"
    )


def make_markdown() -> bytes:
    """Returns front matter, headings of both kinds, a list, a table and code."""
    return """---
title: 임대차 안내 Lease guide
author: 홍길동
date: 2026-01-05
---

# 임대차 안내

보증금은 계약이 끝나면 돌려준다.
The deposit is returned.

부칙 Addenda
------------

- 첫째 first
- 둘째 second

| 구분 | Amount |
|------|-------:|
| 보증금 | 10,000,000 |
| 월세 | 500,000 |

```sh
# no heading
```
""".encode()


def make_csv() -> bytes:
    """Returns a table with a quoted line break and the byte order mark that spreadsheet programs need."""
    return make_table(
        [["이름", "Team", "연차"], ["홍길동", "법무 Legal", "15"], ["Kim, Chulsoo", "개발\nDev", "12"]], "utf-8-sig"
    )


def make_table(rows: Iterable[Sequence[str]], encoding: str = "utf-8", delimiter: str = ",") -> bytes:
    """Returns rows as a spreadsheet program saves them."""
    target = io.StringIO()
    csv.writer(target, delimiter=delimiter).writerows(rows)
    return target.getvalue().encode(encoding)


def make_json() -> bytes:
    """Returns nested objects, an array of similar objects and one of texts."""
    value = {
        "계약": {"임대인": "홍길동", "tenant": {"name": "Kim", "phones": ["02-123-4567", "010-1234-5678"]}},
        "지급": [{"월": 1, "amount": 500000, "paid": True}, {"월": 2, "amount": 500000, "paid": False}],
        "clauses": ["제1조 목적\n이 계약은 임대차를 정한다.", "Article 2"],
        "memo": None,
    }
    return json.dumps(value, ensure_ascii=False, indent=2).encode()


def make_jsonl() -> bytes:
    """Records that differ, one a line."""
    records = [
        {"question": "연차는 며칠인가?", "answer": {"text": "15일", "sources": [1, 2]}},
        {"question": "Who signs?", "answer": {"text": "The head of the team."}, "tags": ["hr"]},
    ]
    return "\n".join(json.dumps(record, ensure_ascii=False) for record in records).encode()
