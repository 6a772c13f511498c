"""Tenants that hold look-alike documents: what each of them has, whether it was reached, and how it is put back."""

import hashlib
import json
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

from tests.integration.local_cloud import wait_for
from tests.integration.product import Json, Product, Tenant
from tests.isolation.clients import Clients, session_of

TENANTS: Final = (("jar", "basic"), ("jar-b", "basic"), ("jar-b-2", "basic"))
"""Those that attack one another, with their tiers; the ids of some are prefixes of others'. More may join here."""
UNTOUCHED: Final = ("jar-c", "basic")
"""Whose own right it is: on it every attack is tried as its own action, and once more without any wall."""
NAMES: Final = ("vault.txt", "cellar.txt")
QUESTION: Final = "When does the vault of the cooperative open?"
SEEDING_SECONDS: Final = 90.0


@dataclass(frozen=True)
class Things:
    """Everything that a tenant has."""

    rows: dict[str, Json]
    versions: frozenset[tuple[str, str, str, bool]]
    vectors: dict[str, Json]


@dataclass(frozen=True)
class Jar:
    """A tenant on one cloud, as all who know it see it.

    Attributes:
        seal: a word that stands in everything the tenant has and nowhere else.
        context: the verified context that the application makes of the tenant.
        documents: as the API shows them.
        state: the workflow's state at the end of the first document's execution.
        cursor: a place in the tenant's listing, before its last document.
    """

    product: Product
    tenant: Tenant
    seal: str
    context: Json
    documents: tuple[Json, ...]
    state: Json
    cursor: str
    session_id: str

    @property
    def tenant_id(self) -> str:
        return self.tenant.tenant_id

    @property
    def document(self) -> Json:
        return self.documents[0]

    @property
    def registered(self) -> Json:
        """The first document as the workflow passes it on, with an attribute that shows where it was written again."""
        found: Json = self.state["registration"]["document"]
        return found | {"metadata": found["metadata"] | {"attacked": "yes"}}

    @property
    def marks(self) -> tuple[str, str]:
        """What no answer to another tenant may hold."""
        return self.seal, f"onggi_{self.tenant_id}_"

    @property
    def text_artifact(self) -> str:
        return f"{self.document['document_id']}/{self.document['version']}/text.txt"

    @cached_property
    def session(self) -> Clients:
        """AWS as a function sees it that works for this tenant."""
        return session_of(self.product, self.tenant_id)

    @cached_property
    def vector_key(self) -> str:
        return self.tenant.vector_keys(self.document["document_id"])[0]

    @property
    def placement(self) -> Json:
        found: Json = self.context["placement"]
        return found

    @property
    def index(self) -> Json:
        return {"vectorBucketName": self.placement["vector_bucket"], "indexName": self.placement["index"]}

    def things(self) -> Things:
        table = self.product["TenantTableName"]
        rows = self.product.root("dynamodb").query(
            TableName=table,
            KeyConditionExpression="pk = :pk",
            ExpressionAttributeValues={":pk": {"S": self.tenant_id}},
            ConsistentRead=True,
        )["Items"]
        vectors = self.product.root("s3vectors").list_vectors(**self.index, returnData=True, returnMetadata=True)
        return Things(
            {row["sk"]["S"]: row for row in rows},
            frozenset(self._versions()),
            {vector["key"]: vector for vector in vectors["vectors"]},
        )

    def _versions(self) -> list[tuple[str, str, str, bool]]:
        artifacts, uploads = self.placement["artifacts_bucket"], self.placement["documents_bucket"]
        places = ((uploads, self.tenant.prefix), (artifacts, self.tenant.prefix))
        return [
            (bucket, entry["Key"], entry["VersionId"], entry["IsLatest"])
            for bucket, prefix in (*places, (artifacts, f"manifests/{self.tenant_id}/"))
            for page in [self.product.root("s3").list_object_versions(Bucket=bucket, Prefix=prefix)]
            for entry in page.get("Versions", []) + page.get("DeleteMarkers", [])
        ]

    @cached_property
    def before(self) -> Things:
        """What the tenant had at first."""
        return self.things()

    def remember(self) -> None:
        """Look at what the tenant has, unless that is known."""
        _ = self.before

    def put_back(self) -> bool:
        """Undo what has happened, and tell whether anything had; a version that was deleted for good stays away."""
        before, now = self.before, self.things()
        if now == before:
            return False
        s3, dynamodb, table = self.product.root("s3"), self.product.root("dynamodb"), self.product["TenantTableName"]
        known = {version[:3] for version in before.versions}
        for bucket, key, version, _ in now.versions:
            if (bucket, key, version) not in known:
                s3.delete_object(Bucket=bucket, Key=key, VersionId=version)
        for sort_key in now.rows.keys() - before.rows.keys():
            dynamodb.delete_item(TableName=table, Key={"pk": {"S": self.tenant_id}, "sk": {"S": sort_key}})
        for sort_key, row in before.rows.items():
            if now.rows.get(sort_key) != row:
                dynamodb.put_item(TableName=table, Item=row)
        vectors = self.product.root("s3vectors")
        if added := list(now.vectors.keys() - before.vectors.keys()):
            vectors.delete_vectors(**self.index, keys=added)
        vectors.put_vectors(**self.index, vectors=list(before.vectors.values()))
        return True


@dataclass(frozen=True)
class Seed:
    """What tells a jar on whichever cloud holds a copy of it."""

    tenant_id: str
    api_key: str
    parts: Json

    def on(self, product: Product) -> Jar:
        return Jar(product, Tenant(product, self.tenant_id, self.api_key), seal_of(self.tenant_id), **self.parts)


def seal_of(tenant_id: str) -> str:
    return "seal" + hashlib.sha256(tenant_id.encode()).hexdigest()[:16]


def sow(product: Product) -> list[Seed]:
    """Onboard the tenants and wait until their documents answer."""
    tenants = [product.new_tenant(each, f"Jar {seal_of(each)}", tier) for each, tier in (*TENANTS, UNTOUCHED)]
    for tenant in tenants:
        for name in NAMES:
            tenant.drop(name, text_of(tenant.tenant_id, name), Metadata={"seal": seal_of(tenant.tenant_id)})
    wait_for(lambda: all(_ready(tenant) == len(NAMES) for tenant in tenants), SEEDING_SECONDS)
    return [_seed(tenant) for tenant in tenants]


def text_of(tenant_id: str, name: str) -> str:
    return f"The {name[:-4]} of the cooperative opens at dawn only, says {seal_of(tenant_id)}."


def _ready(tenant: Tenant) -> int:
    return len(tenant.call("GET", "/documents", status="ready").body["documents"])


def _seed(tenant: Tenant) -> Seed:
    keys = [tenant.prefix + name for name in NAMES]
    rows = [tenant.row(key) for key in keys]
    documents = tuple(tenant.document(row["document_id"]["S"]) for row in rows if row)
    state = json.loads(tenant.execution(keys[0])["output"])
    answered = tenant.ask(QUESTION)
    assert answered["grounded"], answered
    parts: dict[str, Any] = {
        "context": state["registration"]["tenant"],
        "documents": documents,
        "state": state,
        "cursor": tenant.call("GET", "/documents", limit=1).body["next_cursor"],
        "session_id": answered["session_id"],
    }
    return Seed(tenant.tenant_id, tenant.api_key, parts)
