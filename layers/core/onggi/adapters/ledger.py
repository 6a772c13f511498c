"""The ledger of one tenant's documents: rows of the tenant table, changed by conditional writes only."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from itertools import batched
from typing import Any, Final

from botocore.exceptions import ClientError

from onggi.adapters.aws import AwsSession, translated
from onggi.adapters.dynamodb import Item, Row, condition_failed, decode_cursor, encode_cursor, to_item, to_row
from onggi.adapters.ledger_rows import DOCUMENT, cursor_after, document_of_item, row_of_document
from onggi.domain.document import Document, DocumentStatus, DocumentVersion, Metadata
from onggi.domain.errors import BadDocumentCode, TransientError
from onggi.domain.failed_document import failed_row, without_live_version
from onggi.domain.tenant import TenantContext
from onggi.domain.timestamps import timestamp
from onggi.ports.ledger import ClaimOutcome, PublishedFacts, Stored

STORED: Final = "STORED"
NEWEST_FIRST: Final = "by_upload"
"""The index of a tenant's documents by time of upload."""
GET_BATCH: Final = 100
"""BatchGetItem takes at most so many keys (DynamoDB API reference)."""
PAGE_READ: Final = 200
"""Rows read at a time: of a rare status, many are read for one that is shown."""
READS_A_PAGE: Final = 5
"""Of a status that is rarer than that, a page shows what 1,000 rows hold, and its cursor goes on behind them."""
PUBLISH_TRIES: Final = 3
REGISTER: Final = (
    "attribute_not_exists(pk) OR sequencer < :sequencer"
    " OR (sequencer = :sequencer AND #status = :status AND execution IN (:execution, :nobody))"
)
"""A newer event wins; the execution that has registered an event may do so again, so that its retry is safe, and any
may once that one has released it."""
NOBODY: Final = ""
"""In the place of the execution that has claimed a version, once it was released."""
UNCHANGED: Final = "sequencer = :known_sequencer AND #status = :known_status AND #descriptions = :known_descriptions"
"""Whatever changes what a row says of a version changes one of these."""
UNCHANGED_AND_NEVER_DESCRIBED: Final = (
    "sequencer = :known_sequencer AND #status = :known_status"
    " AND (attribute_not_exists(#descriptions) OR #descriptions = :known_descriptions)"
)


