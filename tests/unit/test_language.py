"""Which language a text is in."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.language import language_of


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Who pays the rent?", "en"),
        ("谁付房租？", "zh"),
        ("誰付房租？", "zh"),
        ("FastAPI 怎么用？", "zh"),
        ("RequestValidationError怎么处理？", "zh"),
        ("The word 合同 means contract", "en"),
        ("家賃は誰が払いますか", "ja"),
        ("누가 임대료를 냅니까", "ko"),
        ("Кто платит аренду?", "ru"),
        ("", "en"),
        ("12 + 30 = 42", "en"),
    ],
)
def test_the_leading_script_names_the_language(text: str, language: str) -> None:
    assert language_of(text) == language


@given(st.text())
def test_any_text_has_a_language(text: str) -> None:
    assert len(language_of(text)) == 2
