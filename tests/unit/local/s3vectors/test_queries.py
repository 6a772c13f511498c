import math
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.local.s3vectors.support import Client, NewIndex, refusal

LANGUAGES = {"text_ko": "ko", "text_en": "en", "text_ja": "ja", "text_zh": "zh"}
SEARCHABLE = {
    "nonFilterableMetadataKeys": [*LANGUAGES, "text"],
    "textSearchConfigurations": [
        *({"metadataKey": key, "language": language} for key, language in LANGUAGES.items()),
        {"metadataKey": "text"},
    ],
}
ONE = {"float32": [1.0, 0.0]}


def put(
    client: Client,
    arn: str,
    metadata_by_key: dict[str, dict[str, Any]],
    vector_of: Callable[[str], list[float]] = lambda _: [1.0, 0.0],
) -> None:
    entries = [
        {"key": key, "data": {"float32": vector_of(key)}, "metadata": metadata}
        for key, metadata in metadata_by_key.items()
    ]
    client.put_vectors(indexArn=arn, vectors=entries)


def keys(answer: dict[str, Any]) -> list[str]:
    return [vector["key"] for vector in answer["vectors"]]


def plainly(wanted: dict[str, Any], metadata: dict[str, Any]) -> bool:
    """The filter semantics once more, by rewriting everything to `any value equals` and order on numbers."""
    verdicts = []
    for key, condition in wanted.items():
        if key == "$and":
            verdicts.append(not [part for part in condition if not plainly(part, metadata)])
            continue
        if key == "$or":
            verdicts.append(bool([part for part in condition if plainly(part, metadata)]))
            continue
        held = metadata.get(key, [])
        tagged = [
            (type(item) is bool, type(item) is str, item) for item in (held if isinstance(held, list) else [held])
        ]
        for operator, operand in (condition if isinstance(condition, dict) else {"$eq": condition}).items():
            asked = [
                (type(item) is bool, type(item) is str, item)
                for item in (operand if isinstance(operand, list) else [operand])
            ]
            shared = [item for item in tagged if item in asked]
            numbers = [item for boolean, text, item in tagged if not boolean and not text]
            texts = [item for _, text, item in tagged if text]
            verdicts.append(
                {
                    "$eq": bool(shared),
                    "$in": bool(shared),
                    "$ne": not shared,
                    "$nin": not shared,
                    "$exists": (key in metadata) == operand,
                    "$gt": operator == "$gt" and max(numbers, default=-math.inf) > operand,
                    "$gte": operator == "$gte" and max(numbers, default=-math.inf) >= operand,
                    "$lt": operator == "$lt" and min(numbers, default=math.inf) < operand,
                    "$lte": operator == "$lte" and min(numbers, default=math.inf) <= operand,
                    "$startsWith": operator == "$startsWith" and operand in {item[: len(operand)] for item in texts},
                }[operator]
            )
    return False not in verdicts


names = st.sampled_from(["a", "b", "c"])
scalars = st.one_of(
    st.sampled_from(["", "x", "xy", "y", "1"]), st.integers(-1, 2), st.sampled_from([-0.5, 1.0, 1.5]), st.booleans()
)
numbers = st.one_of(st.integers(-1, 2), st.sampled_from([-0.5, 1.0, 1.5]))
metadata_of_one = st.dictionaries(names, st.one_of(scalars, st.lists(scalars, max_size=3)))
conditions = st.one_of(
    scalars,
    st.dictionaries(st.sampled_from(["$eq", "$ne"]), scalars, min_size=1),
    st.dictionaries(st.sampled_from(["$gt", "$gte", "$lt", "$lte"]), numbers, min_size=1),
    st.dictionaries(st.sampled_from(["$in", "$nin"]), st.lists(scalars, min_size=1, max_size=3), min_size=1),
    st.fixed_dictionaries({"$exists": st.booleans()}),
    st.fixed_dictionaries({"$startsWith": st.sampled_from(["x", "y", "1", "xy"])}),
)
filters = st.recursive(
    st.dictionaries(names, conditions, min_size=1, max_size=2),
    lambda inner: st.dictionaries(
        st.sampled_from(["$and", "$or"]), st.lists(inner, min_size=1, max_size=3), min_size=1
    ),
    max_leaves=6,
)


