import asyncio
import json
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import botocore
import pytest
from botocore.exceptions import ClientError
from botocore.loaders import Loader
from botocore.model import ServiceModel
from hypothesis import given
from hypothesis import strategies as st

from local.s3vectors import cloudformation, service
from local.s3vectors.arns import Caller
from local.s3vectors.engine import Engine
from local.s3vectors.errors import ConflictError, ServiceError, ValidationError
from tests.unit.local.s3vectors.support import Client, NewIndex

DATA = Path(botocore.__file__).parent / "data"
MODEL = ServiceModel(Loader().load_service_model("s3vectors", "service-2"))
CALLER = Caller("111122223333", "ap-northeast-2")
INDEX = "arn:aws:s3vectors:ap-northeast-2:111122223333:bucket/crate/index/acme"
BUCKET = "arn:aws:s3vectors:ap-northeast-2:111122223333:bucket/crate"


@pytest.mark.usefixtures("client")
def test_every_operation_of_the_model_is_answered() -> None:
    engine = service.engine()
    assert len(MODEL.operation_names) > 20
    for name in MODEL.operation_names:
        http = MODEL.operation_model(name).http
        path = http["requestUri"].replace("{resourceArn}", "arn%3Aaws%3As3vectors")
        assert service.operation(http["method"], path) == name
        status, headers, body = engine.answer(http["method"], path, {}, b"{}", CALLER)
        expected = {"ListVectorBuckets": (200, None)}.get(name, (400, "ValidationException"))
        assert (status, headers.get("x-amzn-errortype")) == expected, (name, body)


@pytest.mark.usefixtures("client")
@pytest.mark.enable_socket  # an event loop wakes itself up over a socket pair
def test_the_handler_answers_from_an_event_loop(new_index: NewIndex) -> None:
    arn = new_index()
    request = json.dumps({"indexArn": arn}).encode()
    runner_answer: list[tuple[int, dict[str, str], bytes]] = []

    def run() -> None:
        runner_answer.append(asyncio.run(service.handle_request("POST", "/GetIndex", {}, request, {})))

    thread = threading.Thread(target=run)
    thread.start()
    thread.join(timeout=10)
    [(status, headers, body)] = runner_answer
    assert (status, headers["Content-Type"]) == (200, "application/json")
    assert json.loads(body)["index"]["indexArn"] == arn


@pytest.mark.parametrize("body", [b"{", b"[]", b'{"topK": NaN}', b"\xff", b'{"indexArn": null}'])
@pytest.mark.usefixtures("client")
def test_a_body_that_is_no_request_is_refused(body: bytes) -> None:
    status, headers, _ = service.engine().answer("POST", "/GetIndex", {}, body, CALLER)
    assert (status, headers["x-amzn-errortype"]) == (400, "ValidationException")


@pytest.mark.usefixtures("client")
def test_a_member_that_the_operation_does_not_have_is_refused() -> None:
    request = b'{"vectorBucketName": "crate-9", "color": "blue"}'
    status, _, body = service.engine().answer("POST", "/CreateVectorBucket", {}, request, CALLER)
    assert (status, json.loads(body)["fieldList"][0]["path"]) == (400, "/color")


@pytest.mark.parametrize(
    "body",
    [
        '{"keys": ["\\ud800"], "indexArn": "%s"}',
        '{"topK": 1, "queryVector": {"float32": [1, 0]}, "filter": '
        + '{"$and": [' * 400
        + "]}" * 400
        + ', "indexArn": "%s"}',
        "[" * 100_000,
    ],
)
def test_what_json_can_say_but_no_request_means_is_refused(new_index: NewIndex, body: str) -> None:
    request = (body.replace("%s", new_index())).encode()
    path = "/QueryVectors" if "topK" in body else "/GetVectors"
    status, headers, _ = service.engine().answer("POST", path, {}, request, CALLER)
    assert (status, headers["x-amzn-errortype"]) == (400, "ValidationException")


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=5)
    | st.sampled_from(["$and", "AES256", "$in"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["float32", "key", "data", "metadata", "text", "$or", "a"]), inner, max_size=3
        )
    ),
    max_leaves=8,
)


@given(st.data())
def test_no_request_makes_the_service_fail(new_index: NewIndex, data: st.DataObject) -> None:
    operation = MODEL.operation_model(data.draw(st.sampled_from(sorted(MODEL.operation_names))))
    assert operation.input_shape is not None
    members = st.sampled_from(
        [name for name in operation.input_shape.members if name not in {"vectorBucketArn", "indexArn"}]
    )
    body = data.draw(st.dictionaries(members, json_values, max_size=4))
    if "indexArn" in operation.input_shape.members:
        body["indexArn"] = new_index()
    path = operation.http["requestUri"].replace("{resourceArn}", "x")
    status, _, answer = service.engine().answer(operation.http["method"], path, {}, json.dumps(body).encode(), CALLER)
    assert status in {200, 400, 404, 409}, answer


@pytest.mark.usefixtures("client")
def test_a_body_beyond_the_limit_is_refused() -> None:
    status, _, body = service.engine().answer("POST", "/PutVectors", {}, b" " * (20 * 1024 * 1024 + 1), CALLER)
    assert status == 400
    assert b"20971520 bytes" in body


