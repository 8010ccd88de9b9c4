"""Text that any tokenizer takes, character for character the text given."""


def encodable(text: str) -> str:
    """`text` with each lone surrogate, which no tokenizer takes, replaced by one question mark."""
    return text.encode("utf-8", "replace").decode("utf-8")
