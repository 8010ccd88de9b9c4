"""jieba's dictionary, read from its package."""

import warnings
from functools import cache
from typing import Any


@cache
def jieba_dictionary() -> Any:
    """A `jieba.Tokenizer` (0.7 s, 100 MB), read when it is first needed.

    jieba would keep the dictionary as `jieba.cache` in the shared temporary folder and unmarshal whatever
    lies there; filling the tokenizer directly writes no file, trusts none and logs nothing.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its regular expressions use invalid escapes
        import jieba  # noqa: PLC0415
    tokenizer = jieba.Tokenizer()
    tokenizer.FREQ, tokenizer.total = tokenizer.gen_pfdict(tokenizer.get_dict_file())
    tokenizer.initialized = True
    return tokenizer