@given(st.lists(metadata_of_one, min_size=1, max_size=8), filters)
def test_a_filter_matches_what_its_definition_says(
    client: Client, new_index: NewIndex, stored: list[dict[str, Any]], wanted: dict[str, Any]
) -> None:
    arn = new_index()
    metadata_by_key = {f"k{n}": metadata for n, metadata in enumerate(stored)}
    put(client, arn, metadata_by_key)
    found = client.query_vectors(indexArn=arn, queryVector=ONE, topK=20, filter=wanted)
    assert keys(found) == [key for key, metadata in metadata_by_key.items() if plainly(wanted, metadata)]


@pytest.mark.parametrize(
    "wanted",
    [
        {},
        [],
        "a",
        {"$not": {"a": 1}},
        {"a": {"$regex": "x"}},
        {"a": {}},
        {"a": None},
        {"a": ["x"]},
        {"a": {"$gt": "x"}},
        {"a": {"$gt": True}},
        {"a": {"$in": []}},
        {"a": {"$in": "x"}},
        {"a": {"$in": [["x"]]}},
        {"a": {"$exists": 1}},
        {"a": {"$eq": ["x"]}},
        {"a": {"$startsWith": 1}},
        {"a": {"$startsWith": ["x"]}},
        {"$or": [{"a": number} for number in range(101)]},
        {f"k{number}": number for number in range(101)},
        {"$and": [{"a": {"$gte": number, "$lt": number}} for number in range(51)]},
        {"$and": []},
        {"$or": {"a": 1}},
        {"$and": [{"a": 1}, {"text": "x"}]},
        {"text": {"$exists": True}},
    ],
)
def test_what_is_no_filter_is_refused(client: Client, new_index: NewIndex, wanted: object) -> None:
    arn = new_index(metadataConfiguration=SEARCHABLE)
    answer = refusal(client.query_vectors, indexArn=arn, queryVector=ONE, topK=1, filter=wanted)
    assert answer["Error"]["Code"] == "ValidationException"
    assert answer["fieldList"][0]["path"] == "/filter"


@pytest.mark.parametrize(
    "wanted",
    [
        {"$or": [{"a": number} for number in range(100)]},
        {"$and": [{"a": {"$gte": 0, "$lt": number}} for number in range(1, 51)]},
        {"a": {"$in": list(range(300))}},
    ],
)
def test_a_filter_may_have_a_hundred_constraints(client: Client, new_index: NewIndex, wanted: dict[str, Any]) -> None:
    arn = new_index()
    put(client, arn, {"k": {"a": 0}, "other": {"a": 1000}})
    assert keys(client.query_vectors(indexArn=arn, queryVector=ONE, topK=9, filter=wanted)) == ["k"]


@pytest.mark.parametrize(("prefix", "found"), [("계약/", ["a"]), ("계약", ["a", "b"]), ("contract", ["b"]), ("약", [])])
def test_texts_are_found_by_how_they_start(client: Client, new_index: NewIndex, prefix: str, found: list[str]) -> None:
    arn = new_index()
    put(client, arn, {"a": {"path": "계약/2026"}, "b": {"path": ["contracts", "계약서"]}, "c": {"path": 7}, "d": {}})
    wanted = {"path": {"$startsWith": prefix}}
    assert keys(client.query_vectors(indexArn=arn, queryVector=ONE, topK=9, filter=wanted)) == found


