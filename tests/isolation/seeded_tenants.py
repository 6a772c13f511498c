"""Tenants with similar documents: their data, its comparison after an attack, and its restoration."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cached_property, partial
from typing import Any, Final

from tests.integration.local_cloud import wait_for
from tests.integration.product import Json, Product, Tenant
from tests.integration.users import Users, users_of
from tests.isolation.clients import Clients, key_session_of, opened_grant, role_of, session_of

TENANTS: Final = (("acme", "basic"), ("acme-b", "basic"), ("acme-b-2", "premium"))
"""The tenants that attack one another, with their tiers; some ids are prefixes of others."""
UNTOUCHED: Final = ("acme-c", "basic")
"""The tenant of control actions: every attack runs on its own data, and once against it without isolation layers."""
SUSPENDED: Final = "acme-off"
REMOVED: Final = "acme-removed"
NAMES: Final = ("vault.txt", "cellar.txt")
QUESTION: Final = "When does the vault of the cooperative open?"
SEEDING_SECONDS: Final = 90.0


@dataclass(frozen=True)
class TenantData:
    """All data of a tenant."""

    rows: dict[str, Json]
    versions: frozenset[tuple[str, str, str, bool]]
    vectors: dict[str, Json]


@dataclass(frozen=True)
class Credentials:
    """The credentials of an owner of a tenant.

    Those of suspended and removed tenants are never used while valid, since the gateway caches a decision for a minute.
    """

    api_key: str
    id_token: str
    access_token: str


@dataclass(frozen=True)
class SeededTenant:
    """A tenant on one cloud.

    Attributes:
        marker: A word that is in all data of the tenant and in no other data.
        context: The verified context of the tenant in the application.
        documents: The documents as the API returns them.
        state: The workflow's state at the end of the first document's execution.
        cursor: A cursor of the tenant's listing, before its last document.
        owner: The credentials of an owner of the tenant.
        inactive_keys: Revoked and expired keys of the tenant.
        previous_owner: The credentials of an owner of a removed tenant with the same id.
        blocked: The credentials of owners of a suspended and of a removed tenant.
    """

    product: Product
    tenant: Tenant
    marker: str
    context: Json
    documents: tuple[Json, ...]
    state: Json
    cursor: str
    session_id: str
    owner: Credentials
    inactive_keys: Mapping[str, str]
    previous_owner: Credentials
    blocked: Mapping[str, Credentials]

    @property
    def as_user(self) -> "SeededTenant":
        """The tenant with a user's token as its key."""
        return replace(self, tenant=replace(self.tenant, api_key=self.owner.id_token))

    @property
    def tenant_id(self) -> str:
        return self.tenant.tenant_id

    @property
    def document(self) -> Json:
        return self.documents[0]

    @property
    def registered_document(self) -> Json:
        """The first document as the workflow passes it on, with an attribute that marks a changed row."""
        found: Json = self.state["registration"]["document"]
        return found | {"metadata": found["metadata"] | {"attacked": "yes"}}

    @property
    def marks(self) -> tuple[str, str]:
        """The words that no response to another tenant may contain."""
        return self.marker, f"onggi_{self.tenant_id}_"

    @property
    def text_artifact(self) -> str:
        return f"{self.document['document_id']}/{self.document['version']}/text.txt"

    @cached_property
    def session(self) -> Clients:
        """The clients of a function that works for this tenant."""
        return session_of(self.product, self.tenant_id)

    @property
    def grant_context(self) -> dict[str, str]:
        """The encryption context of the grant for the first document."""
        document = self.document
        return {"tenant": self.tenant_id, "document": document["document_id"], "version": document["version"]}

    @cached_property
    def granted(self) -> Clients:
        """The clients of the function that reads files, under the grant for the first document."""
        return Clients(self.product, self.opened_by(self.reader))

    @cached_property
    def reader(self) -> Clients:
        """The clients of that function's own role."""
        return role_of(self.product, "ExtractText")

    def opened_by(self, clients: Clients) -> Json:
        """Returns the credentials of the grant for the first document, decrypted by `clients`."""
        return opened_grant(self.product, clients, self.state["grant"]["parts"], self.grant_context)

    @cached_property
    def key_session(self) -> Clients:
        """The clients of the Keys function that works for this tenant's owner."""
        return key_session_of(self.product, self.tenant_id)

    @cached_property
    def audit_entry(self) -> Json:
        """Bucket and key of the oldest entry of the tenant's audit trail."""
        bucket = self.product["AuditBucketName"]
        listed = self.product.root("s3").list_objects_v2(Bucket=bucket, Prefix=f"{self.tenant_id}/")["Contents"]
        return {"Bucket": bucket, "Key": listed[-1]["Key"]}

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

    def read_data(self) -> TenantData:
        table = self.product["TenantTableName"]
        rows = self.product.root("dynamodb").query(
            TableName=table,
            KeyConditionExpression="pk = :pk",
            ExpressionAttributeValues={":pk": {"S": self.tenant_id}},
            ConsistentRead=True,
        )["Items"]
        vectors = self.product.root("s3vectors").list_vectors(**self.index, returnData=True, returnMetadata=True)
        return TenantData(
            {row["sk"]["S"]: row for row in rows},
            frozenset(self._versions()),
            {vector["key"]: vector for vector in vectors["vectors"]},
        )

    def _versions(self) -> list[tuple[str, str, str, bool]]:
        artifacts, uploads = self.placement["artifacts_bucket"], self.placement["documents_bucket"]
        places = ((uploads, self.tenant.prefix), (artifacts, self.tenant.prefix))
        manifests = (self.product["ArtifactsBucketName"], f"manifests/{self.tenant_id}/")
        trail = (self.product["AuditBucketName"], f"{self.tenant_id}/")
        return [
            (bucket, entry["Key"], entry["VersionId"], entry["IsLatest"])
            for bucket, prefix in (*places, manifests, trail)
            for page in [self.product.root("s3").list_object_versions(Bucket=bucket, Prefix=prefix)]
            for entry in page.get("Versions", []) + page.get("DeleteMarkers", [])
        ]

    @cached_property
    def initial_data(self) -> TenantData:
        """The data of the tenant before the first attack."""
        return self.read_data()

    def read_initial_data(self) -> None:
        """Reads the initial data, unless it is known."""
        _ = self.initial_data

    def restore(self) -> bool:
        """Restores the initial data; returns whether it had changed. Deleted versions are not restored."""
        before, now = self.initial_data, self.read_data()
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
    """The data that identifies a seeded tenant on every cloud that has a copy of it."""

    tenant_id: str
    api_key: str
    parts: Json

    def on(self, product: Product) -> SeededTenant:
        return SeededTenant(
            product, Tenant(product, self.tenant_id, self.api_key), marker_of(self.tenant_id), **self.parts
        )


