"""What every reader and reranker promises, whatever its weights."""

import json
import shutil
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from reader_fixtures import RECIPE, tiny_tokenizer, tiny_weights, write_tiny_reader

from rag.adapters.bert_graph import BertGraph, BertShape
from rag.adapters.openvino_runtime import CompiledModel
from rag.adapters.packaged_reader import Asked, PackagedReader, ReaderModel, WindowResult
from rag.adapters.reader_files import ReaderFiles
from rag.domain import Claim, Passage, Reading
from rag.errors import ModelUnavailableError
from rag.ports import Reader, Reranker
from rag.reader_input import PairEncoder
from training.export import export, quantised

SAME = 0.03
"""How far two computations of one probability may be apart: bfloat16 rounds differently in other batches."""

QUESTION = "who pays the rent?"
PASSAGES = [
    Passage("the lease", "the tenant pays the rent of the house every month. " * 4),
    Passage("", "who is the tenant?"),
    Passage("合同 > 租金", "租金是谁付的？年内付🏠𠮷元。"),
    Passage("", ""),
    Passage("the pump", "the filter 🦭 of the pump, café naïve " * 6),
    Passage("合同", "房屋的租金" * 30),
]
LONG = Passage("the lease", "the tenant pays rent. what is the month? 租金合同 " * 150)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_reader(tmp_path_factory.mktemp("reader"))


@pytest.fixture(params=["tiny", "shipped"])
def reader(request: pytest.FixtureRequest, folder: Path) -> PackagedReader:
    return PackagedReader(folder) if request.param == "tiny" else PackagedReader()


def unread(reader: PackagedReader) -> PackagedReader:
    """The same reader, which has seen no passage yet."""
    return PackagedReader(reader._files.folder)


def numbers(readings: Sequence[Reading]) -> np.ndarray:
    return np.array([[reading.relevance, reading.answerable] for reading in readings])


def best_probability(reading: Reading) -> float:
    return max((span.probability for span in reading.spans), default=0.0)


def test_it_is_a_reader_and_a_reranker(reader: PackagedReader) -> None:
    as_reader: Reader = reader
    as_reranker: Reranker = reader
    assert as_reader.version == as_reranker.version


def test_there_is_one_reading_per_passage_and_all_is_from_0_to_1(reader: PackagedReader) -> None:
    readings = reader.read(QUESTION, [*PASSAGES, LONG])
    assert len(readings) == 7
    assert ((numbers(readings) >= 0) & (numbers(readings) <= 1)).all()
    for reading in readings:
        assert all(0 <= span.probability <= 1 for span in reading.spans)
        assert sum(span.probability for span in reading.spans) <= 1 + 1e-9


def test_no_passages_give_no_readings(reader: PackagedReader) -> None:
    assert reader.read(QUESTION, []) == []
    assert reader.relevance(QUESTION, []) == []
    assert reader.support_probabilities([]).shape == (0, 3)


def test_relevance_is_that_of_the_readings(reader: PackagedReader) -> None:
    expected = [reading.relevance for reading in reader.read(QUESTION, PASSAGES)]
    np.testing.assert_allclose(unread(reader).relevance(QUESTION, PASSAGES), expected, atol=SAME)


def test_readings_keep_the_order_and_do_not_depend_on_batch_mates(
    reader: PackagedReader,
) -> None:
    together = reader.read(QUESTION, [*PASSAGES, LONG])
    alone = [unread(reader).read(QUESTION, [passage])[0] for passage in [*PASSAGES, LONG]]
    np.testing.assert_allclose(numbers(together), numbers(alone), atol=SAME)
    best = [[best_probability(reading) for reading in readings] for readings in (together, alone)]
    np.testing.assert_allclose(best[0], best[1], atol=SAME)


def test_spans_are_verbatim_places_best_first_and_apart(reader: PackagedReader) -> None:
    passages = [*PASSAGES, LONG]
    for passage, reading in zip(passages, reader.read(QUESTION, passages), strict=True):
        assert len(reading.spans) <= 5
        assert [s.probability for s in reading.spans] == sorted(
            (s.probability for s in reading.spans), reverse=True
        )
        places = sorted((s.span.start, s.span.end) for s in reading.spans)
        assert all(0 <= start < end <= len(passage.text) for start, end in places)
        assert all(before[1] <= after[0] for before, after in pairwise(places))
        for start, end in places:
            found = passage.text[start:end]
            assert found == found.strip()


def test_an_empty_passage_answers_nothing(reader: PackagedReader) -> None:
    for empty in (Passage("", ""), Passage("the lease", " \n")):
        (reading,) = reader.read(QUESTION, [empty])
        assert reading.spans == ()
        assert reading.answerable == pytest.approx(0, abs=1e-9)


def test_a_very_long_passage_is_read_to_its_end(reader: PackagedReader) -> None:
    windows = PairEncoder(tiny_tokenizer()).windows(QUESTION, [LONG])
    assert len(windows) > 4
    assert windows[-1].offsets[-2][1] == len(LONG.text.rstrip())
    (reading,) = reader.read(QUESTION, [LONG])
    ends = [Passage(LONG.title, LONG.text[:400]), Passage(LONG.title, LONG.text[-400:])]
    assert len(reading.spans) == 5
    assert all(0 < reading.relevance < 1 for reading in [reading, *reader.read(QUESTION, ends)])


