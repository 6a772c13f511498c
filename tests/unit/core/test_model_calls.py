"""Models asked within the time of a request: how long each attempt waits, when there is another, and what it costs."""

import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from botocore.awsrequest import AWSPreparedRequest
from botocore.exceptions import ConnectTimeoutError, ReadTimeoutError
from hypothesis import given
from hypothesis import strategies as st

from onggi.adapters.aws import Patience
from onggi.adapters.bedrock import ConverseGenerator, TitanEmbedder
from onggi.adapters.model_calls import ModelCalls, PatientCalls, TimedCalls
from onggi.domain.chunk import Passage, Scores
from onggi.domain.errors import ModelRefused, ModelTimeout, TransientError
from onggi.domain.money import Model, ModelPrice, estimated_tokens
from onggi.steps.questions.metering import MeteredEmbedder, unfinished_metered
from tests.unit.core.fakes import FakeMeter, tenant_named
from tests.unit.core.served import as_json, session_answered_by

PASSAGE = Passage("doc", "v1", "a.txt", 1, 0, 22, "연차는 15일이다.", Scores())
PRICE = ModelPrice(Decimal(1), Decimal(5))
MODELS = {"claude": Model(PRICE)}
Response = tuple[int, dict[str, str], bytes]
SAID = as_json(
    200,
    {
        "output": {"message": {"role": "assistant", "content": [{"text": "So."}]}},
        "stopReason": "end_turn",
        "usage": {"inputTokens": 1, "outputTokens": 2, "totalTokens": 3},
        "metrics": {"latencyMs": 1},
    },
)
EMBEDDED = as_json(200, {"embedding": [1.0], "inputTextTokenCount": 3})
THROTTLED = as_json(429, {"message": "slow down"}, "ThrottlingException")


class Bedrock:
    """Bedrock under a clock that only models and pauses move.

    Args:
        behave: what becomes of an attempt, by the seconds that it waits for an answer: a response, or a fault.
        seconds: that there are from the beginning.
    """

    def __init__(self, behave: Callable[["Bedrock", int], Response], seconds: float) -> None:
        self.now, self.end = 0.0, seconds
        self.waits: list[int] = []
        self.pauses: list[float] = []
        self._behave = behave
        self.session = session_answered_by("bedrock-runtime", self._answer)
        client, self._patience = self.session.client, Patience(0, 0, 0)

        def noted(service: str, patience: Patience) -> Any:
            self._patience = patience
            return client(service, patience)

        self.session.client = noted  # type: ignore[method-assign, assignment]  # to know how long each attempt waits
        self.calls = TimedCalls(self.session, lambda: self.end - self.now, self._sleep)

    def _answer(self, _: AWSPreparedRequest) -> Response:
        assert self._patience.attempts == 1, "the SDK retries without a look at the time"
        self.waits.append(self._patience.read_seconds)
        return self._behave(self, self._patience.read_seconds)

    def _sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now += seconds

    def hang(self, seconds: float) -> Response:
        self.now += seconds
        raise ReadTimeoutError(endpoint_url="https://bedrock")


def answer(bedrock: Bedrock, max_tokens: int = 400) -> Any:
    return ConverseGenerator(bedrock.calls, MODELS).answer("며칠인가요?", [PASSAGE], "claude", max_tokens)


def test_an_answer_may_take_all_the_time_that_is_left() -> None:
    """One second of the 26 may go into the connection."""

    def late(bedrock: Bedrock, _: int) -> Response:
        bedrock.now += 24.9
        return SAID

    bedrock = Bedrock(late, 26.9)
    assert answer(bedrock).output_tokens == 2
    assert bedrock.waits == [25]


def test_a_model_that_does_not_finish_is_asked_once_and_given_up_in_time() -> None:
    bedrock = Bedrock(Bedrock.hang, 26.0)
    with pytest.raises(ModelTimeout, match="max_tokens") as caught:
        answer(bedrock)
    assert bedrock.waits == [25]
    assert bedrock.now <= bedrock.end
    assert caught.value.output_tokens == 400, "it may have written all that it was allowed to"
    text = len("며칠인가요?".encode()) + len(PASSAGE.text.encode())
    assert caught.value.input_tokens > text / 3, "the instructions are read, too"


