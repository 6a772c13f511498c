"""Calls under a tenant's session that change or read another tenant's audit trail."""

import uuid
from typing import Any, Final

from tests.integration.product import Json
from tests.isolation.attacks import Scene, SessionAct
from tests.isolation.clients import Clients
from tests.isolation.dynamodb_session_attacks import control, new_row


def new_entry(scene: Scene) -> Json:
    """Returns bucket and key of a new entry of the audit trail."""
    bucket = scene.target.product["AuditBucketName"]
    return {"Bucket": bucket, "Key": f"{scene.target.tenant_id}/planted-{uuid.uuid4().hex}.json"}


def delete_entry_version(clients: Clients, scene: Scene) -> Any:
    root, place = scene.target.product.root("s3"), new_entry(scene)
    version = root.put_object(**place, Body=b"", IfNoneMatch="*")["VersionId"]
    try:
        return clients["s3"].delete_object(**place, VersionId=version)
    finally:
        root.delete_object(**place, VersionId=version)


AUDIT: Final[dict[str, SessionAct]] = {
    "add an entry": lambda clients, scene: clients["s3"].put_object(**new_entry(scene), Body=b"{}", IfNoneMatch="*"),
}
"""What an owner's session may do, to issue and revoke keys of its own tenant."""
AUDIT_NEVER: Final[dict[str, SessionAct]] = {
    "add an entry without the condition": lambda clients, scene: clients["s3"].put_object(
        **new_entry(scene), Body=b"{}"
    ),
    "replace an entry": lambda clients, scene: clients["s3"].put_object(**scene.target.audit_entry, Body=b"{}"),
    "copy an entry over another": lambda clients, scene: clients["s3"].copy_object(
        **scene.target.audit_entry, CopySource=scene.own.audit_entry, MetadataDirective="REPLACE"
    ),
    "start an entry in parts": lambda clients, scene: clients["s3"].create_multipart_upload(**new_entry(scene)),
    "read an entry": lambda clients, scene: clients["s3"].get_object(**scene.target.audit_entry),
    "list entries": lambda clients, scene: clients["s3"].list_objects_v2(
        Bucket=scene.target.product["AuditBucketName"], Prefix=f"{scene.target.tenant_id}/"
    ),
    "delete an entry": lambda clients, scene: clients["s3"].delete_object(**new_entry(scene)),
    "delete the version of an entry": delete_entry_version,
    "read the policy": lambda clients, scene: clients["s3"].get_bucket_policy(
        Bucket=scene.target.product["AuditBucketName"]
    ),
    "put a row into the trail's former partition": lambda clients, scene: clients["dynamodb"].put_item(
        **control(scene), Item=new_row(f"AUDIT#{scene.target.tenant_id}", "planted")
    ),
}