class DynamoDocumentLedger:
    """Implements the ledger on the tenant table; the partition key is always the tenant's id."""

    def __init__(self, session: AwsSession, table: str, tenant: TenantContext) -> None:
        self._session = session
        self._table = table
        self._tenant_id = tenant.tenant_id

    @property
    def _client(self) -> Any:  # noqa: ANN401 - botocore makes client classes at run time
        return self._session.client("dynamodb")

    def _key(self, sort_key: str) -> Item:
        return {"pk": {"S": self._tenant_id}, "sk": {"S": sort_key}}

    def claim(self, version: DocumentVersion, execution: str) -> ClaimOutcome:
        values = {
            "key": version.key,
            "name": version.name,
            "version": version.version,
            "size": version.size,
            "content_type": version.content_type,
            "metadata": json.dumps(version.metadata, ensure_ascii=False),
            "uploaded_at": version.uploaded_at,
        }
        return self._register(version.document_id, version.sequencer, execution, "processing", values, version.version)

    def confirm(self, version: DocumentVersion) -> bool:
        return self._update(
            version.document_id,
            "SET sequencer = :sequencer",
            "version = :version AND #status = :ready AND sequencer <= :sequencer",
            {":sequencer": version.sequencer, ":version": version.version, ":ready": "ready"},
            ["status"],
        )

    def claim_deletion(self, document_id: str, key: str, name: str, sequencer: str, execution: str) -> ClaimOutcome:
        if self._note_on_deleted(document_id, sequencer):
            return "duplicate"
        return self._register(document_id, sequencer, execution, "deleting", {"key": key, "name": name}, None)

    def _note_on_deleted(self, document_id: str, sequencer: str) -> bool:
        return self._update(
            document_id,
            "SET sequencer = :sequencer",
            "#status = :deleted AND sequencer < :sequencer",
            {":sequencer": sequencer, ":deleted": "deleted"},
            ["status"],
        )

    def _register(
        self,
        document_id: str,
        sequencer: str,
        execution: str,
        status: DocumentStatus,
        values: Row,
        new_version: str | None,
    ) -> ClaimOutcome:
        assigned = values | {"status": status, "sequencer": sequencer, "execution": execution}
        update = "SET document_id = :document_id, " + ", ".join(f"#{name} = :{name}" for name in assigned)
        update += " REMOVE error_code, error_message, receipt, expires_at"
        bound = {f":{name}": value for name, value in assigned.items()} | {":document_id": document_id}
        bound[":nobody"] = NOBODY
        if new_version:
            update += " ADD versions :versions"
            bound[":versions"] = frozenset({new_version})
        else:
            update += ", current_version"
        if self._update(document_id, update, REGISTER, bound, list(assigned)):
            return "claimed"
        known = self.get(document_id)
        return "duplicate" if known and known.sequencer == sequencer else "stale"

    def release(self, document_id: str, sequencer: str, execution: str) -> None:
        self._update(
            document_id,
            "SET execution = :nobody",
            "sequencer = :sequencer AND execution = :execution AND #status = :processing",
            {":sequencer": sequencer, ":execution": execution, ":nobody": NOBODY, ":processing": "processing"},
            ["status"],
        )

    def expect(self, document: Document, forget_at: datetime) -> None:
        self._create(document, expires_at=int(forget_at.timestamp()))

    def get(self, document_id: str) -> Document | None:
        with translated("DynamoDB"):
            response = self._client.get_item(
                TableName=self._table, Key=self._key(DOCUMENT + document_id), ConsistentRead=True
            )
        return document_of_item(response["Item"]) if "Item" in response else None

    def get_many(self, document_ids: Iterable[str]) -> dict[str, Document]:
        found: dict[str, Document] = {}
        for batch in batched(sorted(set(document_ids)), GET_BATCH, strict=False):
            keys = [self._key(DOCUMENT + document_id) for document_id in batch]
            with translated("DynamoDB"):
                response = self._client.batch_get_item(
                    RequestItems={self._table: {"Keys": keys, "ConsistentRead": True}}
                )
            if response.get("UnprocessedKeys"):
                raise TransientError("DynamoDB is throttling; try again.")
            for item in response["Responses"].get(self._table, []):
                document = document_of_item(item)
                found[document.document_id] = document
        return found

    def page(self, status: DocumentStatus | None, limit: int, cursor: str | None) -> tuple[list[Document], str | None]:
        """The newest documents first, and a cursor where there may be more. Deleted ones only when asked for.

        A page reads a bounded number of rows: it may have fewer documents than asked for, or none, and a cursor.

        Raises:
            InvalidRequest: when the cursor is not one of this ledger.
        """
        query: dict[str, Any] = {
            "TableName": self._table,
            "IndexName": NEWEST_FIRST,
            "KeyConditionExpression": "pk = :pk",
            "FilterExpression": "#status = :status" if status else "#status <> :status",
            "ExpressionAttributeNames": {"#status": "status"},
            "ExpressionAttributeValues": to_item({":pk": self._tenant_id, ":status": status or "deleted"}),
            "ScanIndexForward": False,
        }
        start = decode_cursor(cursor, "sk", "uploaded_at") if cursor else None
        documents: list[Document] = []
        for _ in range(READS_A_PAGE):
            place = {"ExclusiveStartKey": start | {"pk": {"S": self._tenant_id}}} if start else {}
            with translated("DynamoDB"):
                response = self._client.query(**query, **place, Limit=PAGE_READ)
            documents += [document_of_item(item) for item in response["Items"]]
            start = response.get("LastEvaluatedKey")
            if len(documents) > limit:
                return documents[:limit], cursor_after(documents[limit - 1])
            if not start:
                return documents, None
        return documents, encode_cursor(start or {}, "sk", "uploaded_at")

    def publish(self, version: DocumentVersion, facts: PublishedFacts, now: datetime) -> Document | None:
        for _ in range(PUBLISH_TRIES):
            known = self.get(version.document_id)
            if known is None or known.version != version.version:
                return None
            if known.status == "ready":
                return known
            if known.status != "processing" or known.sequencer != version.sequencer:
                return None
            published = replace(
                known,
                status="ready",
                current_version=version.version,
                current_size=version.size,
                current_metadata=version.metadata,
                pages=facts.pages,
                chunks=facts.chunks,
                tokens=facts.tokens,
                language=facts.language,
                needs_ocr=facts.needs_ocr,
                properties=facts.properties,
                indexed_at=timestamp(now),
            )
            if self._replace(known, published):
                return published
        raise TransientError("The document's row changes too often; try again.")

    def describe(self, known: Document, metadata: Metadata, fault: str | None) -> bool:
        return self._write("update_item", **self._replacement(known, known.described(metadata, fault)))

    def fail(self, failed: DocumentVersion, execution: str, code: BadDocumentCode, message: str) -> bool:
        for _ in range(PUBLISH_TRIES):
            known = self.get(failed.document_id)
            row = failed_row(known, failed, execution, code, message)
            if row is None:
                return False
            if self._create(row) if known is None else row == known or self._replace(known, row):
                return True
        raise TransientError("The document's row changes too often; try again.")

    def mark_deleting(self, document_id: str, version: str) -> Document | None:
        self._update(
            document_id,
            "SET #status = :deleting REMOVE current_version",
            "version = :version AND #status <> :deleted",
            {":deleting": "deleting", ":deleted": "deleted", ":version": version},
            ["status"],
        )
        known = self.get(document_id)
        return known if known and known.status in {"deleting", "deleted"} else None

    def mark_deleted(self, document_id: str, sequencer: str, receipt: Mapping[str, Any], now: datetime) -> bool:
        for _ in range(PUBLISH_TRIES):
            known = self.get(document_id)
            if known is None or known.sequencer != sequencer:
                return False
            if known.status == "deleted":
                return True
            uploaded_at = known.uploaded_at or timestamp(now)
            deleted = replace(known, status="deleted", receipt=dict(receipt), uploaded_at=uploaded_at)
            if self._replace(known, without_live_version(deleted)):
                return True
        raise TransientError("The document's row changes too often; try again.")

    def forget_version(self, document_id: str, version: str) -> None:
        self._update(
            document_id,
            "DELETE #versions :versions",
            "attribute_exists(pk)",
            {":versions": frozenset({version})},
            ["versions"],
        )

    def note_copies(self, known: Document, copies: Mapping[str, str]) -> bool:
        needed = {known.version, known.current_version}
        kept = {copy: version for copy, version in known.copies.items() if version in needed}
        return self._update(
            known.document_id,
            "SET #copies = :copies",
            "sequencer = :sequencer",
            {":copies": json.dumps(kept | dict(copies)), ":sequencer": known.sequencer},
            ["copies"],
        )

    def stored(self) -> Stored:
        with translated("DynamoDB"):
            response = self._client.get_item(TableName=self._table, Key=self._key(STORED), ConsistentRead=True)
        row = to_row(response.get("Item", {}))
        return Stored(row.get("vectors", 0), row.get("bytes", 0), row.get("documents", 0))

    def _write(self, operation: str, **request: Any) -> bool:  # noqa: ANN401 - as the SDK takes it
        """Makes a conditional write; False where its condition does not hold."""
        try:
            with translated("DynamoDB"):
                getattr(self._client, operation)(**request)
        except ClientError as error:
            if condition_failed(error):
                return False
            raise
        return True

    def _create(self, document: Document, **more: int) -> bool:
        """Adds a row; False where there is one already."""
        return self._write(
            "put_item",
            TableName=self._table,
            Item=self._key(DOCUMENT + document.document_id) | to_item(row_of_document(document) | more),
            ConditionExpression="attribute_not_exists(pk)",
        )

    def _update(self, document_id: str, update: str, condition: str, values: Row, names: list[str]) -> bool:
        return self._write(
            "update_item",
            TableName=self._table,
            Key=self._key(DOCUMENT + document_id),
            UpdateExpression=update,
            ConditionExpression=condition,
            ExpressionAttributeNames={f"#{name}": name for name in names},
            ExpressionAttributeValues=to_item(values),
        )

    def _replace(self, known: Document, new: Document) -> bool:
        """Changes the row from what was read, together with the tenant's sums; False where it has changed meanwhile."""
        more = {
            ":vectors": new.chunks - known.chunks,
            ":bytes": new.current_size - known.current_size,
            ":documents": new.is_stored - known.is_stored,
        }
        sums = {
            "TableName": self._table,
            "Key": self._key(STORED),
            "UpdateExpression": "ADD vectors :vectors, bytes :bytes, documents :documents",
            "ExpressionAttributeValues": to_item(more),
        }
        transaction = [{"Update": self._replacement(known, new)}, {"Update": sums}]
        return self._write("transact_write_items", TransactItems=transaction)

    def _replacement(self, known: Document, new: Document) -> dict[str, Any]:
        """The update that changes the row from what was read, on the condition that it has not changed meanwhile."""
        before, after = row_of_document(known), row_of_document(new)
        differing = [name for name in after if after[name] != before[name] and name != "versions"]
        changed = {name: after[name] for name in differing if after[name] is not None}
        removed = [*(f"#{name}" for name in differing if after[name] is None), "expires_at"]
        update = "SET " + ", ".join(f"#{name} = :{name}" for name in changed) + " REMOVE " + ", ".join(removed)
        values = {f":{name}": value for name, value in changed.items()}
        values |= {f":known_{name}": before[name] for name in ("sequencer", "status", "descriptions")}
        return {
            "TableName": self._table,
            "Key": self._key(DOCUMENT + known.document_id),
            "UpdateExpression": update,
            "ConditionExpression": UNCHANGED if known.descriptions else UNCHANGED_AND_NEVER_DESCRIBED,
            "ExpressionAttributeNames": {f"#{name}": name for name in [*differing, "status", "descriptions"]},
            "ExpressionAttributeValues": to_item(values),
        }