def test_without_time_nobody_is_asked_and_nothing_is_spent() -> None:
    bedrock = Bedrock(Bedrock.hang, 1.9)
    with pytest.raises(TransientError, match="no time"):
        answer(bedrock)
    assert bedrock.waits == []


def test_a_throttled_question_is_tried_again_while_there_is_time() -> None:
    def throttles(bedrock: Bedrock, _: int) -> Response:
        bedrock.now += 0.1
        return THROTTLED if len(bedrock.waits) < 3 else SAID

    bedrock = Bedrock(throttles, 26.0)
    answer(bedrock)
    assert len(bedrock.waits) == 3
    assert len(bedrock.pauses) == 2


def test_a_model_that_only_throttles_is_throttling_and_costs_nothing() -> None:
    bedrock = Bedrock(lambda *_: THROTTLED, 26.0)
    with pytest.raises(TransientError):
        answer(bedrock)
    assert len(bedrock.waits) == 5


def test_no_attempt_begins_behind_the_end() -> None:
    def throttles_late(bedrock: Bedrock, _: int) -> Response:
        bedrock.now += 9
        return THROTTLED

    bedrock = Bedrock(throttles_late, 26.0)
    with pytest.raises(TransientError):
        answer(bedrock)
    assert len(bedrock.waits) == 3


def test_a_connection_that_never_was_costs_nothing() -> None:
    def unreachable(bedrock: Bedrock, _: int) -> Response:
        bedrock.now += 1
        raise ConnectTimeoutError(endpoint_url="https://bedrock")

    with pytest.raises(TransientError):
        answer(Bedrock(unreachable, 4.0))


KINDS = ("answers", "throttles", "hangs", "has no connection")


@given(
    st.floats(0, 40, allow_nan=False),
    st.lists(st.tuples(st.sampled_from(KINDS), st.floats(0, 1, allow_nan=False)), max_size=6),
    st.booleans(),
)
def test_whatever_a_model_does_the_time_is_kept_and_each_cost_is_known(
    seconds: float, behaviour: list[tuple[str, float]], embedding: bool
) -> None:
    """Each attempt takes a share of the time that it may; a second goes into the connection at most."""
    hung = 0

    def behave(bedrock: Bedrock, wait: int) -> Response:
        nonlocal hung
        number = len(bedrock.waits) - 1
        kind, share = behaviour[number] if number < len(behaviour) else ("hangs", 1.0)
        if kind == "hangs":
            hung += 1
            return bedrock.hang(wait)
        bedrock.now += share if kind == "has no connection" else share * wait
        if kind == "has no connection":
            raise ConnectTimeoutError(endpoint_url="https://bedrock")
        return THROTTLED if kind == "throttles" else EMBEDDED if embedding else SAID

    bedrock = Bedrock(behave, seconds)
    embedder = TitanEmbedder(bedrock.calls, "titan", 256)
    ended: Exception | None = None
    try:
        answered = embedder.embed("김치") if embedding else answer(bedrock)
    except (ModelTimeout, TransientError) as error:
        answered, ended = None, error
    if isinstance(ended, ModelTimeout):
        assert ended.output_tokens == (0 if embedding else 400 * hung)
        assert (ended.input_tokens == 2 * hung) is embedding
    assert isinstance(ended, ModelTimeout) is (hung > 0 and not answered), "what may be billed is not called free"
    assert bedrock.now <= max(seconds, 0)
    assert len(bedrock.waits) <= 5


def test_an_embedding_that_hangs_is_tried_again_within_seconds() -> None:
    def once(bedrock: Bedrock, seconds: int) -> Response:
        return bedrock.hang(seconds) if len(bedrock.waits) == 1 else EMBEDDED

    bedrock = Bedrock(once, 26.0)
    assert TitanEmbedder(bedrock.calls, "titan", 256).embed("김치").tokens == 3
    assert bedrock.waits == [5, 5]
    stuck = Bedrock(Bedrock.hang, 9.0)
    with pytest.raises(ModelTimeout) as caught:
        TitanEmbedder(stuck.calls, "titan", 256).embed("김치")
    assert sum(stuck.waits) < 9
    assert (caught.value.input_tokens, caught.value.output_tokens) == (2 * len(stuck.waits), 0)


