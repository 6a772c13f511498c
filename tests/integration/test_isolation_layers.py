"""The two isolation layers: a tenant's session reaches no data of another, and the application checks each state."""

import json
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.integration.identities import Call, Identity, assert_denied, assumed, tagged
from tests.integration.product import Product, Tenant

type Pair = tuple[Tenant, Tenant, dict[str, Any]]

FUNCTIONS = (
    "RegisterDocument",
    "GrantReading",
    "ChunkText",
    "EmbedChunks",
    "IndexChunks",
    "PublishDocument",
    "UpdateMetadata",
    "RemoveDocument",
    "RecordFailure",
    "RecordInterruption",
    "Query",
    "Documents",
)
"""The functions that use tenants' data; Authorize, Tenants and Keys use the control table only."""
TEXT = "The vault of the cooperative opens at dawn only."


@pytest.fixture(scope="module")
def function_roles(product: Product) -> Callable[[str], Identity]:
    """Returns the identity of a function by its logical id; the local cloud's root user may assume every role."""
    return lambda function: assumed(product, product.resources[f"{function}Role"])


@pytest.fixture(scope="module")
def pair(product: Product) -> Pair:
    """Two tenants and a document of the second; the first id is a prefix of the second."""
    own, foreign = product.new_tenant("isolated"), product.new_tenant("isolated-b")
    own.ready("own.txt", TEXT)
    return own, foreign, foreign.ready("vault.txt", TEXT)


@pytest.fixture(scope="module")
def session(product: Product, pair: Pair, function_roles: Callable[[str], Identity]) -> Identity:
    """The first tenant's session, as in the function Query."""
    return tagged(product, function_roles("Query"), [{"Key": "TenantId", "Value": pair[0].tenant_id}])


def s3_calls(product: Product, s3: Any, tenant: Tenant, version: str) -> dict[str, Call]:
    """Returns all permitted calls on a tenant's uploads and artifacts."""
    uploads, artifacts = product["DocumentsBucketName"], product["ArtifactsBucketName"]
    own, manifest = tenant.prefix + "vault.txt", f"manifests/{tenant.tenant_id}/x/1.jsonl"
    return {
        "put": lambda: s3.put_object(Bucket=uploads, Key=own, Body=b"x"),
        "put with the name of a folder": lambda: s3.put_object(Bucket=uploads, Key=tenant.prefix + "a/b", Body=b"x"),
        "put artifact": lambda: s3.put_object(Bucket=artifacts, Key=own, Body=b"x"),
        "put manifest": lambda: s3.put_object(Bucket=artifacts, Key=manifest, Body=b"{}"),
        "get": lambda: s3.get_object(Bucket=uploads, Key=own),
        "get version": lambda: s3.get_object(Bucket=uploads, Key=own, VersionId=version),
        "head": lambda: s3.head_object(Bucket=uploads, Key=own),
        "get artifact": lambda: s3.get_object(Bucket=artifacts, Key=own),
        "list": lambda: s3.list_objects_v2(Bucket=uploads, Prefix=tenant.prefix),
        "list artifacts": lambda: s3.list_objects_v2(Bucket=artifacts, Prefix=tenant.prefix),
        "delete manifest": lambda: s3.delete_object(Bucket=artifacts, Key=manifest),
        "delete artifact": lambda: s3.delete_object(Bucket=artifacts, Key=own),
        "delete": lambda: s3.delete_object(Bucket=uploads, Key=own),
    }


def test_a_session_reaches_only_objects_of_its_tenant(product: Product, pair: Pair, session: Identity) -> None:
    own, foreign, document = pair
    s3 = session["s3"]
    version = own.drop("vault.txt", TEXT)
    for call in s3_calls(product, s3, own, version).values():
        call()
    before = product.keys_below(product["DocumentsBucketName"], foreign.prefix), foreign.artifacts()
    assert_denied(s3_calls(product, s3, foreign, document["version"]))
    assert (product.keys_below(product["DocumentsBucketName"], foreign.prefix), foreign.artifacts()) == before


