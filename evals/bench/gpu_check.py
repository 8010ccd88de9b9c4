"""What a GPU gives, and whether it agrees with the CPU: exit status 1 where it does not.

    python -m evals.bench.gpu_check [--vectors 1000000] [--passages 4096] [--out FILE]

Three parts: vector search with faiss, the encoder through sentence-transformers, the reader's network. A part
that lacks a library or a GPU says so and is left out. Where the package of all-MiniLM-L6-v2 is not
installed, the reader's encoder, which has the same shape, stands in for it. Libraries are imported part by
part, so that one that is missing stops its own part only.
"""

import argparse
import json
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from torch import Tensor

    from rag.adapters.torch_device import TorchDevice
    from training.model import ReaderNetwork

ROOT = Path(__file__).parents[2]
READER = ROOT / "rag" / "reader"
DIMENSION = 384
TOP = 10
QUERIES = 256
"""Questions of which recall is taken."""

CPU_SHARE = 16
"""The CPU gets one passage in so many: its rate is as well measured by fewer."""

WORDS = 130
"""Words of a passage of the handbook: about 200 word pieces, as our chunks have."""

RECALL = 0.99
COSINE = 0.99
PROBABILITY = 0.05
"""Bounds: recall@10 of exact search, the least cosine of two vectors, the most that a probability moves."""

BATCH = 64
"""Queries at once."""

PASSAGES_AT_ONCE = 256
LONGEST = 384
QUESTION = "How is an index that was lost made anew?"
SECONDS = 2.0
"""How long each rate is measured, at least."""


class SkippedError(Exception):
    """A part that this machine cannot run; the message says what it lacks."""


@dataclass(frozen=True, slots=True)
class Row:
    """A rate (per second) on the CPU and on the GPU, and whether both said the same."""

    what: str
    cpu: float
    gpu: float
    agreement: str
    agrees: bool


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--vectors", type=int, default=1_000_000)
    parser.add_argument("--passages", type=int, default=4096)
    parser.add_argument("--out", type=Path, help="also write the figures as JSON")
    arguments = parser.parse_args()
    parts: dict[str, Callable[[], list[Row]]] = {
        "vector search": lambda: check_search(arguments.vectors),
        "encoder": lambda: check_encoder(handbook_passages(arguments.passages)),
        "reader": lambda: check_reader(handbook_passages(arguments.passages)),
    }
    rows = [row for name, part in parts.items() for row in _run(name, part)]
    show(rows)
    if arguments.out:
        arguments.out.write_text(json.dumps([asdict(row) for row in rows], indent=2) + "\n", encoding="utf-8")
    if not all(row.agrees for row in rows):
        raise SystemExit("the GPU does not agree with the CPU")


def _run(name: str, part: Callable[[], list[Row]]) -> list[Row]:
    try:
        return part()
    except SkippedError as reason:
        print(f"{name}: skipped, {reason}", flush=True)
    except ImportError as error:
        print(f"{name}: skipped, a library cannot be imported: {error}", flush=True)
    return []


def show(rows: Sequence[Row]) -> None:
    if not rows:
        return
    print("| a second | CPU | GPU | GPU/CPU | agreement |\n|---|---|---|---|---|")
    for row in rows:
        figures = f"{row.cpu:,.1f} | {row.gpu:,.1f} | {row.gpu / row.cpu:.1f}"
        print(f"| {row.what} | {figures} | {row.agreement}{'' if row.agrees else ' TOO LITTLE'} |")


def per_second(count: int, work: Callable[[], object]) -> float:
    """How many of the `count` things that one call of `work` does are done in a second; warmed up first."""
    work()
    calls, started = 0, time.perf_counter()
    while (elapsed := time.perf_counter() - started) < SECONDS or calls == 0:
        work()
        calls += 1
    return calls * count / elapsed


def check_search(count: int) -> list[Row]:
    """Queries a second of the vector index, one at a time and 64 at once; recall of the CPU's hits."""
    try:
        from rag.adapters.faiss_gpu import copied_to_gpu, gpu_is_there
        from rag.adapters.faiss_index import new_index
    except RuntimeError as error:  # so says faiss-gpu where CUDA's libraries are missing
        raise SkippedError(str(error)) from error
    if not gpu_is_there():
        raise SkippedError("faiss is a build for the CPU or sees no GPU (pip install 'attest-rag[gpu]')")
    index = new_index(DIMENSION)
    chance = np.random.default_rng(0)
    for start in range(0, count, 100_000):
        ids = np.arange(start, min(start + 100_000, count))
        index.add_with_ids(_unit_vectors(chance, len(ids)), ids)
    started = time.perf_counter()
    copy = copied_to_gpu(index)
    print(f"copying {count:,} vectors to the GPU took {time.perf_counter() - started:.2f} s", flush=True)
    queries = _unit_vectors(chance, QUERIES)
    recall = _recall(index.search(queries, TOP)[1], copy.search(queries, TOP)[1])

    def row(batch: int) -> Row:
        return Row(
            f"queries among {count:,} vectors, {batch} at once",
            per_second(batch, lambda: index.search(queries[:batch], TOP)),
            per_second(batch, lambda: copy.search(queries[:batch], TOP)),
            f"recall@{TOP} {recall:.4f}",
            recall >= RECALL,
        )

    return [row(1), row(BATCH)]


def _unit_vectors(chance: np.random.Generator, count: int) -> NDArray[np.float32]:
    rows = chance.standard_normal((count, DIMENSION), dtype=np.float32)
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), dtype=np.float32)