@pytest.mark.parametrize(
    "query",
    [
        {},
        {"queryVector": ONE, "topK": 101},
        {"queryVector": ONE, "topK": 0},
        {"queryVector": {"float32": [1.0]}},
        {"queryVector": {"float32": [0.0, 0.0]}},
        {"queryVector": {"float32": [math.nan, 0.0]}},
        {"queryTexts": []},
        {"queryTexts": [{"metadataKey": "text", "text": ""}]},
        {"queryTexts": [{"metadataKey": "text", "text": "x" * 1025}]},
        {"queryTexts": [{"metadataKey": "title", "text": "x"}]},
        {"queryTexts": [{"metadataKey": "text", "text": "x"}, {"metadataKey": "text", "text": "y"}]},
        {"queryTexts": [{"metadataKey": f"text{n}", "text": "x"} for n in range(11)]},
        {"queryVector": ONE, "nextToken": "bm90IG91cnM="},
    ],
)
def test_what_is_no_query_is_refused(client: Client, new_index: NewIndex, query: dict[str, Any]) -> None:
    arn = new_index(metadataConfiguration=SEARCHABLE)
    answer = refusal(client.query_vectors, **{"indexArn": arn, "topK": 1} | query)
    assert answer["Error"]["Code"] == "ValidationException"


@given(
    st.sampled_from(["cosine", "euclidean"]),
    st.integers(1, 5).flatmap(
        lambda dimension: st.lists(
            st.lists(st.integers(-20, 20), min_size=dimension, max_size=dimension).filter(any), min_size=2, max_size=30
        )
    ),
    st.integers(1, 40),
)
def test_results_are_in_the_order_of_brute_force(
    client: Client, new_index: NewIndex, metric: str, points: list[list[int]], top_k: int
) -> None:
    arn = new_index(distanceMetric=metric, dimension=len(points[0]))
    query, *stored = points
    vector_of = {f"k{n:02}": [float(value) for value in point] for n, point in enumerate(stored)}
    put(client, arn, {key: {} for key in vector_of}, vector_of.__getitem__)
    found = client.query_vectors(
        indexArn=arn, queryVector={"float32": [float(value) for value in query]}, topK=top_k, returnDistance=True
    )["vectors"]

    def distance(point: Sequence[float]) -> float:
        if metric == "euclidean":
            return math.dist(query, point)
        return 1 - math.sumprod(query, point) / (math.hypot(*query) * math.hypot(*point))

    expected = sorted(distance(point) for point in stored)[:top_k]
    assert [vector["distance"] for vector in found] == pytest.approx(expected, abs=1e-5)
    assert [distance(vector_of[vector["key"]]) for vector in found] == pytest.approx(expected, abs=1e-5)
    assert len({vector["key"] for vector in found}) == min(top_k, len(stored))


def test_a_filter_never_costs_results(client: Client, new_index: NewIndex) -> None:
    arn = new_index()
    angles = {f"k{n:03}": [math.cos(n / 100), math.sin(n / 100)] for n in range(200)}
    put(client, arn, {key: {"rare": key >= "k195"} for key in angles}, angles.__getitem__)
    found = client.query_vectors(indexArn=arn, queryVector=ONE, topK=5, filter={"rare": True})
    assert keys(found) == ["k195", "k196", "k197", "k198", "k199"]