def test_a_session_cannot_bypass_its_prefix(product: Product, pair: Pair, session: Identity) -> None:
    own, foreign, document = pair
    s3, uploads, artifacts = session["s3"], product["DocumentsBucketName"], product["ArtifactsBucketName"]
    own_key, foreign_key = own.prefix + "copy.txt", document["key"]
    text = f"{foreign.prefix}{document['document_id']}/{document['version']}/text.txt"
    assert_denied(
        {
            "copy out": lambda: s3.copy_object(Bucket=uploads, Key=own_key, CopySource=f"{uploads}/{foreign_key}"),
            "copy text out": lambda: s3.copy_object(Bucket=artifacts, Key=own_key, CopySource=f"{artifacts}/{text}"),
            "copy in": lambda: s3.copy_object(
                Bucket=uploads, Key=foreign_key, CopySource=f"{uploads}/{own.prefix}own.txt"
            ),
            "list all": lambda: s3.list_objects_v2(Bucket=uploads),
            "list tenants": lambda: s3.list_objects_v2(Bucket=uploads, Prefix="tenants/"),
            "list without the slash": lambda: s3.list_objects_v2(Bucket=uploads, Prefix=f"tenants/{own.tenant_id}"),
            "list versions": lambda: s3.list_object_versions(Bucket=uploads, Prefix=foreign.prefix),
            "list all versions": lambda: s3.list_object_versions(Bucket=uploads),
            "list versions of all": lambda: s3.list_object_versions(Bucket=uploads, Prefix="tenants/"),
            "list manifests": lambda: s3.list_objects_v2(Bucket=artifacts, Prefix="manifests/"),
            "get manifest": lambda: s3.get_object(Bucket=artifacts, Key=f"manifests/{foreign.tenant_id}/x/1.jsonl"),
            "delete version": lambda: s3.delete_object(Bucket=uploads, Key=foreign_key, VersionId=document["version"]),
            "start multipart": lambda: s3.create_multipart_upload(Bucket=uploads, Key=foreign_key),
            "path with dots": lambda: s3.put_object(Bucket=uploads, Key="tenants/../" + foreign_key, Body=b"x"),
            "other case": lambda: s3.put_object(Bucket=uploads, Key=own.prefix.upper() + "x", Body=b"x"),
            "read policy": lambda: s3.get_bucket_policy(Bucket=uploads),
            "write policy": lambda: s3.put_bucket_policy(Bucket=uploads, Policy="{}"),
            "list buckets": s3.list_buckets,
            "other bucket": lambda: s3.list_objects_v2(Bucket="onggi-deployments"),
            "deployment": lambda: s3.put_object(Bucket="onggi-deployments", Key=own.prefix + "x", Body=b"x"),
        }
    )
    with suppress(ClientError):  # AWS returns an error for each key
        s3.delete_objects(Bucket=uploads, Delete={"Objects": [{"Key": foreign_key}]})
    assert foreign_key in product.keys_below(uploads, foreign.prefix)


def test_a_signed_form_is_bound_to_its_session_and_expiry(product: Product, pair: Pair, session: Identity) -> None:
    own, foreign, _ = pair
    s3, uploads = session["s3"], product["DocumentsBucketName"]
    forms = {
        "own": s3.generate_presigned_post(Bucket=uploads, Key=own.prefix + "form.txt", ExpiresIn=60),
        "expired": s3.generate_presigned_post(Bucket=uploads, Key=own.prefix + "late.txt", ExpiresIn=-60),
        "foreign": s3.generate_presigned_post(Bucket=uploads, Key=foreign.prefix + "form.txt", ExpiresIn=60),
    }
    assert {name: own.send_form(form, b"text").status for name, form in forms.items()} == {
        "own": 204,
        "expired": 403,
        "foreign": 403,
    }


def item(tenant_id: str) -> dict[str, Any]:
    return {"pk": {"S": tenant_id}, "sk": {"S": "ISOLATED"}}


def ledger_calls(product: Product, dynamodb: Any, tenant_id: str) -> dict[str, Call]:
    table = product["TenantTableName"]
    values = {":pk": {"S": tenant_id}}
    return {
        "put": lambda: dynamodb.put_item(TableName=table, Item=item(tenant_id)),
        "update": lambda: dynamodb.update_item(
            TableName=table,
            Key=item(tenant_id),
            UpdateExpression="SET seen = :seen",
            ExpressionAttributeValues={":seen": {"BOOL": True}},
        ),
        "get": lambda: dynamodb.get_item(TableName=table, Key=item(tenant_id)),
        "batch get": lambda: dynamodb.batch_get_item(RequestItems={table: {"Keys": [item(tenant_id)]}}),
        "query": lambda: dynamodb.query(
            TableName=table, KeyConditionExpression="pk = :pk", ExpressionAttributeValues=values
        ),
        "query by upload": lambda: dynamodb.query(
            TableName=table,
            IndexName="by_upload",
            KeyConditionExpression="pk = :pk",
            ExpressionAttributeValues=values,
        ),
        "transact put": lambda: dynamodb.transact_write_items(
            TransactItems=[{"Put": {"TableName": table, "Item": item(tenant_id)}}]
        ),
        "transact get": lambda: dynamodb.transact_get_items(
            TransactItems=[{"Get": {"TableName": table, "Key": item(tenant_id)}}]
        ),
    }


