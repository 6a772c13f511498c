import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.unit.local.s3vectors.support import Client, NewIndex, code_and_status

KEY = "arn:aws:kms:us-east-1:000000000000:key/1234abcd"
POLICY = json.dumps(
    {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}]}
)
KOREAN = {"metadataKey": "text_ko", "language": "ko"}
STANDARD = {"metadataKey": "text"}


def test_a_bucket_lives_from_creation_to_deletion(client: Client) -> None:
    arn = client.create_vector_bucket(vectorBucketName="crate-1", tags={"단지": "김치"})["vectorBucketArn"]
    assert arn == "arn:aws:s3vectors:us-east-1:000000000000:bucket/crate-1"
    bucket = client.get_vector_bucket(vectorBucketArn=arn)["vectorBucket"]
    assert bucket["encryptionConfiguration"] == {"sseType": "AES256"}
    assert bucket["defaultIndexMode"] == "ENHANCED"
    assert datetime.now(UTC) - bucket["creationTime"] < timedelta(minutes=1)
    assert client.list_tags_for_resource(resourceArn=arn)["tags"] == {"단지": "김치"}
    assert code_and_status(client.create_vector_bucket, vectorBucketName="crate-1") == ("ConflictException", 409)
    client.delete_vector_bucket(vectorBucketName="crate-1")
    assert code_and_status(client.get_vector_bucket, vectorBucketName="crate-1") == ("NotFoundException", 404)
    client.create_vector_bucket(vectorBucketName="crate-1")
    assert client.list_tags_for_resource(resourceArn=arn)["tags"] == {}


def test_a_bucket_with_an_index_is_not_deleted(client: Client) -> None:
    client.create_vector_bucket(vectorBucketName="crate-2")
    client.create_index(
        vectorBucketName="crate-2", indexName="acme", dimension=2, dataType="float32", distanceMetric="cosine"
    )
    assert code_and_status(client.delete_vector_bucket, vectorBucketName="crate-2") == ("ConflictException", 409)
    client.delete_index(vectorBucketName="crate-2", indexName="acme")
    client.delete_vector_bucket(vectorBucketName="crate-2")


@pytest.mark.parametrize("name", ["ab", "a" * 64, "Crate", "crate_1", "-crate", "crate-", "crate.1", "항아리"])
def test_bucket_names_follow_the_rules(client: Client, name: str) -> None:
    assert code_and_status(client.create_vector_bucket, vectorBucketName=name) == ("ValidationException", 400)


@pytest.mark.parametrize("page_size", [1, 2, 500])
def test_buckets_are_listed_by_prefix_and_page(client: Client, page_size: int) -> None:
    names = [f"listed-{page_size}-{letter}" for letter in "abc"]
    for name in names:
        client.create_vector_bucket(vectorBucketName=name)
    pages = client.get_paginator("list_vector_buckets").paginate(
        prefix=f"listed-{page_size}-", PaginationConfig={"PageSize": page_size}
    )
    assert [bucket["vectorBucketName"] for page in pages for bucket in page["vectorBuckets"]] == names


def test_a_policy_is_kept_until_deleted(client: Client) -> None:
    client.create_vector_bucket(vectorBucketName="crate-3")
    assert code_and_status(client.get_vector_bucket_policy, vectorBucketName="crate-3") == ("NotFoundException", 404)
    for broken in ("{", "[]", "{}"):
        assert code_and_status(client.put_vector_bucket_policy, vectorBucketName="crate-3", policy=broken)[1] == 400
    client.put_vector_bucket_policy(vectorBucketName="crate-3", policy=POLICY)
    assert client.get_vector_bucket_policy(vectorBucketName="crate-3")["policy"] == POLICY
    client.delete_vector_bucket_policy(vectorBucketName="crate-3")
    client.delete_vector_bucket_policy(vectorBucketName="crate-3")
    assert code_and_status(client.get_vector_bucket_policy, vectorBucketName="crate-3")[1] == 404


