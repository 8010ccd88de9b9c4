"""Any CrossEncoder can rerank; what cannot be one is told so."""

from pathlib import Path

import pytest
from reader_fixtures import tiny_tokenizer

from rag.adapters.cross_encoder import CrossEncoderReranker
from rag.domain import Passage
from rag.errors import ModelUnavailableError
from rag.settings import Settings
from rag.wiring import open_system

PASSAGES = [
    Passage("the lease", "the tenant pays the rent " * 9),
    Passage("", "who?"),
    Passage("合同", "租金🏠"),
    Passage("", ""),
    Passage("", "the rent\ud800 " * 300),
]


def write_cross_encoder(folder: Path, labels: int = 1) -> str:
    """A cross-encoder with random weights, as sentence-transformers opens it by its folder."""
    import torch
    from transformers import BertConfig, BertForSequenceClassification, PreTrainedTokenizerFast

    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=len(tiny_tokenizer().get_vocab()),
        hidden_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=128,
        initializer_range=0.5,
    )
    config.num_labels = labels
    BertForSequenceClassification(config).save_pretrained(folder)
    tokenizer = PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]  # the library does not say
        tokenizer_object=tiny_tokenizer(),
        model_max_length=128,
        unk_token="[UNK]",
        pad_token="[PAD]",
        cls_token="[CLS]",
        sep_token="[SEP]",
    )
    tokenizer.save_pretrained(folder)
    return str(folder)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> str:
    return write_cross_encoder(tmp_path_factory.mktemp("cross-encoder"))


def test_there_is_one_relevance_from_0_to_1_per_passage_whatever_its_batch(folder: str) -> None:
    reranker = CrossEncoderReranker(folder)
    together = reranker.relevance("who pays the rent?", PASSAGES)
    alone = [reranker.relevance("who pays the rent?", [passage])[0] for passage in PASSAGES]
    assert together == pytest.approx(alone, abs=1e-4)
    assert all(0 < value < 1 for value in together)
    assert len(set(together)) == len(PASSAGES)
    assert reranker.relevance("who?", []) == []


def test_the_title_is_read_above_the_text(folder: str) -> None:
    reranker = CrossEncoderReranker(folder)
    titled, whole = reranker.relevance("who?", [Passage("the lease", "rent"), Passage("", "the lease\nrent")])
    assert titled == pytest.approx(whole, abs=1e-4)


def test_the_version_tells_other_weights_apart(folder: str, tmp_path: Path) -> None:
    same = CrossEncoderReranker(folder).version
    assert same == CrossEncoderReranker(folder).version
    copy = Path(write_cross_encoder(tmp_path / "copy"))
    (copy / "config.json").write_text((copy / "config.json").read_text().replace("}", " }"), encoding="utf-8")
    assert CrossEncoderReranker(str(copy)).version != same


def test_a_model_of_several_scores_is_refused(tmp_path: Path) -> None:
    folder = write_cross_encoder(tmp_path / "three", labels=3)
    with pytest.raises(ModelUnavailableError, match=r"gives 3 scores.*ATTEST_RERANKER_MODEL"):
        CrossEncoderReranker(folder).relevance("who?", PASSAGES)


def test_a_folder_without_a_model_is_an_unavailable_reranker(tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailableError, match=r"cannot be loaded.*ATTEST_RERANKER_MODEL"):
        _ = CrossEncoderReranker(str(tmp_path)).version


def test_the_settings_name_the_reranker(folder: str, tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, reranker_model=folder, rerank_depth=7)
    with open_system(settings) as system:
        assert system.retriever.reranking is not None
        assert isinstance(system.retriever.reranking.reranker, CrossEncoderReranker)
        assert system.retriever.reranking.depth == 7