def test_a_session_reaches_only_rows_of_its_tenant(product: Product, pair: Pair, session: Identity) -> None:
    own, foreign, document = pair
    dynamodb, table = session["dynamodb"], product["TenantTableName"]
    for call in ledger_calls(product, dynamodb, own.tenant_id).values():
        call()
    both = [item(own.tenant_id), item(foreign.tenant_id)]
    beyond: dict[str, Call] = {
        "mixed batch get": lambda: dynamodb.batch_get_item(RequestItems={table: {"Keys": both}}),
        "mixed transaction": lambda: dynamodb.transact_write_items(
            TransactItems=[{"Put": {"TableName": table, "Item": each}} for each in both]
        ),
        "batch write": lambda: dynamodb.batch_write_item(
            RequestItems={table: [{"PutRequest": {"Item": item(foreign.tenant_id)}}]}
        ),
        "delete": lambda: dynamodb.delete_item(TableName=table, Key=item(foreign.tenant_id)),
        "delete own": lambda: dynamodb.delete_item(TableName=table, Key=item(own.tenant_id)),
        "scan": lambda: dynamodb.scan(TableName=table),
        "scan index": lambda: dynamodb.scan(TableName=table, IndexName="by_upload"),
        "PartiQL": lambda: dynamodb.execute_statement(
            Statement=f"SELECT * FROM \"{table}\" WHERE pk = '{foreign.tenant_id}'"  # noqa: S608 - no external input
        ),
        "describe": lambda: dynamodb.describe_table(TableName=table),
        "drop": lambda: dynamodb.delete_table(TableName=table),
    }
    assert_denied(ledger_calls(product, dynamodb, foreign.tenant_id) | beyond)
    assert product.root("dynamodb").get_item(TableName=table, Key=item(foreign.tenant_id)).get("Item") is None
    assert foreign.document(document["document_id"]) == document


def test_a_session_cannot_reach_the_control_table(product: Product, pair: Pair, session: Identity) -> None:
    own, _, _ = pair
    dynamodb, table = session["dynamodb"], product["ControlTableName"]
    keys = [{"pk": {"S": pk}, "sk": {"S": own.tenant_id}} for pk in ("TENANTS", own.tenant_id, f"KEYS#{own.tenant_id}")]
    calls: dict[str, Call] = {"scan": lambda: dynamodb.scan(TableName=table)}
    for key in keys:
        pk = key["pk"]["S"]
        calls |= {
            f"get {pk}": lambda key=key: dynamodb.get_item(TableName=table, Key=key),  # type: ignore[misc]  # early binding
            f"put {pk}": lambda key=key: dynamodb.put_item(TableName=table, Item=key),  # type: ignore[misc]  # early binding
            f"query {pk}": lambda key=key: dynamodb.query(  # type: ignore[misc]  # early binding
                TableName=table,
                KeyConditionExpression="pk = :pk",
                ExpressionAttributeValues={":pk": key["pk"]},
            ),
        }
    assert_denied(calls)


def vector_calls(product: Product, vectors: Any, index: str, key: str) -> dict[str, Call]:
    where = {"vectorBucketName": product["VectorBucketName"], "indexName": index}
    vector = [1.0] + [0.0] * 1023
    question = {"topK": 3, "queryVector": {"float32": vector}}
    return {
        "put": lambda: vectors.put_vectors(
            **where, vectors=[{"key": "isolated", "data": {"float32": vector}, "metadata": {"page": 1}}]
        ),
        "get": lambda: vectors.get_vectors(**where, keys=[key], returnMetadata=True),
        "query": lambda: vectors.query_vectors(**where, **question),
        "query for metadata": lambda: vectors.query_vectors(**where, **question, returnMetadata=True),
        "delete": lambda: vectors.delete_vectors(**where, keys=["isolated"]),
    }