def test_tags_are_added_changed_and_removed(client: Client, new_index: NewIndex) -> None:
    arn = new_index(tags={"a": "1"})
    client.tag_resource(resourceArn=arn, tags={"a": "2", "b": "3"})
    client.untag_resource(resourceArn=arn, tagKeys=["b", "c"])
    assert client.list_tags_for_resource(resourceArn=arn)["tags"] == {"a": "2"}
    assert code_and_status(client.tag_resource, resourceArn=arn, tags={str(n): "" for n in range(50)})[1] == 400
    assert code_and_status(client.tag_resource, resourceArn=arn, tags={"aws:x": ""})[1] == 400
    assert code_and_status(client.tag_resource, resourceArn=arn, tags={"no#hash": ""})[1] == 400
    assert code_and_status(client.tag_resource, resourceArn=f"{arn}-absent", tags={"a": ""}) == (
        "NotFoundException",
        404,
    )
    assert client.list_tags_for_resource(resourceArn=arn)["tags"] == {"a": "2"}


def test_encryption_is_inherited_and_must_be_consistent(client: Client) -> None:
    kms = {"sseType": "aws:kms", "kmsKeyArn": KEY}
    client.create_vector_bucket(vectorBucketName="crate-4", encryptionConfiguration=kms)
    arn = client.create_index(
        vectorBucketName="crate-4", indexName="acme", dimension=2, dataType="float32", distanceMetric="cosine"
    )["indexArn"]
    assert client.get_index(indexArn=arn)["index"]["encryptionConfiguration"] == kms
    for wrong in (
        {"sseType": "aws:kms"},
        {"kmsKeyArn": KEY},
        {"sseType": "DES"},
        {"sseType": "aws:kms", "kmsKeyArn": "x"},
    ):
        assert (
            code_and_status(client.create_vector_bucket, vectorBucketName="crate-5", encryptionConfiguration=wrong)[1]
            == 400
        )


def test_an_index_is_described_as_it_was_made(client: Client, new_index: NewIndex) -> None:
    metadata = {"nonFilterableMetadataKeys": ["text_ko"], "textSearchConfigurations": [KOREAN, STANDARD]}
    arn = new_index(dimension=1024, distanceMetric="euclidean", metadataConfiguration=metadata)
    index = client.get_index(indexArn=arn)["index"]
    assert (index["dimension"], index["distanceMetric"], index["dataType"]) == (1024, "euclidean", "float32")
    assert index["indexMode"] == "ENHANCED"
    assert index["metadataConfiguration"] == {
        "nonFilterableMetadataKeys": ["text_ko"],
        "textSearchConfigurations": [KOREAN | {"status": "ACTIVE"}, STANDARD | {"status": "ACTIVE"}],
    }


@pytest.mark.parametrize(
    "setting",
    [
        {"dimension": 0},
        {"dimension": 4097},
        {"dimension": "2"},
        {"distanceMetric": "dot"},
        {"dataType": "float16"},
        {"metadataConfiguration": {"nonFilterableMetadataKeys": [f"k{n}" for n in range(11)]}},
        {"metadataConfiguration": {"nonFilterableMetadataKeys": ["k", "k"]}},
        {"metadataConfiguration": {"textSearchConfigurations": [KOREAN, KOREAN]}},
        {"metadataConfiguration": {"textSearchConfigurations": [{"metadataKey": "t", "language": "xx"}]}},
        {"metadataConfiguration": {"textSearchConfigurations": [{"metadataKey": f"t{n}"} for n in range(11)]}},
        {"indexName": "Acme"},
        {"indexName": "no"},
    ],
)
def test_an_index_is_refused_what_the_api_does_not_allow(new_index: NewIndex, setting: dict[str, Any]) -> None:
    assert code_and_status(new_index, **setting) == ("ValidationException", 400)


def test_index_names_are_unique_in_a_bucket(client: Client) -> None:
    client.create_vector_bucket(vectorBucketName="crate-6")
    index = {"indexName": "acme", "dimension": 2, "dataType": "float32", "distanceMetric": "cosine"}
    client.create_index(vectorBucketName="crate-6", **index)
    assert code_and_status(client.create_index, vectorBucketName="crate-6", **index) == ("ConflictException", 409)
    assert code_and_status(client.create_index, vectorBucketName="absent", **index) == ("NotFoundException", 404)


