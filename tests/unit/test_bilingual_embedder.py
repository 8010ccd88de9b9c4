"""Two encoders, one space: who reads which text, and what makes the space another one."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from rag.adapters.bilingual_minilm import BilingualMiniLM, ChineseEncoder
from rag.adapters.packaged_minilm import PackagedMiniLM
from rag.adapters.reader_files import CHINESE_FILE, FOLDER, HASHES_FILE
from rag.errors import ModelUnavailableError

ENGLISH = ["Who pays?", "The tenant pays the rent.", "The fee is 3 € (三)."]
CHINESE = ["谁支付租金？", "租金由承租人支付。", "Docker 容器应当如何部署？"]


@pytest.fixture(scope="module")
def embedder() -> BilingualMiniLM:
    return BilingualMiniLM(PackagedMiniLM(), ChineseEncoder(FOLDER))


def test_each_text_is_read_by_the_encoder_that_knows_its_characters(embedder: BilingualMiniLM) -> None:
    mixed = [text for pair in zip(ENGLISH, CHINESE, strict=True) for text in pair]
    vectors = embedder.embed(mixed)
    for found, expected in (
        (vectors[::2], PackagedMiniLM().embed(ENGLISH)),
        (vectors[1::2], ChineseEncoder(FOLDER).embed(CHINESE)),
    ):
        assert np.all((found * expected).sum(axis=1) > 0.999)


def test_a_chinese_question_lies_nearest_to_what_answers_it(embedder: BilingualMiniLM) -> None:
    question, *passages = embedder.embed(
        [
            "房东不退押金怎么办？",
            "出租人应当在租赁期限届满后返还保证金。",
            "鲸鱼以磷虾为食。",
            "泵的滤芯每年更换。",
        ]
    )
    assert int(np.argmax([question @ passage for passage in passages])) == 0


def test_the_space_is_another_one_with_other_chinese_weights_and_loads_none(tmp_path: Path) -> None:
    packaged = PackagedMiniLM()
    shipped = BilingualMiniLM(packaged, ChineseEncoder(FOLDER)).space
    hashes = json.loads((FOLDER / HASHES_FILE).read_text(encoding="utf-8"))
    (tmp_path / HASHES_FILE).write_text(json.dumps(hashes | {CHINESE_FILE: "0" * 64}), encoding="utf-8")
    other = BilingualMiniLM(packaged, ChineseEncoder(tmp_path)).space  # which has no weights at all
    assert len({shipped, other, packaged.space}) == 3
    assert (other.dimension, other.max_tokens) == (shipped.dimension, shipped.max_tokens)


def test_weights_that_are_not_the_expected_ones_are_refused(tmp_path: Path) -> None:
    shutil.copytree(FOLDER, tmp_path / "reader")
    (tmp_path / "reader" / CHINESE_FILE).write_bytes(b"not the weights")
    broken = ChineseEncoder(tmp_path / "reader")
    assert broken.count_tokens(["租金"])[0].tokens == 2
    with pytest.raises(ModelUnavailableError, match=r"chinese\.safetensors is not the expected file"):
        broken.embed(["租金"])


def test_a_reader_without_a_chinese_encoder_says_what_is_missing(tmp_path: Path) -> None:
    hashes = json.loads((FOLDER / HASHES_FILE).read_text(encoding="utf-8"))
    hashes.pop(CHINESE_FILE, None)
    (tmp_path / HASHES_FILE).write_text(json.dumps(hashes), encoding="utf-8")
    with pytest.raises(ModelUnavailableError, match=r"chinese\.safetensors.*Install Attest again"):
        _ = ChineseEncoder(tmp_path).fingerprint