def marker_of(tenant_id: str) -> str:
    return "marker" + hashlib.sha256(tenant_id.encode()).hexdigest()[:16]


def seed_tenants(product: Product) -> list[Seed]:
    """Onboards the tenants and waits until their documents are ready.

    One after another, since concurrent work would start further processes of the functions.
    """
    users = users_of(product, minutes=120)  # longer than the run of the matrix
    previous_owners = _removed(users, [*(each for each, _ in TENANTS), REMOVED])
    blocked = {"suspended": _suspended(users), "removed": previous_owners[REMOVED]}
    tenants = [product.new_tenant(each, f"Tenant {marker_of(each)}", tier) for each, tier in (*TENANTS, UNTOUCHED)]
    inactive_keys = _inactive_keys(tenants)
    for tenant in tenants:
        for name in NAMES:
            tenant.ready(name, text_of(tenant.tenant_id, name), Metadata={"marker": marker_of(tenant.tenant_id)})
    return [
        _seed(
            tenant,
            owner=_owner(users, tenant.tenant_id),
            inactive_keys=inactive_keys[tenant.tenant_id],
            previous_owner=previous_owners.get(tenant.tenant_id, previous_owners[REMOVED]),
            blocked=blocked,
        )
        for tenant in tenants
    ]


def _owner(users: Users, tenant_id: str) -> Credentials:
    tokens = users.sign_up(tenant_id, "owner")
    key = users.product.issue_key(tenant_id, role="owner")
    return Credentials(key, tokens["IdToken"], tokens["AccessToken"])


def _removed(users: Users, tenant_ids: list[str]) -> dict[str, Credentials]:
    """Onboards and removes tenants; returns the credentials of their owners."""
    product = users.product
    for each in tenant_ids:
        product.new_tenant(each)
    owners = {each: _owner(users, each) for each in tenant_ids}
    for each in tenant_ids:
        product.as_operator("DELETE", f"/admin/tenants/{each}")
    wait_for(lambda: all(_status(product, each) == "removed" for each in tenant_ids), SEEDING_SECONDS)
    return owners


def _suspended(users: Users) -> Credentials:
    users.product.new_tenant(SUSPENDED)
    owner = _owner(users, SUSPENDED)
    changed = users.product.as_operator("PATCH", f"/admin/tenants/{SUSPENDED}", {"status": "suspended"})
    assert changed.status == 200, changed
    return owner


def _status(product: Product, tenant_id: str) -> str:
    return str(product.as_operator("GET", f"/admin/tenants/{tenant_id}").body["status"])


def _inactive_keys(tenants: list[Tenant]) -> dict[str, dict[str, str]]:
    """Returns keys of each tenant that were never used while they were valid."""
    end = datetime.now(UTC) + timedelta(seconds=1)
    inactive_keys = {}
    for tenant in tenants:
        issue = partial(tenant.product.issue_key, tenant.tenant_id, role="owner")
        inactive_keys[tenant.tenant_id] = {"revoked": issue(), "expired": issue(expires_at=end.isoformat())}
        key_id = inactive_keys[tenant.tenant_id]["revoked"][-55:-43]
        revoked = tenant.product.as_operator("DELETE", f"/admin/tenants/{tenant.tenant_id}/keys/{key_id}")
        assert revoked.status == 200, revoked
    wait_for(lambda: datetime.now(UTC) > end)
    return inactive_keys


def text_of(tenant_id: str, name: str) -> str:
    return f"The {name[:-4]} of the cooperative opens at dawn only, says {marker_of(tenant_id)}."


def _seed(tenant: Tenant, **credentials: Any) -> Seed:
    keys = [tenant.prefix + name for name in NAMES]
    rows = [tenant.row(key) for key in keys]
    documents = tuple(tenant.document(row["document_id"]["S"]) for row in rows if row)
    state = json.loads(tenant.execution(keys[0])["output"])
    answer = tenant.ask(QUESTION)
    assert answer["grounded"], answer
    parts: dict[str, Any] = {
        "context": state["registration"]["tenant"],
        "documents": documents,
        "state": state,
        "cursor": tenant.call("GET", "/documents", limit=1).body["next_cursor"],
        "session_id": answer["session_id"],
        **credentials,
    }
    return Seed(tenant.tenant_id, tenant.api_key, parts)
