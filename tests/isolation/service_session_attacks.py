"""Calls of S3 Vectors, KMS, STS and other services under a tenant's session that reach for another tenant's data."""

import json
from typing import Any, Final

from tests.integration.product import Json
from tests.isolation.attacks import Scene, SessionAct, granted
from tests.isolation.clients import Clients, signed_request
from tests.isolation.s3_session_attacks import upload

VECTOR: Final = [1.0] + [0.0] * 1023


def arn(scene: Scene) -> str:
    buckets = scene.target.product.resources["VectorBucket"].rpartition("/")[0]
    return "{0}/{vectorBucketName}/index/{indexName}".format(buckets, **scene.target.index)


def new_vector(key: str) -> list[Json]:
    return [{"key": key, "data": {"float32": VECTOR}, "metadata": {"page": 1}}]


def question(**more: Any) -> Json:
    return {"topK": 3, "queryVector": {"float32": VECTOR}} | more


S3_VECTORS: Final[dict[str, SessionAct]] = {
    "query": lambda clients, scene: clients["s3vectors"].query_vectors(**scene.target.index, **question()),
    "query for metadata": lambda clients, scene: clients["s3vectors"].query_vectors(
        **scene.target.index, **question(returnMetadata=True)
    ),
    "query by filter": lambda clients, scene: clients["s3vectors"].query_vectors(
        **scene.target.index, **question(filter={"marker": {"$eq": scene.target.marker}})
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
S3_VECTORS_NEVER: Final[dict[str, SessionAct]] = {
    "list": lambda clients, scene: clients["s3vectors"].list_vectors(**scene.target.index, returnMetadata=True),
    "describe index": lambda clients, scene: clients["s3vectors"].get_index(**scene.target.index),
    "list indexes": lambda clients, scene: clients["s3vectors"].list_indexes(
        vectorBucketName=scene.target.index["vectorBucketName"]
    ),
    "create an index": lambda clients, scene: clients["s3vectors"].create_index(
        vectorBucketName=scene.target.index["vectorBucketName"],
        indexName="planted",
        dataType="float32",
        dimension=2,
        distanceMetric="cosine",
    ),
    "list vector buckets": lambda clients, _: clients["s3vectors"].list_vector_buckets(),
}


def key_of(scene: Scene) -> str:
    """Returns the key of the target's buckets, or a new key with the same tags if it has none."""
    found = scene.target.product.root("s3").head_object(**upload(scene)).get("SSEKMSKeyId")
    if found is None:
        tags = [{"TagKey": "TenantId", "TagValue": scene.target.tenant_id}]
        found = scene.target.product.root("kms").create_key(Tags=tags)["KeyMetadata"]["KeyId"]
    return str(found)


def decrypt(clients: Clients, scene: Scene) -> Any:
    secret = scene.target.product.root("kms").encrypt(KeyId=key_of(scene), Plaintext=b"secret")
    return clients["kms"].decrypt(CiphertextBlob=secret["CiphertextBlob"])


def tag_as_own(clients: Clients, scene: Scene) -> Any:
    tags = [{"TagKey": "TenantId", "TagValue": scene.own.tenant_id}]
    kms = scene.target.product.root("kms")
    key = kms.create_key(Tags=[{"TagKey": "TenantId", "TagValue": scene.target.tenant_id}])["KeyMetadata"]["KeyId"]
    return clients["kms"].tag_resource(KeyId=key, Tags=tags)


KMS: Final[dict[str, SessionAct]] = {
    "decrypt": decrypt,
    "generate a data key": lambda clients, scene: clients["kms"].generate_data_key(
        KeyId=key_of(scene), KeySpec="AES_256"
    ),
}
KMS_NEVER: Final[dict[str, SessionAct]] = {
    "encrypt": lambda clients, scene: clients["kms"].encrypt(KeyId=key_of(scene), Plaintext=b"planted"),
    "tag as its own": tag_as_own,
    "read key policy": lambda clients, scene: clients["kms"].get_key_policy(KeyId=key_of(scene)),
    "list keys": lambda clients, _: clients["kms"].list_keys(),
}


def assume_target(**changes: Any) -> SessionAct:
    def act(clients: Clients, scene: Scene) -> Any:
        request = {
            "RoleArn": scene.target.product["TenantDataRoleArn"],
            "RoleSessionName": "attack",
            "Tags": [{"Key": "TenantId", "Value": scene.target.tenant_id}],
        }
        return clients["sts"].assume_role(**request | changes)

    return act


def assume_function(clients: Clients, scene: Scene) -> Any:
    product = scene.target.product
    role = product.root("iam").get_role(RoleName=product.resources["QueryRole"])["Role"]["Arn"]
    return clients["sts"].assume_role(RoleArn=role, RoleSessionName="attack")


def invoke_function(clients: Clients, scene: Scene) -> Any:
    state = {"tenant": scene.target.context, "document": scene.target.registered_document}
    function = scene.target.product.resources["UpdateMetadata"]
    return clients["lambda"].invoke(FunctionName=function, Payload=json.dumps(state))


def machine(scene: Scene) -> str:
    return scene.target.product["IngestionStateMachineArn"]


def execution(scene: Scene) -> str:
    row = scene.target.read_data().rows[f"DOCUMENT#{scene.target.document['document_id']}"]
    return scene.target.product.execution_arn(row["execution"]["S"])


def as_operator(method: str, route: str) -> SessionAct:
    def act(clients: Clients, scene: Scene) -> Any:
        url = scene.own.product.url(route.format(target=scene.target.tenant_id))
        return granted(signed_request(clients, scene.own.product, method, url))

    return act


OTHERS_NEVER: Final[dict[str, SessionAct]] = {
    "CloudFormation describe": lambda clients, _: clients["cloudformation"].describe_stacks(),
    "CloudFormation describe resources": lambda clients, _: clients["cloudformation"].describe_stack_resources(
        StackName="onggi"
    ),
    "STS assume the target's role": assume_target(),
    "STS assume the target's role without a tag": assume_target(Tags=[]),
    "STS assume the target's role with two tags": assume_target(
        Tags=[{"Key": "TenantId", "Value": "acme-c"}, {"Key": "Tier", "Value": "premium"}]
    ),
    "STS assume a function's role": assume_function,
    "Lambda invoke with the target's state": invoke_function,
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
