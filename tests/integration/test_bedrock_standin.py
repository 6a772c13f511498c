import json
import math
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.integration.local_cloud import ACCOUNT, REGION, LocalCloud

type Client = Any  # boto3 makes its clients, and their methods, at run time

TITAN = "amazon.titan-embed-text-v2:0"
MODEL = "us.amazon.nova-lite-v1:0"
PENSION = "제1조(목적) 이 규정은 연금에 관한 사항을 정한다.\n제5조(지급 시기) 연금은 매월 25일에 지급한다."
REFUND = "Customers may return goods within 14 days of delivery. Shipping costs are not refunded."


@pytest.fixture
def bedrock(cloud: LocalCloud) -> Client:
    return cloud.client("bedrock-runtime")


def embed(bedrock: Client, text: str, **options: object) -> dict[str, Any]:
    body = json.dumps({"inputText": text, **options})
    response: dict[str, Any] = json.loads(bedrock.invoke_model(modelId=TITAN, body=body)["body"].read())
    return response


def cosine(left: list[float], right: list[float]) -> float:
    return sum(a * b for a, b in zip(left, right, strict=True)) / (math.hypot(*left) * math.hypot(*right))


def search_result(title: str, text: str) -> dict[str, Any]:
    return {
        "searchResult": {"source": title, "title": title, "content": [{"text": text}], "citations": {"enabled": True}}
    }


def ask(bedrock: Client, question: str, *results: dict[str, Any]) -> dict[str, Any]:
    messages = [{"role": "user", "content": [*results, {"text": question}]}]
    response: dict[str, Any] = bedrock.converse(modelId=MODEL, messages=messages, inferenceConfig={"maxTokens": 300})
    return response


def quotations(response: dict[str, Any]) -> list[str]:
    return [
        citation["sourceContent"][0]["text"]
        for block in response["output"]["message"]["content"]
        for citation in block.get("citationsContent", {}).get("citations", [])
    ]


@pytest.mark.parametrize("dimensions", [1024, 512, 256])
def test_vectors_have_the_requested_dimensions_and_unit_length(bedrock: Client, dimensions: int) -> None:
    response = embed(bedrock, "연금은 매월 25일에 지급한다.", dimensions=dimensions)
    assert len(response["embedding"]) == dimensions
    assert math.hypot(*response["embedding"]) == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("dimensions", [1024, 512, 256])
def test_a_text_is_nearer_to_its_question_than_to_another(bedrock: Client, dimensions: int) -> None:
    text, right, wrong = (
        embed(bedrock, words, dimensions=dimensions)["embedding"]
        for words in ("연금은 매월 25일에 지급한다.", "연금 지급일은 언제인가요?", "How do I return goods?")
    )
    assert cosine(text, right) > cosine(text, wrong) + 0.03


def test_token_counts_grow_with_the_text_and_exclude_special_tokens(bedrock: Client) -> None:
    assert embed(bedrock, "a")["inputTextTokenCount"] == 1
    assert embed(bedrock, "a a a a")["inputTextTokenCount"] == 4


def test_a_text_longer_than_the_models_window_is_embedded_completely(bedrock: Client) -> None:
    filler = "배송비는 환불되지 않습니다. " * 60
    long = embed(bedrock, filler + "연금은 매월 25일에 지급한다. " * 60)
    plain = embed(bedrock, filler)
    asked = embed(bedrock, "연금 지급일")["embedding"]
    assert long["inputTextTokenCount"] > 2 * 500
    assert cosine(long["embedding"], asked) > cosine(plain["embedding"], asked)


def test_more_than_8192_tokens_are_rejected(bedrock: Client) -> None:
    with pytest.raises(ClientError, match="Too many input tokens") as caught:
        embed(bedrock, "가 나 다 " * 3000)
    assert caught.value.response["Error"]["Code"] == "ValidationException"


def test_unusual_text_is_embedded(bedrock: Client) -> None:
    before_nul, with_nul = (embed(bedrock, text)["embedding"] for text in ("연금", "연금\0 지급일과 환불"))
    assert before_nul != with_nul
    assert math.hypot(*embed(bedrock, "\ud800")["embedding"]) == pytest.approx(1, abs=1e-5)


def test_concurrent_callers_get_the_vectors_of_their_own_texts(bedrock: Client) -> None:
    texts = [f"문서 {number}번의 내용" for number in range(12)]
    alone = [embed(bedrock, text)["embedding"] for text in texts]
    with ThreadPoolExecutor(6) as pool:
        together = list(pool.map(lambda text: embed(bedrock, text)["embedding"], texts * 2))
    assert together == alone * 2


