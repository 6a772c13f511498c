"""Tenants that hold look-alike documents: what each of them has, whether it was reached, and how it is put back."""

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

TENANTS: Final = (("jar", "basic"), ("jar-b", "basic"), ("jar-b-2", "premium"))
"""Those that attack one another, with their tiers; the ids of some are prefixes of others'. More may join here."""
UNTOUCHED: Final = ("jar-c", "basic")
"""Whose own right it is: on it every attack is tried as its own action, and once more without any wall."""
SUSPENDED: Final = "jar-off"
REMOVED: Final = "jar-gone"
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
class Credentials:
    """What opens the API to an owner of a tenant, as long as the tenant is active.

    Those of tenants that are not were never used before: for a minute the gateway trusts what it was told last.
    """

    api_key: str
    id_token: str
    access_token: str


@dataclass(frozen=True)
class Jar:
    """A tenant on one cloud, as all who know it see it.

    Attributes:
        seal: a word that stands in everything the tenant has and nowhere else.
        context: the verified context that the application makes of the tenant.
        documents: as the API shows them.
        state: the workflow's state at the end of the first document's execution.
        cursor: a place in the tenant's listing, before its last document.
        owner: what an owner of the tenant has.
        ended: keys of the tenant that are revoked or expired.
        predecessor: what an owner of another tenant has, that had the same id and was removed.
        shut_out: what owners of a suspended and of a removed tenant have.
    """

    product: Product
    tenant: Tenant
    seal: str
    context: Json
    documents: tuple[Json, ...]
    state: Json
    cursor: str
    session_id: str
    owner: Credentials
    ended: Mapping[str, str]
    predecessor: Credentials
    shut_out: Mapping[str, Credentials]

    @property
    def as_user(self) -> "Jar":
        """The tenant with a user's token in place of its key."""
        return replace(self, tenant=replace(self.tenant, api_key=self.owner.id_token))

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

    @property
    def grant_context(self) -> dict[str, str]:
        """What the grant of the first document is bound to."""
        document = self.document
        return {"tenant": self.tenant_id, "document": document["document_id"], "version": document["version"]}

    @cached_property
    def granted(self) -> Clients:
        """AWS as the function that reads files sees it, while it reads the first document of this tenant."""
        return Clients(self.product, self.opened_by(self.reader))

    @cached_property
    def reader(self) -> Clients:
        """AWS as that function sees it by its own role."""
        return role_of(self.product, "ExtractText")

    def opened_by(self, clients: Clients) -> Json:
        """The credentials of the grant for the first document, for whoever may decrypt them."""
        return opened_grant(self.product, clients, self.state["grant"]["parts"], self.grant_context)

    @cached_property
    def key_session(self) -> Clients:
        """AWS as the function of keys sees it that works for this tenant's owner."""
        return key_session_of(self.product, self.tenant_id)

    @cached_property
    def audit_entry(self) -> Json:
        """Where the oldest entry of the tenant's audit trail lies."""
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
        manifests = (self.product["ArtifactsBucketName"], f"manifests/{self.tenant_id}/")
        trail = (self.product["AuditBucketName"], f"{self.tenant_id}/")
        return [
            (bucket, entry["Key"], entry["VersionId"], entry["IsLatest"])
            for bucket, prefix in (*places, manifests, trail)
            for page in [self.product.root("s3").list_object_versions(Bucket=bucket, Prefix=prefix)]
            for entry in page.get("Versions", []) + page.get("DeleteMarkers", [])
        ]

    @cached_property
    def before(self) -> Things:
        """What the tenant had at first."""
        return self.things()

    def remember(self) -> None:
        """Looks at what the tenant has, unless that is known."""
        _ = self.before

    def put_back(self) -> bool:
        """Undoes what has happened, and tells whether anything had; a version that was deleted for good stays away."""
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
    """Onboards the tenants and waits until their documents answer.

    One after another, since whatever works at once starts a function's process more.
    """
    users = users_of(product, minutes=120)  # longer than the matrix takes
    predecessors = _removed(users, [*(each for each, _ in TENANTS), REMOVED])
    shut_out = {"suspended": _suspended(users), "removed": predecessors[REMOVED]}
    tenants = [product.new_tenant(each, f"Jar {seal_of(each)}", tier) for each, tier in (*TENANTS, UNTOUCHED)]
    ended = _ended_keys(tenants)
    for tenant in tenants:
        for name in NAMES:
            tenant.ready(name, text_of(tenant.tenant_id, name), Metadata={"seal": seal_of(tenant.tenant_id)})
    return [
        _seed(
            tenant,
            owner=_owner(users, tenant.tenant_id),
            ended=ended[tenant.tenant_id],
            predecessor=predecessors.get(tenant.tenant_id, predecessors[REMOVED]),
            shut_out=shut_out,
        )
        for tenant in tenants
    ]


def _owner(users: Users, tenant_id: str) -> Credentials:
    tokens = users.sign_up(tenant_id, "owner")
    key = users.product.issue_key(tenant_id, role="owner")
    return Credentials(key, tokens["IdToken"], tokens["AccessToken"])


def _removed(users: Users, tenant_ids: list[str]) -> dict[str, Credentials]:
    """Onboards tenants and removes them again; returns what their owners still have."""
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


def _ended_keys(tenants: list[Tenant]) -> dict[str, dict[str, str]]:
    """Keys of each tenant that were never used while they were good."""
    end = datetime.now(UTC) + timedelta(seconds=1)
    ended = {}
    for tenant in tenants:
        issue = partial(tenant.product.issue_key, tenant.tenant_id, role="owner")
        ended[tenant.tenant_id] = {"revoked": issue(), "expired": issue(expires_at=end.isoformat())}
        key_id = ended[tenant.tenant_id]["revoked"][-55:-43]
        revoked = tenant.product.as_operator("DELETE", f"/admin/tenants/{tenant.tenant_id}/keys/{key_id}")
        assert revoked.status == 200, revoked
    wait_for(lambda: datetime.now(UTC) > end)
    return ended


def text_of(tenant_id: str, name: str) -> str:
    return f"The {name[:-4]} of the cooperative opens at dawn only, says {seal_of(tenant_id)}."


def _seed(tenant: Tenant, **credentials: Any) -> Seed:
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
        **credentials,
    }
    return Seed(tenant.tenant_id, tenant.api_key, parts)
