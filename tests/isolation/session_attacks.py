"""Attacks by calls of AWS under a tenant's session, past the application: every action that data can be reached by."""

import json
import uuid
from collections.abc import Callable
from typing import Any, Final

from botocore.exceptions import ClientError

from tests.integration.product import Json
from tests.isolation.attacks import Attack, Scene, Walls, granted
from tests.isolation.clients import Clients, signed_request

type Act = Callable[[Clients, Scene], Any]

VECTOR: Final = [1.0] + [0.0] * 1023


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


def planted(scene: Scene) -> Json:
    return {"Bucket": uploads(scene), "Key": scene.target.tenant.prefix + "planted.txt"}


def copied_out(clients: Clients, scene: Scene) -> Any:
    own = {"Bucket": scene.own.placement["documents_bucket"], "Key": scene.own.tenant.prefix + "copy.txt"}
    return clients["s3"].copy_object(**own, CopySource=upload(scene))


def text_copied_out(clients: Clients, scene: Scene) -> Any:
    own = {"Bucket": scene.own.placement["artifacts_bucket"], "Key": scene.own.tenant.prefix + "copy.txt"}
    return clients["s3"].copy_object(**own, CopySource=text(scene))


def copied_in(clients: Clients, scene: Scene) -> Any:
    own = {"Bucket": scene.own.placement["documents_bucket"], "Key": scene.own.document["key"]}
    return clients["s3"].copy_object(**planted(scene), CopySource=own)


def deleted_in_bulk(clients: Clients, scene: Scene) -> Any:
    place = upload(scene)
    answer = clients["s3"].delete_objects(Bucket=place["Bucket"], Delete={"Objects": [{"Key": place["Key"]}]})
    for error in answer.get("Errors", []):
        raise ClientError({"Error": error}, "DeleteObjects")
    return answer


def part_copied(clients: Clients, scene: Scene) -> Any:
    own = {"Bucket": scene.own.placement["documents_bucket"], "Key": scene.own.tenant.prefix + "parts.txt"}
    started = clients["s3"].create_multipart_upload(**own)
    part = {"PartNumber": 1, "UploadId": started["UploadId"], "CopySource": upload(scene)}
    return clients["s3"].upload_part_copy(**own, **part)


def presigned(method: str, place: Callable[[Scene], Json]) -> Act:
    def act(clients: Clients, scene: Scene) -> Any:
        url = clients["s3"].generate_presigned_url(method, Params=place(scene), ExpiresIn=60)
        verb = "GET" if method == "get_object" else "PUT"
        return granted(scene.own.product.send(verb, url, data=b"planted" if verb == "PUT" else b""))

    return act


def posted(clients: Clients, scene: Scene) -> Any:
    form = clients["s3"].generate_presigned_post(**planted(scene), ExpiresIn=60)
    return granted(scene.own.tenant.send_form(form, b"planted"))


def version_deleted(clients: Clients, scene: Scene) -> Any:
    """One version that is there for this alone: what is deleted so cannot be put back."""
    root, place = scene.target.product.root("s3"), planted(scene)
    version = root.put_object(**place, Body=b"")["VersionId"]
    try:
        return clients["s3"].delete_object(**place, VersionId=version)
    finally:
        root.delete_object(**place, VersionId=version)


def listed(operation: str, bucket: Callable[[Scene], str], prefix: Callable[[Scene], str]) -> Act:
    return lambda clients, scene: getattr(clients["s3"], operation)(Bucket=bucket(scene), Prefix=prefix(scene))


def below(scene: Scene) -> str:
    return scene.target.tenant.prefix


