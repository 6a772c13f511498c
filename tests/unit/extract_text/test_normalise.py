import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from readers.normalise import normalise

ANY_TEXT = st.text(
    alphabet=st.one_of(
        st.characters(),
        st.sampled_from(
            "\r\n\t\v\f \x85\u00a0\u00ad\u200b\u2028\ufeff\ue000\ud800\ufffeﬁ⼀︵\u1112\u1161\u11abé\u0301-"
        ),
    )
)


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        pytest.param("\u1112\u1161\u11ab\u1100\u116e\u11a8", "한국", id="decomposed Hangul"),
        pytest.param("cafe\u0301", "café", id="combining accent"),
        pytest.param("eﬃcient oﬀer ﬁrst ﬂow", "efficient offer first flow", id="ligatures"),
        pytest.param("⼤韓⺠國 ⽇本", "大韓⺠國 日本", id="radicals for ideographs"),
        pytest.param("︵갑︶", "(갑)", id="vertical punctuation"),
        pytest.param(
            "K\uf76f\uf772\uf765\uf761 \uf732\uf730\uf732\uf736", "KOREA 2026", id="small capitals, old digits"
        ),
        pytest.param("① ㈜ ㎡ ² Ａ … ㄱ", "① ㈜ ㎡ ² Ａ … ㄱ", id="compatibility characters mean something"),
        pytest.param("a\r\nb\rc\u2028d\fe", "a\nb\nc\nd\ne", id="line breaks"),
        pytest.param("a\tb\u00a0c\u3000d", "a b c d", id="blanks"),
        pytest.param("a  \nb\t\n", "a\nb", id="trailing blanks"),
        pytest.param("a\n\n\n \n\nb", "a\n\nb", id="many breaks"),
        pytest.param("a\x00b\x07c\ue123d\U000f1234e\ufeff", "abcde", id="controls and private use"),
        pytest.param("con\u00adtract\u200b", "contract", id="soft hyphen and zero width"),
        pytest.param("👩\u200d🔬", "👩\u200d🔬", id="joiner within an emoji"),
        pytest.param("\n\n  indented", "  indented", id="indentation"),
        pytest.param("", "", id="nothing"),
    ],
)
def test_normal_form(raw: str, expected: str) -> None:
    assert normalise(raw) == expected


@given(ANY_TEXT)
@example("a\n\u0338\n")
@example("\u0301\n\n\n\u00a0")
def test_it_is_composed_clean_and_stable(raw: str) -> None:
    text = normalise(raw)
    assert normalise(text) == text
    assert unicodedata.is_normalized("NFC", text)
    assert not {unicodedata.category(character) for character in text.replace("\n", "")} & {"Cc", "Co", "Cs"}
    assert not {character for character in text if character.isspace()} - {" ", "\n"}
    assert "\n\n\n" not in text
    assert all(line == line.rstrip() for line in text.split("\n"))


@given(st.text(alphabet="가나다라abcXYZ019.,!? "))
def test_plain_text_is_unchanged(raw: str) -> None:
    assert normalise(raw) == raw.rstrip()
