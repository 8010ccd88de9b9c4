"""What every embedder promises, whatever computes its vectors."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from rag.adapters.bilingual_minilm import BilingualMiniLM, ChineseEncoder
from rag.adapters.packaged_minilm import PackagedMiniLM, package_folder
from rag.adapters.reader_files import FOLDER
from rag.adapters.sentence_transformer import SentenceTransformerEmbedder
from rag.domain import TokenCount
from rag.ports import Embedder

SAME = 0.999
"""The cosine above which two vectors are the same: bfloat16 rounds differently in batches of other shapes."""

TEXTS = [
    "The supplier shall deliver within thirty days. " * 4,
    "Who pays?",
    "",
    "Aspirin inhibits platelet aggregation by blocking cyclooxygenase. " * 12,
    "合同自签字之日起生效。",
    "Signed 🖋️ and sealed 🦭",
    "Either party may terminate this agreement upon written notice.",
]


@pytest.fixture(scope="module", params=["bilingual", "packaged", "sentence-transformers"])
def embedder(request: pytest.FixtureRequest) -> Iterator[Embedder]:
    match request.param:
        case "bilingual":
            yield BilingualMiniLM(PackagedMiniLM(), ChineseEncoder(FOLDER))
        case "packaged":
            yield PackagedMiniLM()
        case _:
            yield SentenceTransformerEmbedder(str(package_folder()))


def cosines(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    return np.asarray((first * second).sum(axis=1))


def test_the_space_states_the_dimension_and_the_tokens_read(embedder: Embedder) -> None:
    assert embedder.space.dimension == 384
    assert embedder.space.max_tokens == 254
    assert embedder.space == embedder.space


def test_every_row_is_a_unit_vector(embedder: Embedder) -> None:
    vectors = embedder.embed(TEXTS)
    assert vectors.shape == (len(TEXTS), 384)
    assert vectors.dtype == np.float32
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(1, abs=1e-4)


def test_no_texts_give_no_rows(embedder: Embedder) -> None:
    assert embedder.embed([]).shape == (0, 384)
    assert embedder.count_tokens([]) == []


def test_rows_keep_the_order_of_texts_of_mixed_length(embedder: Embedder) -> None:
    texts = [f"Clause {i}: " + "the tenant pays the rent on time. " * (i * 7 % 11) for i in range(12)]
    together = embedder.embed(texts)
    alone = np.concatenate([embedder.embed([text]) for text in texts])
    assert cosines(together, alone).min() > SAME
    assert (together @ alone.T).argmax(axis=1).tolist() == list(range(12))


def test_a_vector_does_not_depend_on_its_batch_mates(embedder: Embedder) -> None:
    text = TEXTS[6]
    rows = np.concatenate([embedder.embed([text])[:1], embedder.embed([text, *TEXTS])[:1]])
    assert cosines(rows, rows[::-1]).min() > SAME


def test_related_texts_are_nearer_than_unrelated_ones(embedder: Embedder) -> None:
    question, related, unrelated = embedder.embed(
        ["How can the contract be ended?", TEXTS[6], "Whales feed on krill in cold water."]
    )
    assert question @ related > question @ unrelated + 0.2


def test_a_long_text_is_cut_and_not_refused(embedder: Embedder) -> None:
    long = "supplier " * 5000
    window = "supplier " * embedder.space.max_tokens
    assert embedder.count_tokens([long]) == [TokenCount(5000, 0)]
    assert cosines(embedder.embed([long]), embedder.embed([window])).min() > SAME


def test_tokens_are_counted_without_the_special_ones(embedder: Embedder) -> None:
    assert embedder.count_tokens(["the supplier pays", ""]) == [TokenCount(3, 0), TokenCount(0, 0)]


def test_chinese_is_mostly_unknown_to_a_model_of_english_alone(embedder: Embedder) -> None:
    (count,) = embedder.count_tokens(["当事人应当遵循诚实信用原则履行义务"])
    assert count.tokens == 17
    assert (count.unknown == 0) if isinstance(embedder, BilingualMiniLM) else (count.unknown > 5)


def test_an_emoji_is_one_unknown_token(embedder: Embedder) -> None:
    assert embedder.count_tokens(["sealed 🦭"]) == [TokenCount(2, 1)]


def test_a_lone_surrogate_is_read_as_a_question_mark(embedder: Embedder) -> None:
    broken, whole = "Who pays\ud800", "Who pays?"
    assert embedder.count_tokens([broken]) == embedder.count_tokens([whole])
    assert cosines(embedder.embed([broken]), embedder.embed([whole])).min() > SAME


def test_several_threads_get_the_vectors_of_their_own_texts(embedder: Embedder) -> None:
    texts = [f"Section {i} of the {'very ' * i}long act" for i in range(12)]
    expected = embedder.embed(texts)
    with ThreadPoolExecutor(6) as threads:
        rows = list(threads.map(lambda text: embedder.embed([text])[0], texts))
        counts = list(threads.map(lambda text: embedder.count_tokens([text])[0], texts))
    assert cosines(np.stack(rows), expected).min() > SAME
    assert counts == embedder.count_tokens(texts)
