import pytest

from local.bedrock.terms import TermWeights, question_terms, terms


def test_a_particle_changes_one_bigram_only() -> None:
    assert set(terms("연금은")) & set(terms("연금을")) == {"연금"}


def test_english_words_meet_in_their_stem() -> None:
    assert terms("refunded refunds refunding") == ["refund"] * 3


def test_numbers_lose_their_separators() -> None:
    assert terms("1,000원") == ["1000", "원"]


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("연차는 며칠인가요?", ["연차"]),
        ("환불 절차를 설명하시오.", ["환불"]),
        ("휴가는 며칠 쓸 수 있어?", ["휴가", "쓸"]),
        ("What is the refund period?", ["refund", "period"]),
    ],
)
def test_what_makes_a_question_is_no_term(question: str, expected: list[str]) -> None:
    assert question_terms(question) == expected


def test_a_question_of_common_words_only_keeps_what_it_has() -> None:
    assert question_terms("무엇인가요?") == terms("무엇인가요?")


def test_rare_terms_weigh_more_and_absent_ones_as_much_as_the_rarest() -> None:
    weights = TermWeights([["a", "b"], ["a"], ["a", "c"]])
    assert weights.weight("a") < weights.weight("b") == weights.weight("absent") == pytest.approx(1)


def test_coverage_is_a_share_of_the_weight() -> None:
    weights = TermWeights([["a", "b"]])
    assert weights.coverage(["a", "z"], ["a", "b"]) == pytest.approx(0.5)
    assert weights.coverage([], ["a"]) == 0