def test_a_passage_of_two_windows_is_as_relevant_as_the_better_one(folder: Path) -> None:
    # [CLS] pays [SEP] ... [SEP]: 380 tokens a window, so that the second begins at token 316.
    words = ["rent"] * 316 + ["tenant", "pays"] * 32 + ["month"] * 100
    (whole,) = PackagedReader(folder).read("pays", [Passage("", " ".join(words))])
    parts = [Passage("", " ".join(words[:380])), Passage("", " ".join(words[316:]))]
    readings = PackagedReader(folder).read("pays", parts)
    assert whole.relevance == pytest.approx(max(r.relevance for r in readings), abs=SAME)
    assert whole.answerable == pytest.approx(max(r.answerable for r in readings), abs=SAME)


def test_a_lone_surrogate_is_read_as_a_question_mark(reader: PackagedReader) -> None:
    readings = reader.read("who\ud800", [Passage("a\udfff", "the rent\ud800"), Passage("a?", "the rent?")])
    same = reader.read("who?", [Passage("a?", "the rent?")])
    np.testing.assert_allclose(numbers(readings)[0], numbers(same)[0], atol=SAME)


def test_support_is_that_of_the_passage_that_supports_a_claim_most(reader: PackagedReader) -> None:
    one, other = PASSAGES[0].text, PASSAGES[2].text
    claims = [
        Claim("the tenant pays", (one, other)),
        Claim("the tenant pays", (one,)),
        Claim("谁付租金", ()),
        Claim("the tenant pays", (other,)),
    ]
    rows = reader.support_probabilities(claims)
    assert rows.shape == (4, 3)
    np.testing.assert_allclose(rows.sum(axis=1), 1)
    assert rows[2].tolist() == [0, 0, 1]
    best = max(rows[1].tolist(), rows[3].tolist())
    np.testing.assert_allclose(rows[0], best, atol=SAME)


def test_what_was_ranked_is_not_computed_again_when_it_is_read(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader, computed = PackagedReader(folder), list[int]()
    results = ReaderModel.results

    def counted(model: ReaderModel, asked: Sequence[Asked]) -> list[list[WindowResult]]:
        computed.append(sum(len(item.passages) for item in asked))
        return results(model, asked)

    monkeypatch.setattr(ReaderModel, "results", counted)
    relevance = reader.relevance(QUESTION, PASSAGES[:4])
    mixed = reader.read(QUESTION, [PASSAGES[2], PASSAGES[4], PASSAGES[0]])
    other = reader.read("who is the tenant?", PASSAGES[:1])
    assert computed == [4, 1, 1]
    assert [mixed[0].relevance, mixed[2].relevance] == [relevance[2], relevance[0]]
    np.testing.assert_allclose(
        numbers(mixed), numbers(unread(reader).read(QUESTION, [PASSAGES[i] for i in (2, 4, 0)])), atol=SAME
    )
    assert (
        numbers(other).tolist() == numbers(unread(reader).read("who is the tenant?", PASSAGES[:1])).tolist()
    )


def test_several_threads_get_the_readings_of_their_own_passages(folder: Path) -> None:
    questions = [f"who {'pays ' * number}" for number in range(8)]
    expected = [PackagedReader(folder).read(question, PASSAGES) for question in questions]
    shared = PackagedReader(folder)
    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(lambda question: shared.read(question, PASSAGES), questions))
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(numbers(one), numbers(other), atol=SAME)


def test_the_version_names_the_files_and_the_recipe_and_loads_nothing(tmp_path: Path) -> None:
    one = PackagedReader(write_tiny_reader(tmp_path / "one", seed=1))
    other = PackagedReader(write_tiny_reader(tmp_path / "other", seed=2))
    assert one.version.endswith(" tiny-1")
    assert one.version != other.version
    assert one._model is None


@pytest.mark.parametrize("name", ["reader.safetensors", "tokenizer.json"])
def test_the_version_changes_with_each_file(folder: Path, tmp_path: Path, name: str) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(folder, copy)
    hashes = json.loads((copy / "hashes.json").read_text())
    (copy / "hashes.json").write_text(json.dumps({**hashes, name: "0" * 64}))
    assert PackagedReader(copy).version != PackagedReader(folder).version


@pytest.mark.parametrize(
    "left_out", ["encoder.layer.1.output.dense.bias", "encoder.layer.", "support.weight"]
)
def test_weights_without_a_name_that_is_needed_are_no_reader(tmp_path: Path, left_out: str) -> None:
    write_tiny_reader(tmp_path)
    weights = {name: tensor for name, tensor in tiny_weights().items() if not name.startswith(left_out)}
    export(weights, tmp_path / "tokenizer.json", RECIPE, tmp_path)
    with pytest.raises(ModelUnavailableError, match=f"it has no '{left_out}.*Install Attest again"):
        PackagedReader(tmp_path).read("who", [Passage("", "the rent")])


