"""Sentences longer than the model reads are split at the best place inside them."""

from collections.abc import Callable, Iterator, Sequence
from typing import TypeAlias

from rag.domain import Span, TokenCount

CountTokens: TypeAlias = Callable[[Sequence[str]], list[TokenCount]]

SEAM_TOKENS = 2
"""The most that a tokenizer adds where two pieces meet: for an empty line; WordPiece adds none."""

_BATCH = 4096
# Where a sentence may be split, the best first: clauses, phrases, words, and last between characters, of
# which no one is torn from its marks. Chinese marks need no blank.
_BOUNDARIES = (
    r"[;；]\s*|(?<=[:：])\s+|\s(?=\(\w{1,3}\)\s)",
    r"[，、]|[,|]\s+|\s[–—-]\s",
    r"\s+",
    r"(?<!\u200d)(?![\u0300-\u036f\u20d0-\u20ff\ufe0e\ufe0f\u200d]|$)",
)


def fitting(
    text: str, spans: Sequence[Span], count_tokens: CountTokens, maximum: int
) -> list[tuple[Span, int]]:
    """The spans with their token counts, those of more than `maximum` tokens split; trimmed and in order."""
    counts = counted([span.of(text) for span in spans], count_tokens)
    fitted: list[tuple[Span, int]] = []
    for span, tokens in zip(spans, counts, strict=True):
        if tokens <= maximum:
            fitted.append((span, tokens))
        else:
            fitted.extend(_split(text, span, count_tokens, maximum))
    return fitted


def counted(texts: Sequence[str], count_tokens: CountTokens) -> list[int]:
    """Token counts in the order of the texts, asked for in batches."""
    batches = (texts[start : start + _BATCH] for start in range(0, len(texts), _BATCH))
    return [count.tokens for batch in batches for count in count_tokens(batch)]


def _split(text: str, span: Span, count_tokens: CountTokens, maximum: int) -> Iterator[tuple[Span, int]]:
    """Parts of at most `maximum` tokens, cut by LangChain's splitter, which loses no character so set."""
    # Over a second to import, and few texts need it.
    from langchain_text_splitters import RecursiveCharacterTextSplitter  # noqa: PLC0415

    splitter = RecursiveCharacterTextSplitter(
        separators=list(_BOUNDARIES),
        is_separator_regex=True,
        keep_separator="end",
        strip_whitespace=False,
        chunk_size=maximum,
        chunk_overlap=0,
        length_function=lambda part: counted([part], count_tokens)[0] + SEAM_TOKENS if part else 0,
    )
    parts: list[Span] = []
    start = span.start
    for part in splitter.split_text(span.of(text)):
        if part.strip():
            first = start + len(part) - len(part.lstrip())
            parts.append(Span(first, first + len(part.strip())))
        start += len(part)
    tokens = counted([part.of(text) for part in parts], count_tokens)
    yield from zip(parts, tokens, strict=True)