def test_many_results_come_in_pages(client: Client, new_index: NewIndex, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("local.s3vectors.vectors.QUERY_PAGE", 40)
    arn = new_index()
    angles = {f"k{n:03}": [math.cos(n / 200), math.sin(n / 200)] for n in range(300)}
    put(client, arn, {key: {} for key in angles}, angles.__getitem__)
    pages = list(client.get_paginator("query_vectors").paginate(indexArn=arn, queryVector=ONE, topK=99))
    assert [key for page in pages for key in keys(page)] == sorted(angles)[:99]
    assert len(pages) == 3
    token = pages[0]["nextToken"]
    with pytest.raises(ClientError, match="pagination token"):
        client.query_vectors(indexArn=arn, queryVector=ONE, topK=100, nextToken=token)


@pytest.mark.parametrize(
    ("key", "text", "finds", "misses"),
    [
        ("text_ko", "임대차계약서의 보증금은 전액 반환한다.", ["보증금", "계약", "반환하는"], ["월세", "약보"]),
        ("text_ko", "AWS 비용 1,000원, 물", ["aws", "비용", "1", "물"], ["w", "용"]),
        ("text_ko", "\u1112\u1161\u11ab\u1100\u1173\u11af", ["한글"], ["하나"]),
        ("text_ja", "東京都の人口", ["東京", "京都", "人口"], ["京人"]),
        ("text_zh", "合同的期限", ["合同", "期限"], ["同期"]),
        (
            "text_en",
            "The contracts expired; parties were notified.",
            ["contract", "expires", "party", "notify"],
            ["the", "tract"],
        ),
        ("text_en", "running stopped invoices", ["run", "stop", "invoicing", "RUNS"], ["runner"]),
        ("text", "Die Verträge von Müller", ["verträge", "MÜLLER", "die"], ["vertrag", "muller"]),
    ],
)
def test_each_language_finds_its_words(
    client: Client, new_index: NewIndex, key: str, text: str, finds: list[str], misses: list[str]
) -> None:
    arn = new_index(metadataConfiguration=SEARCHABLE)
    put(client, arn, {"it": {key: text}, "other": {key: "zzz"}})

    def found(word: str) -> list[str]:
        return keys(client.query_vectors(indexArn=arn, queryTexts=[{"metadataKey": key, "text": word}], topK=5))

    assert {word: found(word) for word in [*finds, *misses]} == {word: ["it"] for word in finds} | {
        word: [] for word in misses
    }


TEXTS = {
    "a": "red red apple",
    "b": "red pear",
    "c": "green pear and green apple and green plum",
    "d": "nothing of the kind",
}


def bm25(query: str, texts: dict[str, str]) -> dict[str, float]:
    words = {key: text.split() for key, text in texts.items()}
    average = sum(map(len, words.values())) / len(words)
    scores: dict[str, float] = {}
    for key, document in words.items():
        for term in query.split():
            holding = sum(term in other for other in words.values())
            rarity = math.log(1 + (len(words) - holding + 0.5) / (holding + 0.5))
            frequency = Counter(document)[term]
            length = 1 - 0.75 + 0.75 * len(document) / average
            scores[key] = scores.get(key, 0) + rarity * frequency * 2.2 / (frequency + 1.2 * length)
    return {key: score for key, score in scores.items() if score}


def test_full_text_results_carry_bm25_scores(client: Client, new_index: NewIndex) -> None:
    arn = new_index(metadataConfiguration=SEARCHABLE)
    put(client, arn, {key: {"text": text} for key, text in TEXTS.items()})
    query = [{"metadataKey": "text", "text": "red apple"}]
    found = client.query_vectors(indexArn=arn, queryTexts=query, topK=10, returnScores=True, returnDistance=True)[
        "vectors"
    ]
    expected = bm25("red apple", TEXTS)
    assert [vector["key"] for vector in found] == sorted(expected, key=expected.__getitem__, reverse=True)
    for vector in found:
        assert vector["scores"] == {
            "bm25Scores": [{"metadataKey": "text", "score": pytest.approx(expected[vector["key"]], abs=1e-6)}]
        }
        assert "distance" not in vector


def test_hybrid_results_are_fused_by_reciprocal_rank(client: Client, new_index: NewIndex) -> None:
    arn = new_index(metadataConfiguration=SEARCHABLE)
    angle = {"a": 0.9, "b": 0.1, "c": 0.5, "d": 0.3}
    put(
        client,
        arn,
        {key: {"text": text} for key, text in TEXTS.items()},
        lambda key: [math.cos(angle[key]), math.sin(angle[key])],
    )
    hybrid = {
        "indexArn": arn,
        "queryVector": ONE,
        "queryTexts": [{"metadataKey": "text", "text": "red apple"}],
        "topK": 10,
    }
    found = client.query_vectors(**hybrid, returnScores=True, returnDistance=True)["vectors"]
    by_distance, by_text = ["b", "d", "c", "a"], ["a", "b", "c"]
    fused = {
        key: sum(1 / (61 + ranking.index(key)) for ranking in (by_distance, by_text) if key in ranking) for key in TEXTS
    }
    assert [vector["key"] for vector in found] == sorted(fused, key=fused.__getitem__, reverse=True)
    for vector in found:
        assert vector["scores"]["fused"] == pytest.approx(fused[vector["key"]])
        assert vector["scores"]["vectorDistance"] == pytest.approx(1 - math.cos(angle[vector["key"]]), abs=1e-6)
        assert vector["distance"] == vector["scores"]["vectorDistance"]
        assert ("bm25Scores" in vector["scores"]) == (vector["key"] in by_text)
    assert all("scores" not in vector for vector in client.query_vectors(**hybrid)["vectors"])


def test_a_hybrid_search_keeps_to_its_filter(client: Client, new_index: NewIndex) -> None:
    arn = new_index(metadataConfiguration=SEARCHABLE)
    put(client, arn, {key: {"text": text, "version": key in "ab"} for key, text in TEXTS.items()})
    texts = [{"metadataKey": "text", "text": "green pear"}]
    assert keys(client.query_vectors(indexArn=arn, queryTexts=texts, topK=9, filter={"version": True})) == ["b"]
    both = client.query_vectors(indexArn=arn, queryTexts=texts, queryVector=ONE, topK=9, filter={"version": True})
    assert keys(both) == ["b", "a"]


def test_vector_results_carry_no_scores(client: Client, new_index: NewIndex) -> None:
    arn = new_index()
    put(client, arn, {"a": {"page": 1}})
    asked = {"indexArn": arn, "queryVector": ONE, "topK": 1}
    assert client.query_vectors(**asked, returnScores=True)["vectors"] == [{"key": "a"}]
    assert client.query_vectors(**asked, returnMetadata=True)["vectors"] == [{"key": "a", "metadata": {"page": 1}}]


def test_written_text_scores_the_same_whether_indexed_at_once_or_later(client: Client, new_index: NewIndex) -> None:
    early, late = (new_index(metadataConfiguration=SEARCHABLE) for _ in range(2))
    asked = {"queryTexts": [{"metadataKey": "text", "text": "red pear"}], "topK": 9, "returnScores": True}
    for arn in (early, late):
        put(client, arn, {"a": {"text": "to be replaced by red"}, "z": {"text": "red, to be deleted"}})
        if arn == early:
            client.query_vectors(indexArn=arn, **asked)
        put(client, arn, {key: {"text": text} for key, text in TEXTS.items()})
        client.delete_vectors(indexArn=arn, keys=["z"])
    first = client.query_vectors(indexArn=early, **asked)["vectors"]
    assert keys({"vectors": first}) == ["b", "a", "c"]
    assert first == client.query_vectors(indexArn=late, **asked)["vectors"]


def test_float32_is_precise_enough_at_full_dimension(client: Client, new_index: NewIndex) -> None:
    arn = new_index(dimension=1024)
    drawn = np.random.default_rng(7).standard_normal((50, 1024)).astype(np.float32)
    vector_of = {f"k{n}": row.tolist() for n, row in enumerate(drawn)}
    put(client, arn, {key: {} for key in vector_of}, vector_of.__getitem__)
    exact = drawn.astype(np.float64)
    exact /= np.linalg.norm(exact, axis=1, keepdims=True)
    order = np.argsort(1 - exact @ exact[0], kind="stable")
    found = client.query_vectors(indexArn=arn, queryVector={"float32": vector_of["k0"]}, topK=50)
    assert keys(found) == [f"k{n}" for n in order]