S3: Final[dict[str, Act]] = {
    "get upload": lambda clients, scene: clients["s3"].get_object(**upload(scene)),
    "get version": lambda clients, scene: clients["s3"].get_object(
        **upload(scene), VersionId=scene.target.document["version"]
    ),
    "get a range": lambda clients, scene: clients["s3"].get_object(**upload(scene), Range="bytes=0-3"),
    "head upload": lambda clients, scene: clients["s3"].head_object(**upload(scene)),
    "get text": lambda clients, scene: clients["s3"].get_object(**text(scene)),
    "head text": lambda clients, scene: clients["s3"].head_object(**text(scene)),
    "put upload": lambda clients, scene: clients["s3"].put_object(**planted(scene), Body=b"planted"),
    "replace upload": lambda clients, scene: clients["s3"].put_object(**upload(scene), Body=b"planted"),
    "put artifact": lambda clients, scene: clients["s3"].put_object(**text(scene), Body=b"planted"),
    "put manifest": lambda clients, scene: clients["s3"].put_object(**manifest(scene), Body=b"{}"),
    "delete upload": lambda clients, scene: clients["s3"].delete_object(**upload(scene)),
    "delete uploads": deleted_in_bulk,
    "delete artifact": lambda clients, scene: clients["s3"].delete_object(**text(scene)),
    "delete manifest": lambda clients, scene: clients["s3"].delete_object(**manifest(scene)),
    "copy upload out": copied_out,
    "copy text out": text_copied_out,
    "copy in": copied_in,
    "copy a part out": part_copied,
    "start multipart": lambda clients, scene: clients["s3"].create_multipart_upload(**planted(scene)),
    "list uploads": listed("list_objects_v2", uploads, below),
    "list uploads, version 1": listed("list_objects", uploads, below),
    "list artifacts": listed("list_objects_v2", artifacts, below),
    "list versions": listed("list_object_versions", uploads, below),
    "presigned GET": presigned("get_object", upload),
    "presigned PUT": presigned("put_object", planted),
    "presigned form": posted,
}
S3_NEVER: Final[dict[str, Act]] = {
    "get manifest": lambda clients, scene: clients["s3"].get_object(**manifest(scene)),
    "delete version": version_deleted,
    "list all uploads": lambda clients, scene: clients["s3"].list_objects_v2(Bucket=uploads(scene)),
    "list all artifacts": listed("list_objects_v2", artifacts, lambda _: "tenants/"),
    "list all versions": lambda clients, scene: clients["s3"].list_object_versions(Bucket=uploads(scene)),
    "list without the slash": listed("list_objects_v2", uploads, lambda scene: f"tenants/{scene.target.tenant_id}"),
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


def tenants(scene: Scene) -> Json:
    return {"TableName": scene.target.product["TenantTableName"]}


def control(scene: Scene) -> Json:
    return {"TableName": scene.target.product["ControlTableName"]}


def row(scene: Scene) -> Json:
    return {"pk": {"S": scene.target.tenant_id}, "sk": {"S": f"DOCUMENT#{scene.target.document['document_id']}"}}


def new_row(tenant_id: str, sort_key: str = "PLANTED") -> Json:
    return {"pk": {"S": tenant_id}, "sk": {"S": sort_key}}


def partition(value: str) -> Json:
    return {"KeyConditionExpression": "pk = :pk", "ExpressionAttributeValues": {":pk": {"S": value}}}


def updated(scene: Scene) -> Json:
    values = {":planted": {"BOOL": True}}
    return tenants(scene) | {
        "Key": row(scene),
        "UpdateExpression": "SET planted = :planted",
        "ExpressionAttributeValues": values,
    }


def mixed(scene: Scene) -> list[Json]:
    items = [new_row(scene.own.tenant_id), new_row(scene.target.tenant_id, "PLANTED TOO")]
    return [{"Put": tenants(scene) | {"Item": item}} for item in items]


def statement(scene: Scene, text: str) -> str:
    return text.format(table=tenants(scene)["TableName"], tenant=scene.target.tenant_id)


DYNAMODB: Final[dict[str, Act]] = {
    "get": lambda clients, scene: clients["dynamodb"].get_item(**tenants(scene), Key=row(scene)),
    "batch get": lambda clients, scene: clients["dynamodb"].batch_get_item(
        RequestItems={tenants(scene)["TableName"]: {"Keys": [row(scene)]}}
    ),
    "query": lambda clients, scene: clients["dynamodb"].query(**tenants(scene), **partition(scene.target.tenant_id)),
    "query the index": lambda clients, scene: clients["dynamodb"].query(
        **tenants(scene), **partition(scene.target.tenant_id), IndexName="by_upload"
    ),
    "put": lambda clients, scene: clients["dynamodb"].put_item(**tenants(scene), Item=new_row(scene.target.tenant_id)),
    "update": lambda clients, scene: clients["dynamodb"].update_item(**updated(scene)),
    "transact get": lambda clients, scene: clients["dynamodb"].transact_get_items(
        TransactItems=[{"Get": tenants(scene) | {"Key": row(scene)}}]
    ),
    "transact put": lambda clients, scene: clients["dynamodb"].transact_write_items(
        TransactItems=[{"Put": tenants(scene) | {"Item": new_row(scene.target.tenant_id)}}]
    ),
    "transact update": lambda clients, scene: clients["dynamodb"].transact_write_items(
        TransactItems=[{"Update": updated(scene)}]
    ),
    "mixed transaction": lambda clients, scene: clients["dynamodb"].transact_write_items(TransactItems=mixed(scene)),
}
DYNAMODB_NEVER: Final[dict[str, Act]] = {
    "delete": lambda clients, scene: clients["dynamodb"].delete_item(**tenants(scene), Key=row(scene)),
    "transact delete": lambda clients, scene: clients["dynamodb"].transact_write_items(
        TransactItems=[{"Delete": tenants(scene) | {"Key": row(scene)}}]
    ),
    "batch write": lambda clients, scene: clients["dynamodb"].batch_write_item(
        RequestItems={tenants(scene)["TableName"]: [{"PutRequest": {"Item": new_row(scene.target.tenant_id)}}]}
    ),
    "scan": lambda clients, scene: clients["dynamodb"].scan(**tenants(scene)),
    "scan for one": lambda clients, scene: clients["dynamodb"].scan(
        **tenants(scene),
        FilterExpression="pk = :pk",
        ExpressionAttributeValues={":pk": {"S": scene.target.tenant_id}},
    ),
    "scan the index": lambda clients, scene: clients["dynamodb"].scan(**tenants(scene), IndexName="by_upload"),
    "PartiQL": lambda clients, scene: clients["dynamodb"].execute_statement(
        Statement=statement(scene, "SELECT * FROM \"{table}\" WHERE pk = '{tenant}'")
    ),
    "PartiQL batch": lambda clients, scene: clients["dynamodb"].batch_execute_statement(
        Statements=[{"Statement": statement(scene, "SELECT * FROM \"{table}\" WHERE pk = '{tenant}' AND sk = 'x'")}]
    ),
    "describe table": lambda clients, scene: clients["dynamodb"].describe_table(**tenants(scene)),
    "control: get tenant": lambda clients, scene: clients["dynamodb"].get_item(
        **control(scene), Key=new_row("TENANTS", scene.target.tenant_id)
    ),
    "control: get own record": lambda clients, scene: clients["dynamodb"].get_item(
        **control(scene), Key=new_row("TENANTS", scene.own.tenant_id)
    ),
    "control: list tenants": lambda clients, scene: clients["dynamodb"].query(**control(scene), **partition("TENANTS")),
    "control: list keys": lambda clients, scene: clients["dynamodb"].query(
        **control(scene), **partition(f"KEYS#{scene.target.tenant_id}")
    ),
    "control: partition named as the tenant": lambda clients, scene: clients["dynamodb"].query(
        **control(scene), **partition(scene.own.tenant_id)
    ),
    "control: plant a key": lambda clients, scene: clients["dynamodb"].put_item(
        **control(scene), Item=new_row(f"KEYS#{scene.target.tenant_id}", "planted")
    ),
    "control: scan": lambda clients, scene: clients["dynamodb"].scan(**control(scene)),
}


def arn(scene: Scene) -> str:
    buckets = scene.target.product.resources["VectorBucket"].rpartition("/")[0]
    return "{0}/{vectorBucketName}/index/{indexName}".format(buckets, **scene.target.index)


def new_vector(key: str) -> list[Json]:
    return [{"key": key, "data": {"float32": VECTOR}, "metadata": {"page": 1}}]


def question(**more: Any) -> Json:
    return {"topK": 3, "queryVector": {"float32": VECTOR}} | more


S3_VECTORS: Final[dict[str, Act]] = {
    "query": lambda clients, scene: clients["s3vectors"].query_vectors(**scene.target.index, **question()),
    "query for metadata": lambda clients, scene: clients["s3vectors"].query_vectors(
        **scene.target.index, **question(returnMetadata=True)
    ),
    "query by filter": lambda clients, scene: clients["s3vectors"].query_vectors(
        **scene.target.index, **question(filter={"seal": {"$eq": scene.target.seal}})
    ),
    "query by words": lambda clients, scene: clients["s3vectors"].query_vectors(
        **scene.target.index, topK=3, queryTexts=[{"text": "vault", "metadataKey": "text_en"}], returnMetadata=True
    ),
    "get": lambda clients, scene: clients["s3vectors"].get_vectors(
        **scene.target.index, keys=[scene.target.vector_key], returnData=True, returnMetadata=True
    ),
    "get by ARN": lambda clients, scene: clients["s3vectors"].get_vectors(
        indexArn=arn(scene), keys=[scene.target.vector_key], returnMetadata=True
    ),
    "put": lambda clients, scene: clients["s3vectors"].put_vectors(**scene.target.index, vectors=new_vector("planted")),
    "replace": lambda clients, scene: clients["s3vectors"].put_vectors(
        **scene.target.index, vectors=new_vector(scene.target.vector_key)
    ),
    "delete": lambda clients, scene: clients["s3vectors"].delete_vectors(
        **scene.target.index, keys=[scene.target.vector_key]
    ),
}
S3_VECTORS_NEVER: Final[dict[str, Act]] = {
    "list": lambda clients, scene: clients["s3vectors"].list_vectors(**scene.target.index, returnMetadata=True),
    "describe index": lambda clients, scene: clients["s3vectors"].get_index(**scene.target.index),
    "list indexes": lambda clients, scene: clients["s3vectors"].list_indexes(
        vectorBucketName=scene.target.index["vectorBucketName"]
    ),
    "make an index": lambda clients, scene: clients["s3vectors"].create_index(
        vectorBucketName=scene.target.index["vectorBucketName"],
        indexName="planted",
        dataType="float32",
        dimension=2,
        distanceMetric="cosine",
    ),
    "list vector buckets": lambda clients, _: clients["s3vectors"].list_vector_buckets(),
}


def key_of(scene: Scene) -> str:
    """A key of the target's: that of its buckets, or one that is tagged like those where it has none."""
    found = scene.target.product.root("s3").head_object(**upload(scene)).get("SSEKMSKeyId")
    if found is None:
        tags = [{"TagKey": "TenantId", "TagValue": scene.target.tenant_id}]
        found = scene.target.product.root("kms").create_key(Tags=tags)["KeyMetadata"]["KeyId"]
    return str(found)


def decrypted(clients: Clients, scene: Scene) -> Any:
    secret = scene.target.product.root("kms").encrypt(KeyId=key_of(scene), Plaintext=b"secret")
    return clients["kms"].decrypt(CiphertextBlob=secret["CiphertextBlob"])


def tagged_as_own(clients: Clients, scene: Scene) -> Any:
    tags = [{"TagKey": "TenantId", "TagValue": scene.own.tenant_id}]
    kms = scene.target.product.root("kms")
    key = kms.create_key(Tags=[{"TagKey": "TenantId", "TagValue": scene.target.tenant_id}])["KeyMetadata"]["KeyId"]
    return clients["kms"].tag_resource(KeyId=key, Tags=tags)


KMS: Final[dict[str, Act]] = {
    "decrypt": decrypted,
    "make a data key": lambda clients, scene: clients["kms"].generate_data_key(KeyId=key_of(scene), KeySpec="AES_256"),
}
KMS_NEVER: Final[dict[str, Act]] = {
    "encrypt": lambda clients, scene: clients["kms"].encrypt(KeyId=key_of(scene), Plaintext=b"planted"),
    "tag as one's own": tagged_as_own,
    "read key policy": lambda clients, scene: clients["kms"].get_key_policy(KeyId=key_of(scene)),
    "list keys": lambda clients, _: clients["kms"].list_keys(),
}


def became(**changes: Any) -> Act:
    def act(clients: Clients, scene: Scene) -> Any:
        request = {
            "RoleArn": scene.target.product["TenantDataRoleArn"],
            "RoleSessionName": "attack",
            "Tags": [{"Key": "TenantId", "Value": scene.target.tenant_id}],
        }
        return clients["sts"].assume_role(**request | changes)

    return act


def became_a_function(clients: Clients, scene: Scene) -> Any:
    product = scene.target.product
    role = product.root("iam").get_role(RoleName=product.resources["QueryRole"])["Role"]["Arn"]
    return clients["sts"].assume_role(RoleArn=role, RoleSessionName="attack")


def invoked(clients: Clients, scene: Scene) -> Any:
    state = {"tenant": scene.target.context, "document": scene.target.registered}
    function = scene.target.product.resources["UpdateMetadata"]
    return clients["lambda"].invoke(FunctionName=function, Payload=json.dumps(state))


def machine(scene: Scene) -> str:
    return scene.target.product["IngestionStateMachineArn"]


def execution(scene: Scene) -> str:
    row = scene.target.things().rows[f"DOCUMENT#{scene.target.document['document_id']}"]
    return scene.target.product.execution_arn(row["execution"]["S"])


def as_operator(method: str, route: str) -> Act:
    def act(clients: Clients, scene: Scene) -> Any:
        url = scene.own.product.url(route.format(target=scene.target.tenant_id))
        return granted(signed_request(clients, scene.own.product, method, url))

    return act


OTHERS_NEVER: Final[dict[str, Act]] = {
    "CloudFormation describe": lambda clients, _: clients["cloudformation"].describe_stacks(),
    "CloudFormation look at resources": lambda clients, _: clients["cloudformation"].describe_stack_resources(
        StackName="onggi"
    ),
    "STS become the target": became(),
    "STS become the target without a tag": became(Tags=[]),
    "STS become the target with two tags": became(
        Tags=[{"Key": "TenantId", "Value": "jar-c"}, {"Key": "Tier", "Value": "premium"}]
    ),
    "STS become a function": became_a_function,
    "Lambda invoke with the target's state": invoked,
    "Step Functions start": lambda clients, scene: clients["stepfunctions"].start_execution(
        stateMachineArn=machine(scene), input="{}"
    ),
    "Step Functions describe": lambda clients, scene: clients["stepfunctions"].describe_execution(
        executionArn=execution(scene)
    ),
    "Step Functions history": lambda clients, scene: clients["stepfunctions"].get_execution_history(
        executionArn=execution(scene)
    ),
    "EventBridge put event": lambda clients, _: clients["events"].put_events(
        Entries=[{"Source": "planted", "DetailType": "Object Created", "Detail": "{}"}]
    ),
    "CloudWatch read logs": lambda clients, _: clients["logs"].describe_log_groups(),
    "operator: show the target": as_operator("GET", "/admin/tenants/{target}"),
    "operator: list tenants": as_operator("GET", "/admin/tenants"),
    "operator: issue a key": as_operator("POST", "/admin/tenants/{target}/keys"),
}


def new_entry(scene: Scene) -> Json:
    """The place of an entry of the audit trail that is not there yet."""
    bucket = scene.target.product["AuditBucketName"]
    return {"Bucket": bucket, "Key": f"{scene.target.tenant_id}/planted-{uuid.uuid4().hex}.json"}


def entry_version_deleted(clients: Clients, scene: Scene) -> Any:
    root, place = scene.target.product.root("s3"), new_entry(scene)
    version = root.put_object(**place, Body=b"", IfNoneMatch="*")["VersionId"]
    try:
        return clients["s3"].delete_object(**place, VersionId=version)
    finally:
        root.delete_object(**place, VersionId=version)


AUDIT: Final[dict[str, Act]] = {
    "add an entry": lambda clients, scene: clients["s3"].put_object(**new_entry(scene), Body=b"{}", IfNoneMatch="*"),
}
"""What an owner's session may do, by issuing and revoking keys of its own tenant."""
AUDIT_NEVER: Final[dict[str, Act]] = {
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
    "delete the version of an entry": entry_version_deleted,
    "read the policy": lambda clients, scene: clients["s3"].get_bucket_policy(
        Bucket=scene.target.product["AuditBucketName"]
    ),
    "put a row where the trail was": lambda clients, scene: clients["dynamodb"].put_item(
        **control(scene), Item=new_row(f"AUDIT#{scene.target.tenant_id}", "planted")
    ),
}


def _under_session(act: Act) -> Callable[[Scene], Any]:
    return lambda scene: act(scene.own.session, scene)


def _under_key_session(act: Act) -> Callable[[Scene], Any]:
    return lambda scene: act(scene.own.key_session, scene)


def _attacks(
    service: str, acts: dict[str, Act], *, own: bool, under: Callable[[Act], Callable[[Scene], Any]] = _under_session
) -> list[Attack]:
    walls = (Walls.IAM, Walls.NEITHER)
    return [
        Attack("session", f"{service} {name}".strip(), call, walls, strict=True, own=call if own else None)
        for name, act in acts.items()
        for call in [under(act)]
    ]


SESSION_ATTACKS: Final = [
    *_attacks("S3", S3, own=True),
    *_attacks("S3", S3_NEVER, own=False),
    *_attacks("DynamoDB", DYNAMODB, own=True),
    *_attacks("DynamoDB", DYNAMODB_NEVER, own=False),
    *_attacks("S3 Vectors", S3_VECTORS, own=True),
    *_attacks("S3 Vectors", S3_VECTORS_NEVER, own=False),
    *_attacks("KMS", KMS, own=True),
    *_attacks("KMS", KMS_NEVER, own=False),
    *_attacks("", OTHERS_NEVER, own=False),
    *_attacks("audit trail", AUDIT | AUDIT_NEVER, own=False),
    *_attacks("audit trail by an owner's session", AUDIT, own=True, under=_under_key_session),
    *_attacks("audit trail by an owner's session", AUDIT_NEVER, own=False, under=_under_key_session),
]
