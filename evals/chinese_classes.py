"""The class of each Chinese word (person, place, noun, ...) by jieba's dictionary."""

import warnings
from functools import cache
from typing import Any

from rag.jieba_dictionary import jieba_dictionary


@cache
def word_classes() -> Any:
    """A `jieba.posseg.POSTokenizer`; its tables are slow to import, so only when first needed."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its regular expressions use invalid escapes
        import jieba.posseg  # noqa: PLC0415
    return jieba.posseg.POSTokenizer(jieba_dictionary())
