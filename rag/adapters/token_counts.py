"""How a tokenizer of the `tokenizers` library sees texts, whole and uncut."""

from collections.abc import Sequence

from tokenizers import Tokenizer

from rag.domain import TokenCount
from rag.encodable import encodable


def uncut(tokenizer: Tokenizer) -> Tokenizer:
    """The same tokenizer, told neither to truncate nor to pad."""
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer


def count_tokens(tokenizer: Tokenizer, texts: Sequence[str], unknown_id: int | None) -> list[TokenCount]:
    """Counts without special tokens; no token is unknown to a tokenizer without an unknown token."""
    encodings = tokenizer.encode_batch_fast([encodable(text) for text in texts], add_special_tokens=False)
    return [
        TokenCount(len(ids), 0 if unknown_id is None else ids.count(unknown_id))
        for ids in (encoding.ids for encoding in encodings)
    ]