@pytest.mark.usefixtures("client")
def test_an_unknown_path_is_no_operation() -> None:
    assert service.operation("POST", "/Nowhere") is None
    status, headers, _ = service.engine().answer("POST", "/Nowhere", {}, b"", CALLER)
    assert (status, headers["x-amzn-errortype"]) == (404, "UnknownOperationException")


@pytest.mark.parametrize(
    ("operation", "body", "arn"),
    [
        ("QueryVectors", {"indexArn": INDEX}, INDEX),
        ("QueryVectors", {"vectorBucketName": "crate", "indexName": "acme"}, INDEX),
        ("CreateIndex", {"vectorBucketArn": BUCKET, "indexName": "acme"}, INDEX),
        ("ListIndexes", {"vectorBucketName": "crate"}, BUCKET),
        ("GetVectorBucket", {"vectorBucketArn": BUCKET}, BUCKET),
        ("TagResource", {"resourceArn": INDEX}, INDEX),
        ("ListVectorBuckets", {}, "*"),
    ],
)
def test_authorisation_is_about_the_resource_named(operation: str, body: dict[str, Any], arn: str) -> None:
    assert service.resource_arn(operation, body, CALLER.account, CALLER.region) == arn


@pytest.mark.parametrize(
    ("operation", "body", "actions"),
    [
        ("QueryVectors", {"queryVector": {}, "returnDistance": True, "returnMetadata": False}, []),
        ("QueryVectors", {"filter": {"a": 1}}, ["s3vectors:GetVectors"]),
        ("QueryVectors", {"queryTexts": [{}]}, ["s3vectors:GetVectors"]),
        ("QueryVectors", {"returnMetadata": True}, ["s3vectors:GetVectors"]),
        ("ListVectors", {"returnData": False}, []),
        ("ListVectors", {"returnData": True}, ["s3vectors:GetVectors"]),
        ("ListVectors", {"returnMetadata": True}, ["s3vectors:GetVectors"]),
        ("CreateIndex", {"tags": {"a": "b"}}, ["s3vectors:TagResource"]),
        ("PutVectors", {}, []),
    ],
)
def test_some_requests_need_a_second_permission(operation: str, body: dict[str, Any], actions: list[str]) -> None:
    assert service.additional_actions(operation, body) == actions


def test_accounts_and_regions_do_not_see_each_other(tmp_path: Path) -> None:
    engine = Engine(tmp_path, DATA)
    for caller in (CALLER, Caller("999999999999", CALLER.region), Caller(CALLER.account, "us-east-1")):
        engine.perform("CreateVectorBucket", {"vectorBucketName": "crate"}, caller)
        [bucket] = engine.perform("ListVectorBuckets", {}, caller)["vectorBuckets"]
        assert bucket["vectorBucketArn"] == f"arn:aws:s3vectors:{caller.region}:{caller.account}:bucket/crate"
    engine.close()


def filled(engine: Engine, name: str, count: int = 4) -> str:
    index = {
        "vectorBucketName": "crate",
        "indexName": name,
        "dimension": 64,
        "dataType": "float32",
        "distanceMetric": "cosine",
    }
    arn = str(engine.perform("CreateIndex", index, CALLER)["indexArn"])
    vectors = [{"key": f"k{n}", "data": {"float32": [1.0] * n + [-1.0] * (64 - n)}} for n in range(count)]
    engine.perform("PutVectors", {"indexArn": arn, "vectors": vectors}, CALLER)
    return arn


def nearest(engine: Engine, arn: str) -> list[str]:
    query = {"indexArn": arn, "topK": 9, "queryVector": {"float32": [-1.0] * 64}}
    vectors: list[dict[str, str]] = engine.perform("QueryVectors", query, CALLER)["vectors"]
    return [vector["key"] for vector in vectors]


def test_memory_beyond_the_budget_is_given_back_and_answers_stay_right(tmp_path: Path) -> None:
    one_index = 64 * 64 * 4
    engine = Engine(tmp_path, DATA, memory_budget=2 * one_index)
    engine.perform("CreateVectorBucket", {"vectorBucketName": "crate"}, CALLER)
    arns = [filled(engine, f"index-{n}") for n in range(5)]
    in_use = []
    for arn in arns * 2:
        assert nearest(engine, arn) == ["k0", "k1", "k2", "k3"]
        in_use.append(engine.memory_in_use)
    assert in_use == [one_index] + [2 * one_index] * 9
    engine.close()


def test_a_reset_forgets_everything(tmp_path: Path) -> None:
    engine = Engine(tmp_path, DATA)
    engine.perform("CreateVectorBucket", {"vectorBucketName": "crate"}, CALLER)
    arn = filled(engine, "acme")
    assert nearest(engine, arn)
    engine.clear()
    assert engine.perform("ListVectorBuckets", {}, CALLER) == {"vectorBuckets": []}
    with pytest.raises(ServiceError, match="index could not be found"):
        nearest(engine, arn)
    engine.close()


