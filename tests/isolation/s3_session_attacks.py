"""Calls of S3 under a tenant's session that reach for another tenant's objects."""

from collections.abc import Callable
from typing import Any, Final

from botocore.exceptions import ClientError

from tests.integration.product import Json
from tests.isolation.attacks import Scene, SessionAct, granted
from tests.isolation.clients import Clients


def uploads(scene: Scene) -> str:
    return str(scene.target.placement["documents_bucket"])


def artifacts(scene: Scene) -> str:
    return str(scene.target.placement["artifacts_bucket"])


def upload(scene: Scene) -> Json:
    return {"Bucket": uploads(scene), "Key": scene.target.document["key"]}


def text(scene: Scene) -> Json:
    return {"Bucket": artifacts(scene), "Key": scene.target.tenant.prefix + scene.target.text_artifact}


def manifest(scene: Scene) -> Json:
    document = scene.target.document
    key = f"manifests/{scene.target.tenant_id}/{document['document_id']}/{document['version']}.jsonl"
    return {"Bucket": scene.target.product["ArtifactsBucketName"], "Key": key}


def planted_upload(scene: Scene) -> Json:
    return {"Bucket": uploads(scene), "Key": scene.target.tenant.prefix + "planted.txt"}


def copy_upload_out(clients: Clients, scene: Scene) -> Any:
    own = {"Bucket": scene.own.placement["documents_bucket"], "Key": scene.own.tenant.prefix + "copy.txt"}
    return clients["s3"].copy_object(**own, CopySource=upload(scene))


def copy_text_out(clients: Clients, scene: Scene) -> Any:
    own = {"Bucket": scene.own.placement["artifacts_bucket"], "Key": scene.own.tenant.prefix + "copy.txt"}
    return clients["s3"].copy_object(**own, CopySource=text(scene))


def copy_in(clients: Clients, scene: Scene) -> Any:
    own = {"Bucket": scene.own.placement["documents_bucket"], "Key": scene.own.document["key"]}
    return clients["s3"].copy_object(**planted_upload(scene), CopySource=own)


def delete_in_bulk(clients: Clients, scene: Scene) -> Any:
    place = upload(scene)
    response = clients["s3"].delete_objects(Bucket=place["Bucket"], Delete={"Objects": [{"Key": place["Key"]}]})
    for error in response.get("Errors", []):
        raise ClientError({"Error": error}, "DeleteObjects")
    return response


def copy_part_out(clients: Clients, scene: Scene) -> Any:
    own = {"Bucket": scene.own.placement["documents_bucket"], "Key": scene.own.tenant.prefix + "parts.txt"}
    started = clients["s3"].create_multipart_upload(**own)
    part = {"PartNumber": 1, "UploadId": started["UploadId"], "CopySource": upload(scene)}
    return clients["s3"].upload_part_copy(**own, **part)


def presign(method: str, place: Callable[[Scene], Json]) -> SessionAct:
    def act(clients: Clients, scene: Scene) -> Any:
        url = clients["s3"].generate_presigned_url(method, Params=place(scene), ExpiresIn=60)
        verb = "GET" if method == "get_object" else "PUT"
        return granted(scene.own.product.send(verb, url, data=b"planted" if verb == "PUT" else b""))

    return act


def post_form(clients: Clients, scene: Scene) -> Any:
    form = clients["s3"].generate_presigned_post(**planted_upload(scene), ExpiresIn=60)
    return granted(scene.own.tenant.send_form(form, b"planted"))


def delete_version(clients: Clients, scene: Scene) -> Any:
    """Deletes a version that is created for this purpose, since a deleted version cannot be restored."""
    root, place = scene.target.product.root("s3"), planted_upload(scene)
    version = root.put_object(**place, Body=b"")["VersionId"]
    try:
        return clients["s3"].delete_object(**place, VersionId=version)
    finally:
        root.delete_object(**place, VersionId=version)