def test_a_temperature_divides_the_logits(tmp_path: Path) -> None:
    write_tiny_reader(tmp_path / "two")
    plain = {**RECIPE, "temperatures": {}}
    export(tiny_weights(), tmp_path / "two" / "tokenizer.json", plain, tmp_path / "one")
    passages = PASSAGES[:3]
    by_two, by_one = (
        np.array(PackagedReader(tmp_path / name).relevance(QUESTION, passages)) for name in ("two", "one")
    )
    log_odds = [np.log(values / (1 - values)) for values in (by_two, by_one)]
    np.testing.assert_allclose(2 * log_odds[0], log_odds[1], atol=0.02)


def test_weights_come_back_within_half_a_step(tmp_path: Path) -> None:
    weights = ReaderFiles(write_tiny_reader(tmp_path)).weights()
    expected = tiny_weights()
    assert weights.keys() == expected.keys()
    for name, tensor in expected.items():
        step = np.abs(tensor).max(axis=-1, keepdims=True) / 127 if tensor.ndim == 2 else 0
        assert (np.abs(weights[name] - tensor) <= step / 2 + 1e-6).all(), name


def test_rows_are_quantised_by_their_largest_value() -> None:
    steps, scale = quantised(np.array([[1.27, -0.5, 0.004], [0, 0, 0]], dtype=np.float32))
    assert steps.tolist() == [[127, -50, 0], [0, 0, 0]]
    assert scale.tolist() == pytest.approx([0.01, 1])


def test_the_graph_computes_what_torch_computes_with_both_token_types() -> None:
    import torch
    from transformers import BertConfig, BertModel

    weights = tiny_weights()
    config = BertConfig(
        vocab_size=len(tiny_tokenizer().get_vocab()),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=384,
    )
    model = BertModel(config)
    model.train(False)
    names = [name for name in model.state_dict() if not name.startswith("embeddings.position_ids")]
    model.load_state_dict({name: torch.from_numpy(weights[name]) for name in names}, strict=False)
    ids = np.array([[2, 5, 6, 3, 7, 8, 3], [2, 9, 3, 10, 3, 0, 0]], dtype=np.int32)
    mask = (ids != 0).astype(np.int32)
    types = np.array([[0, 0, 0, 0, 1, 1, 1], [0, 0, 0, 1, 1, 0, 0]], dtype=np.int32)
    with torch.no_grad():
        expected = model(*(torch.from_numpy(array).long() for array in (ids, mask, types)))
    spans = expected.last_hidden_state.numpy() @ weights["span.weight"].T + weights["span.bias"]
    support = expected.pooler_output.numpy() @ weights["support.weight"].T + weights["support.bias"]
    graph = BertGraph(weights, BertShape(2, 2), has_types=True)
    compiled = CompiledModel(graph.reading_model("span", ["support"]), {"INFERENCE_PRECISION_HINT": "f32"})
    by_token, by_text = compiled.run([ids, mask, types])
    np.testing.assert_allclose(by_token[mask == 1], spans[mask == 1], atol=1e-4)
    np.testing.assert_allclose(by_text, support, atol=1e-4)


@pytest.mark.parametrize("name", ["reader.safetensors", "tokenizer.json", "hashes.json"])
def test_a_missing_file_is_named_with_the_remedy(folder: Path, tmp_path: Path, name: str) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(folder, copy)
    (copy / name).unlink()
    with pytest.raises(ModelUnavailableError, match=rf"{name} cannot be read.*Install Attest again"):
        PackagedReader(copy).read("who", [Passage("", "the rent")])


@pytest.mark.parametrize("name", ["reader.safetensors", "tokenizer.json"])
def test_another_file_under_the_same_name_is_refused(folder: Path, tmp_path: Path, name: str) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(folder, copy)
    with (copy / name).open("ab") as file:
        file.write(b" ")
    with pytest.raises(ModelUnavailableError, match=rf"{name} is not the expected file: its sha256 is"):
        PackagedReader(copy).read("who", [Passage("", "the rent")])


@pytest.mark.parametrize("content", ["", "[]", '{"reader.safetensors": "0"}'])
def test_hashes_that_name_no_files_are_refused(folder: Path, tmp_path: Path, content: str) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(folder, copy)
    (copy / "hashes.json").write_text(content, encoding="utf-8")
    with pytest.raises(ModelUnavailableError, match="does not name the hashes"):
        _ = PackagedReader(copy).version


def test_a_file_without_a_recipe_is_no_reader(folder: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(folder, copy)
    (copy / "reader.safetensors").write_bytes(b"not the weights")
    with pytest.raises(ModelUnavailableError, match="holds no reader with a recipe"):
        _ = PackagedReader(copy).version


def test_reading_needs_no_torch(folder: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from rag.domain import Passage\n"
        "from rag.adapters.packaged_reader import PackagedReader\n"
        f"PackagedReader(Path({str(folder)!r})).read('who', [Passage('', 'the rent')])\n"
        "assert 'openvino' in sys.modules\n"
        "assert not {'torch', 'transformers', 'sentence_transformers'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
