import pytest
from hypothesis import given
from hypothesis import strategies as st
from stored import stored

from rag.domain import Chunk
from rag.narrow import narrow

LEASE = "The roof is blue. The tenant pays a deposit.\nIt is three monthly rents. The garden is large."


def chunk_of(text: str, language: str = "en", start: int = 100) -> Chunk:
    return Chunk(1, stored(1, language=language), 0, start, start + len(text), (), text)


def narrowed(claim: str, text: str, quote: str = "", language: str = "en") -> str | None:
    chunk = chunk_of(text, language)
    quotation = narrow(claim, chunk, quote)
    return None if quotation is None else quotation.span.moved(-chunk.start).of(text)


@pytest.mark.parametrize(
    ("claim", "quote", "expected"),
    [
        ("A deposit is paid by the tenant.", "", "The tenant pays a deposit."),
        ("The deposit of the tenant is three monthly rents.", "", LEASE[18:71]),
        ("Something else altogether.", "", None),
        ("A deposit is due.", "The  garden\nis large", "The garden is large."),
        ("A deposit is due.", "words that stand nowhere", "The tenant pays a deposit."),
    ],
)
def test_a_sentence_rests_on_the_shortest_stretch_that_bears_it_out(
    claim: str, quote: str, expected: str | None
) -> None:
    assert narrowed(claim, LEASE, quote) == expected


def test_chinese_claims_are_narrowed_by_their_words() -> None:
    text = "屋顶是蓝色的。承租人应当支付押金。花园很大。"
    assert narrowed("押金由承租人支付。", text, language="zh") == "承租人应当支付押金。"


@given(st.text(max_size=80), st.text(max_size=20), st.text(max_size=20))
def test_what_comes_out_lies_inside_the_chunk(text: str, claim: str, quote: str) -> None:
    chunk = chunk_of(text)
    quotation = narrow(claim, chunk, quote)
    if quotation is not None:
        assert chunk.start <= quotation.span.start < quotation.span.end <= chunk.end
