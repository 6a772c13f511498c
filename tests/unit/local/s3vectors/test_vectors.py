import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import botocore
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.s3vectors import service
from tests.unit.local.s3vectors.support import Client, NewIndex, refusal

if TYPE_CHECKING:
    from collections.abc import Callable

ONE = {"float32": [1.0, 0.0]}


def vectors(count: int, metadata: dict[str, Any] | None = None) -> list[dict[str, Any]]:
    return [{"key": f"k{n}", "data": ONE} | ({"metadata": metadata} if metadata else {}) for n in range(count)]


def test_vectors_come_back_as_float32_with_their_metadata(client: Client, new_index: NewIndex) -> None:
    arn = new_index()
    metadata = {"문서": "계약서", "page": 3, "ratio": 0.5, "draft": False, "tags": ["a", "b"]}
    client.put_vectors(indexArn=arn, vectors=[{"key": "가", "data": {"float32": [0.1, 0.2]}, "metadata": metadata}])
    [vector] = client.get_vectors(indexArn=arn, keys=["나", "가"], returnData=True, returnMetadata=True)["vectors"]
    assert vector == {"key": "가", "data": {"float32": np.array([0.1, 0.2], np.float32).tolist()}, "metadata": metadata}
    assert client.get_vectors(indexArn=arn, keys=["가"])["vectors"] == [{"key": "가"}]


def test_what_was_written_outlives_the_process(client: Client, new_index: NewIndex, served: Path) -> None:
    arn = new_index()
    client.put_vectors(indexArn=arn, vectors=vectors(3))
    before = service.engine()
    service.configure(served, Path(botocore.__file__).parent / "data")
    assert service.engine() is not before
    assert len(client.list_vectors(indexArn=arn)["vectors"]) == 3


@pytest.mark.parametrize(
    ("vector", "path"),
    [
        ({"key": "", "data": ONE}, "/vectors/0/key"),
        ({"key": "k" * 1025, "data": ONE}, "/vectors/0/key"),
        ({"key": "k"}, "/vectors/0/data"),
        ({"key": "k", "data": {}}, "/vectors/0/data"),
        ({"key": "k", "data": {"float32": []}}, "/vectors/0/data"),
        ({"key": "k", "data": {"float32": [1]}}, "/vectors/0/data"),
        ({"key": "k", "data": {"float32": [1, 2, 3]}}, "/vectors/0/data"),
        ({"key": "k", "data": {"float32": [0, 0]}}, "/vectors/0/data"),
        ({"key": "k", "data": {"float32": [1e-60, 0]}}, "/vectors/0/data"),
        ({"key": "k", "data": {"float32": [math.nan, 1]}}, "/vectors/0/data"),
        ({"key": "k", "data": {"float32": [math.inf, 1]}}, "/vectors/0/data"),
        ({"key": "k", "data": {"float32": [1e39, 1]}}, "/vectors/0/data"),
        ({"key": "k", "data": ONE, "metadata": {"nested": {"a": 1}}}, "/vectors/0/metadata"),
        ({"key": "k", "data": ONE, "metadata": {"nothing": None}}, "/vectors/0/metadata"),
        ({"key": "k", "data": ONE, "metadata": {"list": [[1]]}}, "/vectors/0/metadata"),
        ({"key": "k", "data": ONE, "metadata": ["a"]}, "/vectors/0/metadata"),
        ({"key": "k", "data": ONE, "metadata": {f"k{n}": n for n in range(51)}}, "/vectors/0/metadata"),
        ({"key": "k", "data": ONE, "metadata": {"text": "x" * 2048}}, "/vectors/0/metadata"),
        ({"key": "k", "data": ONE, "metadata": {"body": "한" * 13_651}}, "/vectors/0/metadata"),
    ],
)
def test_a_bad_vector_is_refused_and_says_where(
    client: Client, new_index: NewIndex, vector: dict[str, Any], path: str
) -> None:
    arn = new_index(metadataConfiguration={"nonFilterableMetadataKeys": ["body"]})
    answer = refusal(client.put_vectors, indexArn=arn, vectors=[vector, {"key": "good", "data": ONE}])
    assert answer["Error"]["Code"] == "ValidationException"
    assert answer["fieldList"][0]["path"] == path
    assert client.list_vectors(indexArn=arn)["vectors"] == []


def test_metadata_may_be_as_large_as_the_limits(client: Client, new_index: NewIndex) -> None:
    arn = new_index(metadataConfiguration={"nonFilterableMetadataKeys": ["body"]})
    largest = {"text": "x" * (2048 - len('{"text":""}')), "body": "y" * (40 * 1024 - 2048 - len(',"body":""'))}
    assert len(json.dumps(largest, separators=(",", ":"))) == 40 * 1024
    client.put_vectors(indexArn=arn, vectors=[{"key": "k", "data": ONE, "metadata": largest}])
    client.put_vectors(
        indexArn=arn, vectors=[{"key": "k" * 1024, "data": ONE, "metadata": {f"k{n}": n for n in range(50)}}]
    )


def test_a_zero_vector_has_a_place_in_euclidean_space(client: Client, new_index: NewIndex) -> None:
    arn = new_index(distanceMetric="euclidean")
    client.put_vectors(indexArn=arn, vectors=[{"key": "zero", "data": {"float32": [0, 0]}}])
    found = client.query_vectors(indexArn=arn, queryVector={"float32": [3, 4]}, topK=1, returnDistance=True)
    assert found["vectors"] == [{"key": "zero", "distance": 5.0}]
    assert found["distanceMetric"] == "euclidean"


