"""How far the tenant's documents are: one small item a document beside its row, written without patience.

Why it is no part of the row: docs/decisions/0001-progress-of-a-document.md.
"""

from collections.abc import Iterable, Mapping
from datetime import timedelta
from itertools import batched
from typing import Any, Final

from botocore.exceptions import ClientError

from onggi.adapters.aws import IMPATIENT, AwsSession, translated
from onggi.adapters.dynamodb import Item, Row, condition_failed, to_item, to_row
from onggi.domain.document import Document, DocumentVersion
from onggi.domain.progress import Progress
from onggi.domain.tenant import TenantContext
from onggi.ports.clock import Clock

PROGRESS: Final = "PROGRESS#"
FORGET_AFTER: Final = timedelta(days=14)
"""Nobody deletes an item: a newer version replaces it, and its time to live ends it."""
GET_BATCH: Final = 100
"""BatchGetItem takes at most so many keys (DynamoDB API reference)."""


class DynamoProgressStore:
    """Implements the progress store on the tenant table; the partition key is always the tenant's id.

    A sequencer is claimed by one execution alone, so that whoever has it is that execution. The item holds a number for
    each batch, so that nothing counts twice, whoever stores it again: about six bytes a batch, 8 kB at 40,000 chunks.
    """

    def __init__(self, session: AwsSession, table: str, tenant: TenantContext, clock: Clock) -> None:
        self._session = session
        self._table = table
        self._tenant_id = tenant.tenant_id
        self._clock = clock

    def begin(self, version: DocumentVersion, pages: int) -> None:
        self._update(
            version,
            "SET sequencer = :sequencer, pages = :pages, embedded = :none, expires_at = :expires_at REMOVE chunks",
            "attribute_not_exists(pk) OR sequencer < :sequencer",
            {":pages": pages, ":none": {}, ":expires_at": int((self._clock() + FORGET_AFTER).timestamp())},
        )

    def plan(self, version: DocumentVersion, chunks: int) -> None:
        condition = "sequencer = :sequencer AND attribute_not_exists(chunks)"
        self._update(version, "SET chunks = :chunks", condition, {":chunks": chunks})

    def embed(self, version: DocumentVersion, batch: int, chunks: int) -> None:
        self._update(
            version,
            "SET embedded.#batch = :chunks",
            "sequencer = :sequencer AND (attribute_not_exists(embedded.#batch) OR embedded.#batch < :chunks)",
            {":chunks": chunks},
            {"#batch": str(batch)},
        )

    def of(self, documents: Iterable[Document]) -> dict[str, Progress]:
        sequencers = {PROGRESS + document.document_id: document.sequencer for document in documents}
        found: dict[str, Progress] = {}
        for batch in batched(sequencers, GET_BATCH, strict=False):
            for row in self._rows(batch):
                if row["sequencer"] == sequencers[row["sk"]]:
                    embedded_chunks = int(sum(row["embedded"].values()))
                    progress = Progress(row["pages"], row.get("chunks"), embedded_chunks)
                    found[row["sk"].removeprefix(PROGRESS)] = progress
        return found

    def _rows(self, sort_keys: Iterable[str]) -> list[Row]:
        keys = [self._key(sort_key) for sort_key in sort_keys]
        with translated("DynamoDB"):
            response = self._session.client("dynamodb").batch_get_item(
                RequestItems={self._table: {"Keys": keys, "ConsistentRead": True}}
            )
        return [to_row(item) for item in response["Responses"].get(self._table, [])]

    def _update(
        self,
        version: DocumentVersion,
        update: str,
        condition: str,
        values: Row,
        names: Mapping[str, str] | None = None,
    ) -> None:
        try:
            with translated("DynamoDB"):
                self._impatient_client.update_item(
                    TableName=self._table,
                    Key=self._key(PROGRESS + version.document_id),
                    UpdateExpression=update,
                    ConditionExpression=condition,
                    ExpressionAttributeValues=to_item({":sequencer": version.sequencer, **values}),
                    **({"ExpressionAttributeNames": names} if names else {}),
                )
        except ClientError as error:
            if not condition_failed(error):  # else it was counted before, or a newer version has begun
                raise

    @property
    def _impatient_client(self) -> Any:  # noqa: ANN401 - botocore makes client classes at run time
        return self._session.client("dynamodb", IMPATIENT)

    def _key(self, sort_key: str) -> Item:
        return {"pk": {"S": self._tenant_id}, "sk": {"S": sort_key}}