def test_a_bucket_holds_no_more_indexes_than_its_quota(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("local.s3vectors.indexes.MAX_INDEXES", 2)
    client.create_vector_bucket(vectorBucketName="crate-7")
    index = {"vectorBucketName": "crate-7", "dimension": 2, "dataType": "float32", "distanceMetric": "cosine"}
    for name in ("one", "two"):
        client.create_index(indexName=name, **index)
    assert code_and_status(client.create_index, indexName="three", **index) == ("ServiceQuotaExceededException", 402)
    pages = client.get_paginator("list_indexes").paginate(vectorBucketName="crate-7", PaginationConfig={"PageSize": 1})
    assert [entry["indexName"] for page in pages for entry in page["indexes"]] == ["one", "two"]


def test_a_deleted_index_comes_back_empty(client: Client) -> None:
    client.create_vector_bucket(vectorBucketName="crate-8")
    index = {
        "vectorBucketName": "crate-8",
        "indexName": "acme",
        "dimension": 2,
        "dataType": "float32",
        "distanceMetric": "cosine",
    }
    arn = client.create_index(**index)["indexArn"]
    client.put_vectors(indexArn=arn, vectors=[{"key": "a", "data": {"float32": [1, 0]}}])
    assert client.query_vectors(indexArn=arn, queryVector={"float32": [1, 0]}, topK=1)["vectors"] == [{"key": "a"}]
    client.delete_index(indexArn=arn)
    assert code_and_status(client.query_vectors, indexArn=arn, queryVector={"float32": [1, 0]}, topK=1)[1] == 404
    client.create_index(**index)
    assert client.query_vectors(indexArn=arn, queryVector={"float32": [1, 0]}, topK=1)["vectors"] == []


def test_only_the_enhanced_mode_exists_for_new_buckets(client: Client, new_index: NewIndex) -> None:
    arn = new_index()
    client.update_index_mode(indexArn=arn, indexMode="ENHANCED")
    assert code_and_status(client.update_index_mode, indexArn=arn, indexMode="CLASSIC")[1] == 400
    bucket = arn.partition("/index/")[0]
    client.put_vector_bucket_default_index_mode(vectorBucketArn=bucket, defaultIndexMode="ENHANCED")
    assert (
        code_and_status(
            client.put_vector_bucket_default_index_mode, vectorBucketArn=bucket, defaultIndexMode="CLASSIC"
        )[1]
        == 400
    )
    query = {"indexArn": arn, "queryVector": {"float32": [1, 0]}, "topK": 1}
    client.query_vectors(**query, queryMode="ENHANCED")
    assert code_and_status(client.query_vectors, **query, queryMode="CLASSIC")[1] == 400


def test_searchable_keys_come_and_go(client: Client, new_index: NewIndex) -> None:
    arn = new_index()
    client.put_vectors(
        indexArn=arn, vectors=[{"key": "a", "data": {"float32": [1, 0]}, "metadata": {"text_ko": "된장찌개"}}]
    )
    ask = {"indexArn": arn, "queryTexts": [{"metadataKey": "text_ko", "text": "된장"}], "topK": 1}
    assert code_and_status(client.query_vectors, **ask)[1] == 400
    client.update_metadata_configuration(indexArn=arn, add={"textSearchConfigurations": [KOREAN]})
    assert client.query_vectors(**ask)["vectors"] == [{"key": "a"}]
    assert (
        code_and_status(client.update_metadata_configuration, indexArn=arn, add={"textSearchConfigurations": [KOREAN]})[
            1
        ]
        == 400
    )
    keys = {"textSearchConfigurations": [{"metadataKey": "text_ko"}]}
    assert code_and_status(client.update_metadata_configuration, indexArn=arn, add=keys, delete=keys)[1] == 400
    client.update_metadata_configuration(indexArn=arn, delete=keys)
    assert code_and_status(client.query_vectors, **ask)[1] == 400
    assert code_and_status(client.update_metadata_configuration, indexArn=arn, delete=keys)[1] == 400


@pytest.mark.parametrize(
    "names",
    [
        {},
        {"vectorBucketName": "shared-bucket"},
        {"indexName": "index-0"},
        {"indexArn": "arn:aws:s3:::x"},
        {
            "indexArn": "arn:aws:s3vectors:us-east-1:000000000000:bucket/shared-bucket/index/index-0",
            "indexName": "index-0",
        },
    ],
)
def test_an_index_is_named_by_its_arn_or_by_both_names(client: Client, names: dict[str, str]) -> None:
    assert code_and_status(client.get_index, **names) == ("ValidationException", 400)
