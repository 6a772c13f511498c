"""Rows of the ledger: a document as DynamoDB stores it."""

import json
from dataclasses import asdict
from typing import Final

from onggi.adapters.dynamodb import Item, Row, encode_cursor, to_item, to_row
from onggi.domain.document import Document, DocumentProperties
from onggi.domain.records import from_record

DOCUMENT: Final = "DOCUMENT#"
"""Begins the sort key of a document's row."""
AS_JSON: Final = ("metadata", "current_metadata", "copies")
"""Kept as JSON text, which takes names and numbers of any form."""
_UNKNOWN: Final = {"version": "", "size": 0, "content_type": "", "uploaded_at": ""}
"""What the row of a deletion lacks whose upload was never registered."""


def cursor_after(document: Document) -> str:
    """Returns the cursor of the page after a document, newest first."""
    place = {"sk": DOCUMENT + document.document_id, "uploaded_at": document.uploaded_at}
    return encode_cursor(to_item(place), "sk", "uploaded_at")


def row_of_document(document: Document) -> Row:
    """Returns a document as the row that the ledger stores."""
    row = asdict(document)
    row |= {name: json.dumps(row[name], ensure_ascii=False) for name in AS_JSON}
    row["receipt"] = json.dumps(document.receipt) if document.receipt else None
    row["properties"] = json.dumps(row["properties"], ensure_ascii=False)
    return row


def document_of_item(item: Item) -> Document:
    """Returns the document of a stored row; fields that a later version has added are left out."""
    row = to_row(item)
    known = {name: row[name] for name in Document.__slots__ if name in row}
    known |= {name: json.loads(row.get(name, "{}")) for name in AS_JSON}
    known["receipt"] = json.loads(row["receipt"]) if row.get("receipt") else None
    known["properties"] = from_record(DocumentProperties, json.loads(row.get("properties", "{}")))
    known["versions"] = frozenset(row.get("versions", ()))
    return Document(**{**_UNKNOWN, **known})
