"""How a question and a passage become the tokens that the reader sees, in training and in use."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from reader_fixtures import tiny_tokenizer
from tokenizers import Tokenizer, models

from rag.domain import Passage
from rag.errors import ModelUnavailableError
from rag.reader_input import LONGEST, OUTSIDE, OVERLAP, SHORTEST, PairEncoder, Window

TOKENIZER = tiny_tokenizer()
ENCODER = PairEncoder(TOKENIZER)


def tokens_of(window: Window) -> str:
    return " ".join(TOKENIZER.id_to_token(i) or "" for i in window.ids)


def only_window(question: str, passage: Passage) -> Window:
    (window,) = ENCODER.windows(question, [passage])
    return window


def pieces(window: Window, text: str) -> list[str]:
    return [text[start:end] for start, end in window.offsets if (start, end) != OUTSIDE]


def test_a_window_is_question_then_title_then_passage() -> None:
    window = only_window("who pays", Passage("the lease", "the tenant pays"))
    assert tokens_of(window) == "[CLS] who pays [SEP] the lease [SEP] the tenant pays [SEP]"
    assert window.types == (0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1)
    assert window.first_passage_token == 7
    assert window.offsets == (*[OUTSIDE] * 7, (0, 3), (4, 10), (11, 15), OUTSIDE)


@pytest.mark.parametrize("title", ["", "  \n"])
def test_without_a_title_its_part_is_left_out(title: str) -> None:
    window = only_window("who pays", Passage(title, "the tenant"))
    assert tokens_of(window) == "[CLS] who pays [SEP] the tenant [SEP]"
    assert window.types == (0, 0, 0, 0, 1, 1, 1)
    assert window.first_passage_token == 4


def test_an_empty_passage_is_a_window_without_passage_tokens() -> None:
    window = only_window("who", Passage("", ""))
    assert tokens_of(window) == "[CLS] who [SEP] [SEP]"
    assert window.first_passage_token == 3
    assert set(window.offsets) == {OUTSIDE}


def test_no_passages_give_no_windows() -> None:
    assert ENCODER.windows("who", []) == []


def test_of_a_long_question_and_title_the_first_tokens_are_read() -> None:
    window = only_window("who " * 65 + "pays", Passage("lease " * 33 + "rent", "the"))
    assert window.ids.count(TOKENIZER.token_to_id("who")) == 64
    assert window.ids.count(TOKENIZER.token_to_id("lease")) == 32
    assert window.first_passage_token == 1 + 64 + 1 + 32 + 1


def test_windows_of_a_long_passage_overlap_and_keep_its_number() -> None:
    # [CLS] who [SEP] ... [SEP] leaves 166 of 170 tokens; windows begin 166 - 64 = 102 apart.
    long = Passage("", "rent " * 300)
    windows = ENCODER.windows("who", [Passage("", "the"), long], longest=170)
    assert [window.row for window in windows] == [0, 1, 1, 1]
    assert [window.offsets[3][0] for window in windows[1:]] == [0, 102 * 5, 204 * 5]
    assert [len(window.ids) for window in windows] == [5, 170, 170, 100]
    assert windows[-1].offsets[-2] == (299 * 5, 299 * 5 + 4)


@pytest.mark.parametrize(("tokens", "count"), [(166, 1), (167, 2), (268, 2), (269, 3)])
def test_a_further_window_comes_only_for_a_further_token(tokens: int, count: int) -> None:
    assert len(ENCODER.windows("who", [Passage("", "rent " * tokens)], longest=170)) == count


def test_offsets_are_code_points_in_chinese_and_beyond_the_basic_plane() -> None:
    text = "租金🏠為𠮷萬元, Café naïve"
    window = only_window("谁付租金", Passage("合同", text))
    assert pieces(window, text)[:2] == ["租", "金"]
    assert "🏠" in pieces(window, text)
    assert "𠮷" in pieces(window, text)
    assert "".join(pieces(window, text)) == text.replace(" ", "")


def test_a_lone_surrogate_moves_no_offset() -> None:
    text = "the\ud800 rent"
    window = only_window("who", Passage("", text))
    assert pieces(window, text)[-1] == "rent"


def test_special_tokens_in_a_text_are_plain_characters() -> None:
    text = "rent [SEP] [CLS] pays"
    window = only_window("who [SEP]", Passage("[SEP] lease", text))
    assert window.ids.count(TOKENIZER.token_to_id("[SEP]")) == 3
    assert window.ids.count(TOKENIZER.token_to_id("[CLS]")) == 1


def test_the_callers_tokenizer_is_left_as_it_is() -> None:
    own = tiny_tokenizer()
    own.enable_truncation(3)
    window = PairEncoder(own).windows("who pays the rent", [Passage("", "the tenant pays the rent")])[0]
    assert len(window.ids) == 12
    assert own.truncation is not None
    assert own.encode_special_tokens is False


def test_a_window_too_short_for_its_overlap_is_refused() -> None:
    assert ENCODER.windows("who " * 99, [Passage("rent " * 99, "pays " * 9)], SHORTEST)
    with pytest.raises(ValueError, match="at least 165"):
        ENCODER.windows("who", [Passage("", "the")], SHORTEST - 1)


def test_a_tokenizer_without_the_special_tokens_is_refused() -> None:
    with pytest.raises(ModelUnavailableError, match=r"no token \[CLS\].*tokenizer.json"):
        PairEncoder(Tokenizer(models.WordPiece({"[UNK]": 0}, unk_token="[UNK]")))


@given(
    st.text(max_size=80),
    st.text(max_size=40),
    st.text(alphabet=st.sampled_from("the rent pays租金付🏠𠮷 ."), max_size=900),
    st.integers(SHORTEST, LONGEST),
)
def test_windows_hold_every_token_of_the_passage_and_each_stretch_whole(
    question: str, title: str, text: str, longest: int
) -> None:
    windows = ENCODER.windows(question, [Passage(title, text)], longest)
    places = [[o for o in window.offsets if o != OUTSIDE] for window in windows]
    (whole,) = ENCODER.windows(question, [Passage(title, text)], 10_000)
    inside = [o for o in whole.offsets if o != OUTSIDE]
    assert sorted({o for part in places for o in part}) == inside
    for window, part in zip(windows, places, strict=True):
        assert len(window.ids) == len(window.types) == len(window.offsets) <= longest
        assert part == list(window.offsets[window.first_passage_token : -1])
        assert list(window.types) == sorted(window.types)
    for start in range(max(len(inside) - OVERLAP + 1, 0)):
        stretch = inside[start : start + OVERLAP]
        assert any(stretch[0] in part and stretch[-1] in part for part in places)