def _recall(expected: NDArray[np.int64], found: NDArray[np.int64]) -> float:
    """The share of the expected ids, of shape (queries, k), that are found."""
    hits = [len(set(wanted) & set(got)) for wanted, got in zip(expected, found, strict=True)]
    return sum(hits) / expected.size


def handbook_passages(count: int) -> list[str]:
    """Stretches of the handbook, each a few words further on; the same ones every time."""
    words = [
        word for path in sorted((ROOT / "docs").glob("*.md")) for word in path.read_text("utf-8").split()
    ]
    step = max(1, (len(words) - WORDS) // count)
    return [" ".join(words[start : start + WORDS]) for start in range(0, len(words) - WORDS, step)][:count]


def check_encoder(passages: Sequence[str]) -> list[Row]:
    """Passages a second through sentence-transformers: float32 on the CPU, as the adapters do on the GPU."""
    device = _gpu()
    from sentence_transformers import SentenceTransformer

    few = passages[: len(passages) // CPU_SHARE]
    with tempfile.TemporaryDirectory() as scratch:
        name, folder = encoder_folder(Path(scratch))
        on_cpu = SentenceTransformer(str(folder), device="cpu")
        on_gpu = SentenceTransformer(str(folder), device=device.name, model_kwargs={"dtype": device.dtype})

    def encode(model: SentenceTransformer, texts: Sequence[str]) -> NDArray[np.float32]:
        vectors = model.encode(
            list(texts), batch_size=PASSAGES_AT_ONCE, normalize_embeddings=True, show_progress_bar=False
        )
        return np.asarray(vectors, dtype=np.float32)

    cosine = float((encode(on_cpu, few) * encode(on_gpu, few)).sum(axis=1).min())
    return [
        Row(
            f"passages embedded, {name}, {device.dtype}",
            per_second(len(few), lambda: encode(on_cpu, few)),
            per_second(len(passages), lambda: encode(on_gpu, passages)),
            f"least cosine {cosine:.4f}",
            cosine >= COSINE,
        )
    ]


def _gpu() -> "TorchDevice":
    """The device and precision that the adapters choose; SkippedError where torch sees no GPU."""
    from rag.adapters.torch_device import best_device

    device = best_device()
    if device.name == "cpu":
        raise SkippedError("torch sees no GPU")
    return device


def encoder_folder(scratch: Path) -> tuple[str, Path]:
    """Name and folder of the packaged encoder, or of the reader's, which is written to `scratch`."""
    from rag.adapters.packaged_minilm import MODEL_NAME, package_folder
    from rag.errors import ModelUnavailableError

    try:
        return MODEL_NAME, package_folder()
    except ModelUnavailableError:
        pass
    from transformers import PreTrainedTokenizerFast

    named = {"pad_token": "[PAD]", "cls_token": "[CLS]", "sep_token": "[SEP]", "unk_token": "[UNK]"}
    tokenizer = PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]  # its types lack it
        tokenizer_file=str(READER / "tokenizer.json"), model_max_length=256, **named
    )
    tokenizer.save_pretrained(scratch)
    reader_network().encoder.save_pretrained(scratch)
    return "the reader's encoder", scratch


def check_reader(passages: Sequence[str]) -> list[Row]:
    """Passages read a second beside a question, all heads at once, in the precision of the encoder."""
    device = _gpu()
    all_pairs = _pairs(passages)
    few_pairs = _pairs(passages[: len(passages) // CPU_SHARE])
    on_cpu = reader_network()
    on_gpu = reader_network().to(device.name, device.dtype)
    difference = float((_read(on_cpu, few_pairs) - _read(on_gpu, few_pairs)).abs().max())
    return [
        Row(
            f"passages read beside a question, {device.dtype}",
            per_second(len(passages) // CPU_SHARE, lambda: _read(on_cpu, few_pairs)),
            per_second(len(passages), lambda: _read(on_gpu, all_pairs)),
            f"probabilities differ by {difference:.3f} at most",
            difference <= PROBABILITY,
        )
    ]


def reader_network() -> "ReaderNetwork":
    from rag.adapters.reader_files import ReaderFiles
    from training.model import from_exported

    network = from_exported(ReaderFiles(READER))
    return network.eval()


def _pairs(texts: Sequence[str]) -> "list[Tensor]":
    """Batches of one question beside each text, of shape (3, batch, length): ids, types and mask."""
    import torch
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(READER / "tokenizer.json"))
    tokenizer.enable_truncation(LONGEST, strategy="only_second")
    tokenizer.enable_padding()
    batches = []
    for start in range(0, len(texts), PASSAGES_AT_ONCE):
        found = tokenizer.encode_batch([(QUESTION, text) for text in texts[start : start + PASSAGES_AT_ONCE]])
        rows = ([item.ids, item.type_ids, item.attention_mask] for item in found)
        batches.append(torch.tensor(list(rows)).transpose(0, 1))
    return batches


def _read(network: "ReaderNetwork", batches: "Sequence[Tensor]") -> "Tensor":
    """The probabilities of every passage, of shape (passages, 5): relevant, answering, three of support."""
    import torch

    place = next(network.parameters()).device
    rows = []
    with torch.inference_mode():
        for batch in batches:
            logits = network(*batch.to(place))
            odds = torch.stack([logits.relevance, logits.answerable], dim=1)
            rows.append(torch.cat([odds.sigmoid(), logits.support.softmax(dim=1)], dim=1))
    return torch.cat(rows).cpu()


if __name__ == "__main__":
    main()