def test_the_answer_is_the_most_relevant_sentence(bedrock: Client) -> None:
    results = (search_result("Refunds", REFUND), search_result("연금 규정", PENSION))
    korean = ask(bedrock, "연금은 언제 지급되나요?", *results)
    assert quotations(korean)[0] == "제5조(지급 시기) 연금은 매월 25일에 지급한다."
    english = ask(bedrock, "How many days do I have to return an item?", *results)
    assert quotations(english)[0] == "Customers may return goods within 14 days of delivery."
    assert korean["stopReason"] == english["stopReason"] == "end_turn"
    assert korean["usage"]["totalTokens"] == korean["usage"]["inputTokens"] + korean["usage"]["outputTokens"]


@pytest.mark.parametrize(
    "question", ["환불은 며칠 안에 되나요?", "환불 규정을 알려주세요.", "대한민국의 수도는 어디인가요?"]
)
def test_a_question_on_another_topic_is_not_answered(bedrock: Client, question: str) -> None:
    response = ask(bedrock, question, search_result("연금 규정", PENSION))
    assert quotations(response) == []
    assert "찾을 수 없습니다" in response["output"]["message"]["content"][0]["text"]


def test_a_rejection_reaches_the_sdk_as_an_error_of_bedrock(bedrock: Client) -> None:
    with pytest.raises(bedrock.exceptions.ValidationException, match="must alternate"):
        bedrock.converse(modelId=MODEL, messages=[{"role": "user", "content": [{"text": "a"}]}] * 2)
    with pytest.raises(bedrock.exceptions.ValidationException, match="identifier is invalid"):
        bedrock.invoke_model(modelId="amazon.no-embed-v9", body=b"{}")


def caller_with(cloud: LocalCloud, name: str, statements: list[dict[str, Any]]) -> Client:
    """Returns a user's client of Bedrock Runtime."""
    iam = cloud.client("iam")
    iam.create_user(UserName=name)
    policy = json.dumps({"Version": "2012-10-17", "Statement": statements})
    iam.put_user_policy(UserName=name, PolicyName="models", PolicyDocument=policy)
    key = iam.create_access_key(UserName=name)["AccessKey"]
    session = cloud.session({"AccessKeyId": key["AccessKeyId"], "SecretAccessKey": key["SecretAccessKey"]})
    return cloud.client("bedrock-runtime", session)


@pytest.mark.parametrize(
    ("geography", "models", "allowed"),
    [
        ("global", [], False),
        ("global", ["ap-northeast-2"], False),
        ("global", [""], False),
        ("global", ["*", ""], True),
        ("global", ["ap-northeast-2", ""], True),
        ("jp", [], False),
        ("jp", ["ap-northeast-2"], True),
    ],
)
def test_an_inference_profile_needs_permissions_on_its_model(
    cloud: LocalCloud, geography: str, models: list[str], allowed: bool
) -> None:
    """A global profile needs the model's ARN in the region and the one without a region (Bedrock user guide)."""
    profile = f"arn:aws:bedrock:{REGION}:{ACCOUNT}:inference-profile/{geography}.anthropic.claude-haiku-5-5"
    behind = [f"arn:aws:bedrock:{region}::foundation-model/anthropic.claude-haiku-5-5" for region in models]
    only_by_profile = {"StringEquals": {"bedrock:InferenceProfileArn": profile}}
    statements: list[dict[str, Any]] = [{"Effect": "Allow", "Action": "bedrock:InvokeModel", "Resource": profile}]
    if behind:
        through = {"Effect": "Allow", "Action": "bedrock:InvokeModel", "Resource": behind, "Condition": only_by_profile}
        statements.append(through)
    name = f"{geography}-{'-'.join(region.replace('*', 'any') or 'none' for region in models) or 'profile'}"
    bedrock = caller_with(cloud, name, statements)
    messages = [{"role": "user", "content": [{"text": "hello"}]}]

    def converse(model_id: str) -> str:
        try:
            bedrock.converse(modelId=model_id, messages=messages)
        except ClientError as error:
            return str(error.response["Error"]["Code"])
        return "answered"

    said = converse(f"{geography}.anthropic.claude-haiku-5-5")
    assert said == ("answered" if allowed else "AccessDeniedException")
    assert converse("anthropic.claude-haiku-5-5") == "AccessDeniedException", "not past the profile"