def test_rows_left_by_replaced_vectors_are_reclaimed(tmp_path: Path) -> None:
    engine = Engine(tmp_path, DATA)
    engine.perform("CreateVectorBucket", {"vectorBucketName": "crate"}, CALLER)
    arn = filled(engine, "acme", 60)
    expected = nearest(engine, arn)
    vectors = [{"key": f"k{n}", "data": {"float32": [1.0] * n + [-1.0] * (64 - n)}} for n in range(60)]
    for _ in range(40):
        engine.perform("PutVectors", {"indexArn": arn, "vectors": vectors}, CALLER)
        assert nearest(engine, arn) == expected
    assert engine.memory_in_use < 1200 * 64 * 4
    engine.close()


def test_concurrent_writers_and_readers_see_whole_batches(tmp_path: Path) -> None:
    engine = Engine(tmp_path, DATA)
    engine.perform("CreateVectorBucket", {"vectorBucketName": "crate"}, CALLER)
    arn = filled(engine, "acme", 1)

    def write(batch: int) -> None:
        vectors = [
            {"key": f"b{batch}-{n}", "data": {"float32": [1.0] * 64}, "metadata": {"batch": batch}} for n in range(20)
        ]
        engine.perform("PutVectors", {"indexArn": arn, "vectors": vectors}, CALLER)

    def count(batch: int) -> int:
        query = {"indexArn": arn, "topK": 50, "queryVector": {"float32": [1.0] * 64}, "filter": {"batch": batch}}
        return len(engine.perform("QueryVectors", query, CALLER)["vectors"])

    with ThreadPoolExecutor(8) as pool:
        writes = [pool.submit(write, batch) for batch in range(12)]
        counts = [pool.submit(count, batch) for batch in range(12) for _ in range(4)]
    assert {done.result() for done in counts} <= {0, 20}
    assert [write.result() for write in writes] == [None] * 12
    assert [count(batch) for batch in range(12)] == [20] * 12
    engine.close()


def test_cloudformation_makes_changes_and_removes_what_a_template_names(client: Client) -> None:
    encryption = {"SseType": "aws:kms", "KmsKeyArn": "arn:aws:kms:us-east-1:000000000000:key/1"}
    props = {
        "EncryptionConfiguration": encryption,
        "Tags": [{"Key": "tier", "Value": "basic"}, {"Key": "old", "Value": ""}],
    }
    arn, attributes = cloudformation.create("VectorBucket", props, "onggi")
    name = arn.rpartition("/")[2]
    assert name.startswith("onggi-vectorbucket-")
    assert attributes["VectorBucketArn"] == arn
    bucket = client.get_vector_bucket(vectorBucketArn=arn)["vectorBucket"]
    assert bucket["encryptionConfiguration"] == {"sseType": "aws:kms", "kmsKeyArn": encryption["KmsKeyArn"]}
    with pytest.raises(ConflictError):
        cloudformation.create("VectorBucket", props, "onggi")

    changed = props | {"Tags": [{"Key": "tier", "Value": "premium"}]}
    assert cloudformation.update(arn, props, changed, "onggi") == (arn, attributes)
    assert client.list_tags_for_resource(resourceArn=arn)["tags"] == {"tier": "premium"}
    with pytest.raises(ValidationError, match="EncryptionConfiguration"):
        cloudformation.update(arn, props, {"Tags": []}, "onggi")

    index = {"VectorBucketArn": arn, "DataType": "float32", "Dimension": "8", "DistanceMetric": "cosine"}
    keys = {"MetadataConfiguration": {"NonFilterableMetadataKeys": ["text"]}}
    index_arn, index_attributes = cloudformation.create_index("SharedIndex", index | keys, "onggi")
    assert index_arn.startswith(f"{arn}/index/onggi-sharedindex-")
    assert index_attributes["IndexArn"] == index_arn
    described = client.get_index(indexArn=index_arn)["index"]
    assert described["metadataConfiguration"] == {"nonFilterableMetadataKeys": ["text"]}

    policy = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Deny", "Principal": "*", "Action": "*", "Resource": "*"}],
    }
    policy_props = {"VectorBucketName": name, "Policy": policy}
    assert cloudformation.create_policy("Policy", policy_props, "onggi") == (arn, {})
    assert json.loads(client.get_vector_bucket_policy(vectorBucketName=name)["policy"]) == policy

    cloudformation.delete_policy(arn, policy_props)
    with pytest.raises(ConflictError):
        cloudformation.delete(arn, props)
    for _ in range(2):  # what is gone already is no failure
        cloudformation.delete_index(index_arn, index)
    for _ in range(2):
        cloudformation.delete(arn, props)
    with pytest.raises(ClientError, match="could not be found"):
        client.get_vector_bucket(vectorBucketArn=arn)


@pytest.mark.usefixtures("client")
def test_a_generated_name_is_valid_however_long_the_stack() -> None:
    arn, _ = cloudformation.create("VectorBucketOfTheBasicTier", {}, "a-stack-" + "with-a-long-name-" * 5)
    assert len(arn.rpartition("/")[2]) <= 63
    cloudformation.delete(arn, {})
