"""Tries a new tenant's session on what is its own, and on what is not."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial
from typing import Any, Final

from botocore.exceptions import ClientError

from onggi.adapters.aws import AwsSession, error_code, translated
from onggi.adapters.dynamodb import to_item
from onggi.adapters.s3 import DENIED
from onggi.domain.errors import Conflict, Forbidden
from onggi.domain.tenant import KEY_PREFIX, Placement, TenantContext
from onggi.ports.retrieval import ManagedVectorIndex

PROBE: Final = "onboarding-probe"
"""Names what is written and deleted again; no document id has this form."""
NEIGHBOUR: Final = "onggi--neighbour"
"""In the place of another tenant: no tenant can have this id, so that even a breach harms nobody's data."""
LIST_OBJECTS: Final = "s3:ListBucket"
REFUSALS: Final = DENIED | {"AccessDeniedException"}


class AwsIsolationProbe:
    """Implements the probe by one tenant's session.

    Args:
        session: the tenant's.
        table: what tenants own.
        tenant: where it is going to be.
        index_of: returns the vector index of a placement under this session.
        shared_buckets: where neighbours lie, besides the tenant's own buckets.
    """

    def __init__(
        self,
        session: AwsSession,
        table: str,
        tenant: TenantContext,
        index_of: Callable[[Placement], ManagedVectorIndex],
        shared_buckets: Iterable[str],
    ) -> None:
        self._session = session
        self._table = table
        self._tenant = tenant
        self._buckets = {tenant.placement.documents_bucket, tenant.placement.artifacts_bucket, *shared_buckets}
        self._index_of = index_of

    def use_own(self) -> None:
        """Writes, reads and deletes something of the tenant's own in every store.

        The bucket of uploads is listed only, since an upload would start the ingestion workflow; the ledger's item is
        not deleted, which no session of a tenant may do, but written over by the next probe.

        Raises:
            Conflict: when something else is read than was written.
            Forbidden: when the session is denied what is its own.
        """
        for name, attempt in (
            ("uploads", self._list_own_uploads),
            ("artifacts", self._use_own_artifact),
            ("ledger", self._use_own_item),
            ("vector index", self._use_own_vector),
            ("search in the vector index", self._search_own_vectors),
        ):
            try:
                with translated(name):
                    same = attempt()
            except ClientError as error:
                if error_code(error) not in REFUSALS:
                    raise
                raise Forbidden(f"The tenant's session is denied its own {name}; look at the data role.") from error
            if not same:
                raise Conflict(f"The tenant's {name} did not return what was written; try again.")

    def breaches(self) -> list[str]:
        return [name for name, attempt in self._trespasses().items() if not _is_denied(attempt)]

    def _list_own_uploads(self) -> bool:
        s3 = self._session.client("s3")
        s3.list_objects_v2(Bucket=self._tenant.placement.documents_bucket, Prefix=self._tenant.prefix, MaxKeys=1)
        return True

    def _use_own_artifact(self) -> bool:
        s3 = self._session.client("s3")
        where = {"Bucket": self._tenant.placement.artifacts_bucket, "Key": self._tenant.prefix + PROBE}
        written = s3.put_object(**where, Body=PROBE.encode())["ETag"]
        read = s3.get_object(**where)
        s3.delete_object(**where)
        return bool(read["Body"].read() == PROBE.encode() and read["ETag"] == written)

    def _use_own_item(self) -> bool:
        dynamodb = self._session.client("dynamodb")
        item = to_item({"pk": self._tenant.tenant_id, "sk": PROBE})
        dynamodb.put_item(TableName=self._table, Item=item)
        return bool(dynamodb.get_item(TableName=self._table, Key=item, ConsistentRead=True).get("Item") == item)

    def _use_own_vector(self) -> bool:
        index = self._index_of(self._tenant.placement)
        index.write_probe(PROBE)
        found = index.read_probe(PROBE)
        index.delete([PROBE])
        return found

    def _search_own_vectors(self) -> bool:
        """A hybrid query that returns metadata needs more rights than one by vector alone."""
        self._index_of(self._tenant.placement).search_probe(hybrid=True)
        return True

    def _trespasses(self) -> dict[str, Callable[[], Any]]:
        s3, dynamodb = (self._session.client(name) for name in ("s3", "dynamodb"))
        prefix = f"{KEY_PREFIX}{NEIGHBOUR}/"
        item = to_item({"pk": NEIGHBOUR, "sk": PROBE})
        index = self._index_of(replace(self._tenant.placement, index=NEIGHBOUR))
        objects: dict[str, Callable[[], Any]] = {}
        for bucket in sorted(self._buckets):
            where = {"Bucket": bucket}
            objects |= {
                f"write objects of {bucket}": partial(s3.put_object, **where, Key=prefix + PROBE, Body=b""),
                f"read objects of {bucket}": partial(_read_missing, s3, bucket, prefix + PROBE),
                f"list objects of {bucket}": partial(s3.list_objects_v2, **where, Prefix=prefix),
            }
        return objects | {
            "write the ledger": lambda: dynamodb.put_item(TableName=self._table, Item=item),
            "read the ledger": lambda: dynamodb.get_item(TableName=self._table, Key=item),
            "write vectors": lambda: index.write_probe(PROBE),
            "read vectors": lambda: index.read_probe(PROBE),
            "search vectors": partial(index.search_probe, hybrid=False),
        }


def _read_missing(s3: Any, bucket: str, key: str) -> None:  # noqa: ANN401 - botocore makes client classes at run time
    """Reads an object that is not there.

    S3 denies it to those who may not list the bucket, even if they may read. Its message then names the right to list,
    and who gets that far would have read an object that is there.

    Raises:
        ClientError: when reading is denied.
    """
    try:
        s3.get_object(Bucket=bucket, Key=key)
    except ClientError as error:
        if LIST_OBJECTS not in str(error):
            raise


def _is_denied(attempt: Callable[[], Any]) -> bool:
    """Whether IAM refuses a call; what is merely not there would have been allowed."""
    try:
        with translated("AWS"):
            attempt()
    except ClientError as error:
        return error_code(error) in REFUSALS
    return False