def test_batches_have_the_documented_sizes(client: Client, new_index: NewIndex) -> None:
    arn = new_index()
    keys = [f"k{n}" for n in range(501)]
    client.put_vectors(indexArn=arn, vectors=vectors(500))
    client.get_vectors(indexArn=arn, keys=keys[:100])
    client.delete_vectors(indexArn=arn, keys=keys[:500])
    refused: list[tuple[Callable[..., Any], dict[str, Any]]] = [
        (client.put_vectors, {"vectors": vectors(501)}),
        (client.put_vectors, {"vectors": []}),
        (client.put_vectors, {"vectors": vectors(1) * 2}),
        (client.get_vectors, {"keys": keys[:101]}),
        (client.delete_vectors, {"keys": keys}),
        (client.delete_vectors, {"keys": []}),
        (client.list_vectors, {"maxResults": 1001}),
        (client.list_vectors, {"segmentCount": 17, "segmentIndex": 0}),
        (client.list_vectors, {"segmentCount": 2}),
        (client.list_vectors, {"segmentCount": 2, "segmentIndex": 2}),
        (client.list_vectors, {"nextToken": "not one of ours"}),
    ]
    for call, batch in refused:
        assert refusal(call, indexArn=arn, **batch)["ResponseMetadata"]["HTTPStatusCode"] == 400


def test_a_page_of_vectors_stops_after_a_megabyte(client: Client, new_index: NewIndex) -> None:
    arn = new_index(metadataConfiguration={"nonFilterableMetadataKeys": ["body"]})
    client.put_vectors(indexArn=arn, vectors=vectors(60, {"body": "x" * 30_000}))
    sizes = [len(page["vectors"]) for page in client.get_paginator("list_vectors").paginate(indexArn=arn)]
    assert sum(sizes) == 60
    assert max(sizes) * 30_000 < 1_100_000


@given(
    count=st.integers(0, 40),
    page_size=st.integers(1, 45),
    segments=st.integers(1, 16),
    deleted=st.sets(st.integers(0, 39)),
)
def test_pages_and_segments_hold_every_vector_once(
    client: Client, new_index: NewIndex, count: int, page_size: int, segments: int, deleted: set[int]
) -> None:
    arn = new_index()
    gone = {f"k{n}" for n in deleted}
    if count:
        client.put_vectors(indexArn=arn, vectors=vectors(count))
    if gone:
        client.delete_vectors(indexArn=arn, keys=sorted(gone))
    paginator = client.get_paginator("list_vectors")
    listed = [
        vector["key"]
        for segment in range(segments)
        for page in paginator.paginate(
            indexArn=arn, segmentCount=segments, segmentIndex=segment, PaginationConfig={"PageSize": page_size}
        )
        for vector in page["vectors"]
    ]
    assert sorted(listed) == sorted({f"k{n}" for n in range(count)} - gone)


def test_a_token_continues_only_its_own_request(client: Client, new_index: NewIndex) -> None:
    first, second = new_index(), new_index()
    for arn in (first, second):
        client.put_vectors(indexArn=arn, vectors=vectors(3))
    token = client.list_vectors(indexArn=first, maxResults=1)["nextToken"]
    assert refusal(client.list_vectors, indexArn=second, nextToken=token)["Error"]["Code"] == "ValidationException"
    assert len(client.list_vectors(indexArn=first, nextToken=token)["vectors"]) == 2


steps = st.lists(
    st.tuples(st.sampled_from(["put", "delete", "query"]), st.sets(st.integers(0, 5), min_size=1), st.integers(1, 4)),
    max_size=8,
)


@given(steps)
def test_an_index_holds_what_a_dictionary_would(
    client: Client, new_index: NewIndex, history: list[tuple[str, set[int], int]]
) -> None:
    arn = new_index(metadataConfiguration={"textSearchConfigurations": [{"metadataKey": "text"}]})
    expected: dict[str, dict[str, Any]] = {}
    for action, numbers, value in history:
        keys = [f"k{n}" for n in sorted(numbers)]
        if action == "put":
            batch = {key: {"value": value, "text": f"word{value}"} for key in keys}
            client.put_vectors(
                indexArn=arn,
                vectors=[{"key": key, "data": {"float32": [1, value]}, "metadata": batch[key]} for key in keys],
            )
            expected |= batch
        elif action == "delete":
            client.delete_vectors(indexArn=arn, keys=keys)
            expected = {key: metadata for key, metadata in expected.items() if key not in keys}
        holding = sorted(key for key, metadata in expected.items() if metadata["value"] == value)
        by_filter = client.query_vectors(
            indexArn=arn, queryVector=ONE, topK=9, filter={"value": value}, returnMetadata=True
        )
        by_text = client.query_vectors(
            indexArn=arn, queryTexts=[{"metadataKey": "text", "text": f"word{value}"}], topK=9
        )
        assert {vector["key"]: vector["metadata"] for vector in by_filter["vectors"]} == {
            key: expected[key] for key in holding
        }
        assert [vector["key"] for vector in by_text["vectors"]] == holding
    listed = client.list_vectors(indexArn=arn, returnMetadata=True)["vectors"]
    assert {vector["key"]: vector["metadata"] for vector in listed} == expected