def test_a_session_reaches_only_vectors_of_its_tenant(product: Product, pair: Pair, session: Identity) -> None:
    own, foreign, document = pair
    vectors, bucket = session["s3vectors"], product["VectorBucketName"]
    for call in vector_calls(product, vectors, own.tenant_id, own.vector_keys()[0]).values():
        call()
    before = foreign.vector_keys()
    where = {"vectorBucketName": bucket, "indexName": foreign.tenant_id}
    arn = f"{product.resources['VectorBucket']}/index/{foreign.tenant_id}"
    beyond: dict[str, Call] = {
        "by ARN": lambda: vectors.get_vectors(indexArn=arn, keys=before),
        "list": lambda: vectors.list_vectors(**where),
        "list indexes": lambda: vectors.list_indexes(vectorBucketName=bucket),
        "describe index": lambda: vectors.get_index(**where),
        "drop index": lambda: vectors.delete_index(**where),
        "make index": lambda: vectors.create_index(
            vectorBucketName=bucket, indexName="isolated-new", dataType="float32", dimension=2, distanceMetric="cosine"
        ),
        "list buckets": vectors.list_vector_buckets,
    }
    assert_denied(vector_calls(product, vectors, foreign.tenant_id, before[0]) | beyond)
    assert foreign.vector_keys() == before
    assert len(before) == document["chunks"]


def test_a_session_may_call_only_the_configured_models(pair: Pair, session: Identity) -> None:
    bedrock, messages = session["bedrock-runtime"], [{"role": "user", "content": [{"text": "hello there"}]}]
    bedrock.converse(modelId=pair[0].call("GET", "/me").body["models"][0], messages=messages)
    assert_denied(
        {
            "another model": lambda: bedrock.converse(modelId="amazon.nova-pro-v1:0", messages=messages),
            "another embedding": lambda: bedrock.invoke_model(
                modelId="amazon.titan-embed-text-v1", body=json.dumps({"inputText": "a"})
            ),
        }
    )


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_reaches_nothing_without_a_tenant_session(
    product: Product,
    pair: Pair,
    function_roles: Callable[[str], Identity],
    function: str,
) -> None:
    _, foreign, document = pair
    role = function_roles(function)
    dynamodb, control = role["dynamodb"], product["ControlTableName"]
    calls = {f"s3 {name}": call for name, call in s3_calls(product, role["s3"], foreign, document["version"]).items()}
    ledger = ledger_calls(product, dynamodb, foreign.tenant_id)
    vectors = vector_calls(product, role["s3vectors"], foreign.tenant_id, foreign.vector_keys()[0])
    calls |= {f"ledger {name}": call for name, call in ledger.items()}
    calls |= {f"vectors {name}": call for name, call in vectors.items()}
    calls |= {
        "keys": lambda: dynamodb.get_item(
            TableName=control, Key={"pk": {"S": f"KEYS#{foreign.tenant_id}"}, "sk": {"S": "x"}}
        ),
        "tenants": lambda: dynamodb.query(
            TableName=control,
            KeyConditionExpression="pk = :pk",
            ExpressionAttributeValues={":pk": {"S": "TENANTS"}},
        ),
        "write tenant": lambda: dynamodb.put_item(
            TableName=control, Item={"pk": {"S": "TENANTS"}, "sk": {"S": "intruder"}}
        ),
        "model": lambda: role["bedrock-runtime"].invoke_model(
            modelId="amazon.titan-embed-text-v2:0", body=json.dumps({"inputText": "a"})
        ),
        "without a tag": lambda: tagged(product, role, []),
        "with another tag": lambda: tagged(product, role, [{"Key": "Tenant", "Value": "isolated"}]),
        "with an empty tag": lambda: tagged(product, role, [{"Key": "TenantId", "Value": ""}]),
        "with two tags": lambda: tagged(
            product, role, [{"Key": "TenantId", "Value": "isolated"}, {"Key": "Tier", "Value": "premium"}]
        ),
        "as another function": lambda: role["sts"].assume_role(
            RoleArn=product.root("iam").get_role(RoleName=product.resources["TenantsRole"])["Role"]["Arn"],
            RoleSessionName="test",
        ),
    }
    assert_denied(calls)
    tagged(product, role, [{"Key": "TenantId", "Value": "isolated"}])