def list_objects(operation: str, bucket: Callable[[Scene], str], prefix: Callable[[Scene], str]) -> SessionAct:
    return lambda clients, scene: getattr(clients["s3"], operation)(Bucket=bucket(scene), Prefix=prefix(scene))


def below(scene: Scene) -> str:
    return scene.target.tenant.prefix


S3: Final[dict[str, SessionAct]] = {
    "get upload": lambda clients, scene: clients["s3"].get_object(**upload(scene)),
    "get version": lambda clients, scene: clients["s3"].get_object(
        **upload(scene), VersionId=scene.target.document["version"]
    ),
    "get a range": lambda clients, scene: clients["s3"].get_object(**upload(scene), Range="bytes=0-3"),
    "head upload": lambda clients, scene: clients["s3"].head_object(**upload(scene)),
    "get text": lambda clients, scene: clients["s3"].get_object(**text(scene)),
    "head text": lambda clients, scene: clients["s3"].head_object(**text(scene)),
    "put upload": lambda clients, scene: clients["s3"].put_object(**planted_upload(scene), Body=b"planted"),
    "replace upload": lambda clients, scene: clients["s3"].put_object(**upload(scene), Body=b"planted"),
    "put artifact": lambda clients, scene: clients["s3"].put_object(**text(scene), Body=b"planted"),
    "put manifest": lambda clients, scene: clients["s3"].put_object(**manifest(scene), Body=b"{}"),
    "delete upload": lambda clients, scene: clients["s3"].delete_object(**upload(scene)),
    "delete uploads": delete_in_bulk,
    "delete artifact": lambda clients, scene: clients["s3"].delete_object(**text(scene)),
    "delete manifest": lambda clients, scene: clients["s3"].delete_object(**manifest(scene)),
    "copy upload out": copy_upload_out,
    "copy text out": copy_text_out,
    "copy in": copy_in,
    "copy a part out": copy_part_out,
    "start multipart": lambda clients, scene: clients["s3"].create_multipart_upload(**planted_upload(scene)),
    "list uploads": list_objects("list_objects_v2", uploads, below),
    "list uploads, version 1": list_objects("list_objects", uploads, below),
    "list artifacts": list_objects("list_objects_v2", artifacts, below),
    "list versions": list_objects("list_object_versions", uploads, below),
    "presigned GET": presign("get_object", upload),
    "presigned PUT": presign("put_object", planted_upload),
    "presigned form": post_form,
}
S3_NEVER: Final[dict[str, SessionAct]] = {
    "get manifest": lambda clients, scene: clients["s3"].get_object(**manifest(scene)),
    "delete version": delete_version,
    "list all uploads": lambda clients, scene: clients["s3"].list_objects_v2(Bucket=uploads(scene)),
    "list all artifacts": list_objects("list_objects_v2", artifacts, lambda _: "tenants/"),
    "list all versions": lambda clients, scene: clients["s3"].list_object_versions(Bucket=uploads(scene)),
    "list without the slash": list_objects(
        "list_objects_v2", uploads, lambda scene: f"tenants/{scene.target.tenant_id}"
    ),
    "list manifests": lambda clients, scene: clients["s3"].list_objects_v2(
        Bucket=scene.target.product["ArtifactsBucketName"], Prefix=f"manifests/{scene.target.tenant_id}/"
    ),
    "list multipart uploads": lambda clients, scene: clients["s3"].list_multipart_uploads(Bucket=uploads(scene)),
    "read tags": lambda clients, scene: clients["s3"].get_object_tagging(**upload(scene)),
    "write tags": lambda clients, scene: clients["s3"].put_object_tagging(
        **upload(scene), Tagging={"TagSet": [{"Key": "TenantId", "Value": scene.own.tenant_id}]}
    ),
    "read bucket policy": lambda clients, scene: clients["s3"].get_bucket_policy(Bucket=uploads(scene)),
    "list buckets": lambda clients, _: clients["s3"].list_buckets(),
}
