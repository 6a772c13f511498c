import pytest

from local.bedrock.errors import ModelError
from local.bedrock.shapes import check_request

MESSAGES = [{"role": "user", "content": [{"text": "질문"}]}]


@pytest.mark.parametrize(
    ("request_", "fault"),
    [
        ([], "the request must be an object"),
        ({}, "the request lacks the required member modelId"),
        ({"modelId": ""}, "modelId must be at least 1 characters"),
        ({"modelId": "한글"}, "modelId must match the pattern"),
        ({"modelId": 3}, "modelId must be of type string"),
        ({"modelId": "a", "secret": 1}, "the request has an unknown member"),
        ({"modelId": "a", "messages": {}}, "messages must be an array"),
        ({"modelId": "a", "messages": [{"role": "user"}]}, "messages.0 lacks the required member content"),
        ({"modelId": "a", "messages": [{"role": "robot", "content": []}]}, "messages.0.role must be one of user"),
        (
            {"modelId": "a", "messages": [{"role": "user", "content": [{}]}]},
            "messages.0.content.0 must have exactly one of text",
        ),
        (
            {
                "modelId": "a",
                "messages": [{"role": "user", "content": [{"text": "a", "cachePoint": {"type": "default"}}]}],
            },
            "messages.0.content.0 must have exactly one of text",
        ),
        ({"modelId": "a", "inferenceConfig": {"maxTokens": 0}}, "inferenceConfig.maxTokens must be at least 1"),
        ({"modelId": "a", "inferenceConfig": {"maxTokens": True}}, "inferenceConfig.maxTokens must be of type integer"),
        ({"modelId": "a", "inferenceConfig": {"topP": 1.5}}, "inferenceConfig.topP must be at most 1"),
        ({"modelId": "a", "inferenceConfig": {"stopSequences": [""]}}, "stopSequences.0 must be at least 1 characters"),
        ({"modelId": "a", "requestMetadata": {}}, "requestMetadata must be at least 1 entries"),
        ({"modelId": "a", "requestMetadata": {"k": "한글"}}, "requestMetadata.value 0 must match the pattern"),
        ({"modelId": "a", "messages": None}, "messages must be an array"),
    ],
)
def test_what_the_service_model_forbids_is_refused(request_: object, fault: str) -> None:
    with pytest.raises(ModelError) as caught:
        check_request("ConverseRequest", request_)
    assert caught.value.code == "ValidationException"
    assert fault in caught.value.message


def test_a_valid_request_passes() -> None:
    check_request(
        "ConverseRequest",
        {
            "modelId": "us.amazon.nova-lite-v1:0",
            "messages": MESSAGES,
            "inferenceConfig": {"maxTokens": 1, "temperature": 0, "topP": 1.0},
            "additionalModelRequestFields": {"top_k": 3, "any": [None, {"thing": 1}]},
            "requestMetadata": {"tenant": "acme"},
        },
    )


def test_all_faults_are_told_and_no_value_is_repeated() -> None:
    with pytest.raises(ModelError) as caught:
        check_request("ConverseRequest", {"modelId": "a", "messages": "비밀 문서", "system": "비밀 지시"})
    assert caught.value.message.startswith("2 validation errors detected")
    assert "비밀" not in caught.value.message