@pytest.mark.parametrize("function", ["Authorize", "Tenants", "Keys", "ExtractText"])
def test_functions_without_tenant_data_cannot_assume_a_tenant_session(
    product: Product,
    pair: Pair,
    function_roles: Callable[[str], Identity],
    function: str,
) -> None:
    _, foreign, document = pair
    role = function_roles(function)
    calls = s3_calls(product, role["s3"], foreign, document["version"])
    calls |= {
        f"ledger {name}": call for name, call in ledger_calls(product, role["dynamodb"], foreign.tenant_id).items()
    }
    calls["become"] = lambda: tagged(product, role, [{"Key": "TenantId", "Value": foreign.tenant_id}])
    vectors = vector_calls(product, role["s3vectors"], foreign.tenant_id, foreign.vector_keys()[0])
    assert_denied(calls | {f"vectors {name}": call for name, call in vectors.items()})


def test_a_tenant_session_cannot_assume_another_tenant(product: Product, pair: Pair, session: Identity) -> None:
    tags = [{"Key": "TenantId", "Value": pair[1].tenant_id}]
    assert_denied({"chain": lambda: tagged(product, session, tags)})


def test_an_administrator_cannot_assume_a_tenant_session(product: Product) -> None:
    iam, anyone = product.root("iam"), {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}
    trust = json.dumps({"Version": "2012-10-17", "Statement": [anyone]})
    iam.create_role(RoleName="isolated-administrator", AssumeRolePolicyDocument=trust)
    everything = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
    iam.put_role_policy(RoleName="isolated-administrator", PolicyName="all", PolicyDocument=json.dumps(everything))
    administrator = assumed(product, "isolated-administrator")
    query = iam.get_role(RoleName=product.resources["QueryRole"])["Role"]["Arn"]
    assert_denied(
        {
            "tenant": lambda: tagged(product, administrator, [{"Key": "TenantId", "Value": "isolated"}]),
            "function": lambda: administrator["sts"].assume_role(RoleArn=query, RoleSessionName="test"),
        }
    )


@pytest.mark.parametrize(
    "function",
    ["ExtractText", "ChunkText", "EmbedChunks", "IndexChunks", "PublishDocument", "UpdateMetadata", "RemoveDocument"],
)
def test_a_state_with_different_tenants_is_rejected(product: Product, pair: Pair, function: str) -> None:
    own, foreign, document = pair
    registered = foreign.state(document)["registration"]
    tenant = {**registered["tenant"], "tenant_id": own.tenant_id}
    forged = {**registered["document"], "key": own.prefix + "own.txt"}
    states: list[dict[str, Any]] = [
        {"tenant": tenant, "document": registered["document"]},
        {"tenant": tenant, "document": forged},
    ]
    rest = {"batch": 0, "versions": [document["version"]], "batches": [], "extraction": {}, "chunking": {}}
    for state in states:
        reply = product.root("lambda").invoke(
            FunctionName=product.resources[function], Payload=json.dumps(state | rest)
        )
        assert reply.get("FunctionError") == "Unhandled"
        assert json.loads(reply["Payload"].read())["errorType"] == "TenantMismatch"
    assert foreign.document(document["document_id"]) == document


def test_a_claim_with_another_tenants_index_is_rejected(product: Product, pair: Pair) -> None:
    own, foreign, _ = pair
    forged = own.state({"key": own.prefix + "own.txt"})["registration"]["tenant"]
    forged["placement"]["index"] = foreign.tenant_id
    event = {
        "httpMethod": "POST",
        "resource": "/v1/retrieve",
        "body": json.dumps({"question": "When does the vault open?"}),
        "requestContext": {"requestId": "isolated", "authorizer": {"tenant": json.dumps(forged), "status": "active"}},
    }
    reply = product.root("lambda").invoke(FunctionName=product.resources["Query"], Payload=json.dumps(event))
    answer = json.loads(reply["Payload"].read())
    assert answer["statusCode"] == 404
    assert "vault" not in answer["body"]


def test_one_tenants_question_finds_nothing_of_another(pair: Pair, tenant: Tenant) -> None:
    _, foreign, document = pair
    question = "When does the vault of the cooperative open?"
    assert foreign.retrieve(question)["passages"][0]["document_id"] == document["document_id"]
    answer = tenant.ask(question)
    assert (answer["grounded"], answer["citations"]) == (False, [])
    assert tenant.retrieve(question)["passages"] == []
    by_filter = tenant.retrieve(question, filter={"document_id": {"$eq": document["document_id"]}})
    assert by_filter["passages"] == []