@pytest.mark.parametrize(
    ("texts", "tokens"), [((), 0), (("",), 0), (("a",), 1), (("김치",), 2), (("abc", "abcd"), 3), (("김치찌개",), 4)]
)
def test_tokens_are_estimated_rather_too_high(texts: tuple[str, ...], tokens: int) -> None:
    assert estimated_tokens(texts) == tokens


def test_what_was_given_up_is_metered_apart_and_at_its_price() -> None:
    meter, tenant = FakeMeter(), tenant_named()
    with pytest.raises(ModelTimeout), unfinished_metered(tenant, PRICE, meter):
        raise ModelTimeout("too slow", 1000, 200)
    assert meter.recorded == [
        ("acme", {"UnfinishedModelCalls": 1, "UnfinishedTokens": 1200, "EstimatedCostUSD": 0.002}),
    ]


def test_a_text_is_metered_once_it_is_embedded_and_an_unfinished_one_as_such() -> None:
    meter, tenant = FakeMeter(), tenant_named()

    def then_hang(bedrock: Bedrock, seconds: int) -> Response:
        return EMBEDDED if len(bedrock.waits) == 1 else bedrock.hang(seconds)

    bedrock = Bedrock(then_hang, 9.0)
    embedder = MeteredEmbedder(TitanEmbedder(bedrock.calls, "titan", 256), tenant, ModelPrice(Decimal(2)), meter)
    embedder.embed("김치")
    with pytest.raises(ModelTimeout):
        embedder.embed("김치")
    embedded, unfinished = (values for _, values in meter.recorded)
    assert embedded == {"EmbeddingTokens": 3, "EstimatedCostUSD": 0.000006}
    assert set(unfinished) == {"UnfinishedModelCalls", "UnfinishedTokens", "EstimatedCostUSD"}


def both(answered: Response) -> list[ModelCalls]:
    session = session_answered_by("bedrock-runtime", lambda _: answered)
    return [PatientCalls(session), TimedCalls(session, lambda: 20.0)]


@pytest.mark.parametrize(
    ("status", "code", "message", "said"),
    [
        (403, "AccessDeniedException", "You don't have access to the model", "enable access"),
        (404, "ResourceNotFoundException", "This model version has reached the end of its life.", "end of its life"),
        (400, "ValidationException", "The provided model identifier is invalid.", "choose another"),
        (
            400,
            "ValidationException",
            "Invocation of model ID claude with on-demand throughput isn't supported.",
            "choose another",
        ),
        (400, "ValidationException", "`temperature` is deprecated for this model.", "GenerationParameters"),
    ],
)
def test_a_model_that_cannot_be_used_is_named_with_what_to_do(status: int, code: str, message: str, said: str) -> None:
    for calls in both(as_json(status, {"message": message}, code)):
        with pytest.raises(ModelRefused, match=said) as caught:
            ConverseGenerator(calls, MODELS).answer("a", [PASSAGE], "claude", 9)
        assert "claude" in str(caught.value)
        with pytest.raises(ModelRefused, match="titan"):
            TitanEmbedder(calls, "titan", 256).embed("a")


def test_a_credential_at_fault_is_not_the_models() -> None:
    for calls in both(as_json(403, {"message": "expired"}, "ExpiredTokenException")):
        with pytest.raises(Exception, match="ExpiredToken"):
            ConverseGenerator(calls, MODELS).answer("a", [PASSAGE], "claude", 9)
        with pytest.raises(Exception, match="ExpiredToken"):
            TitanEmbedder(calls, "titan", 256).embed("a")


def test_fields_that_only_one_model_knows_go_out_to_that_one() -> None:
    sent: list[dict[str, Any]] = []

    def note(request: AWSPreparedRequest) -> Response:
        assert isinstance(request.body, bytes)
        sent.append(json.loads(request.body))
        return SAID

    models = {"claude": Model(PRICE, fields={"thinking": {"type": "disabled"}}), "nova": Model(PRICE)}
    generator = ConverseGenerator(PatientCalls(session_answered_by("bedrock-runtime", note)), models)
    for model in models:
        generator.answer("a", [PASSAGE], model, 9)
    thinking, plain = sent
    assert thinking["additionalModelRequestFields"] == {"thinking": {"type": "disabled"}}
    assert "additionalModelRequestFields" not in plain
