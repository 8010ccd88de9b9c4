"""Ways to run all-MiniLM-L6-v2 on a CPU, side by side in one run.

python -m evals.bench.embedding_backends             rate and agreement, on contract passages
python -m evals.bench.embedding_backends --quality   nDCG@10 on bioasq, float32 against the default
"""

import argparse
import gzip
import hashlib
import json
import random
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.numpy import load_file
from sentence_transformers import SentenceTransformer
from tokenizers import Tokenizer

from evals.data import data_root
from rag.adapters.bert_graph import BertGraph
from rag.adapters.openvino_runtime import CompiledModel
from rag.adapters.packaged_minilm import PackagedMiniLM, package_folder
from rag.adapters.sentence_model import SHAPE, SentenceModel
from rag.adapters.token_counts import uncut
from rag.domain import Vectors

TEST_DIGITS = "012"  # first hex digit of a test document's sha256: see the data's README
TOLERATED_LOSS = 0.005  # nDCG@10

Embed = Callable[[Sequence[str]], Vectors]


@dataclass(frozen=True, slots=True)
class Backend:
    """A named way to embed."""

    name: str
    embed: Embed


class Int8BertGraph(BertGraph):
    """The encoder with 8-bit weights, one scale a row; OpenVINO quantises the activations as they come."""

    def _matrix(self, name: str) -> Any:
        matrix = self._weights[name]
        scale = np.abs(matrix).max(axis=1, keepdims=True) / 127
        rounded = self._ops.constant(np.round(matrix / scale).astype(np.int8))
        return self._ops.multiply(self._ops.convert(rounded, "f32"), self._constant(scale))


class OpenVinoVariant(PackagedMiniLM):
    """The packaged model with another graph or other options than the default's."""

    def __init__(self, graph: type[BertGraph], options: dict[str, str | bool]) -> None:
        super().__init__()
        model = graph(load_file(package_folder() / "model.safetensors"), SHAPE).sentence_model()
        self._model = SentenceModel(CompiledModel(model, options), self._loaded_tokenizer())


def backends() -> Iterator[Backend]:
    """The reference first: sentence-transformers as it comes."""
    plain = SentenceTransformer(str(package_folder()), device="cpu")

    def defaults(texts: Sequence[str]) -> Vectors:
        return np.asarray(plain.encode(list(texts), show_progress_bar=False), dtype=np.float32)

    def autocast(texts: Sequence[str]) -> Vectors:
        with torch.autocast("cpu", torch.bfloat16):
            return defaults(texts)

    yield Backend("sentence-transformers, defaults (torch float32)", defaults)
    yield Backend("sentence-transformers, autocast bfloat16", autocast)
    for name, graph, options in _variants():
        yield Backend(name, OpenVinoVariant(graph, options).embed)
    yield Backend("Attest's default", PackagedMiniLM().embed)


def _variants() -> Iterator[tuple[str, type[BertGraph], dict[str, str | bool]]]:
    bfloat16, float32 = {"INFERENCE_PRECISION_HINT": "bf16"}, {"INFERENCE_PRECISION_HINT": "f32"}
    yield "OpenVINO float32", BertGraph, {**float32}
    yield "OpenVINO bfloat16, one stream", BertGraph, {**bfloat16, "PERFORMANCE_HINT": "LATENCY"}
    yield "OpenVINO bfloat16, streams", BertGraph, {**bfloat16}
    for group in ("32", "384"):
        options: dict[str, str | bool] = {**bfloat16, "DYNAMIC_QUANTIZATION_GROUP_SIZE": group}
        yield f"OpenVINO int8 weights, dynamic activations, groups of {group}", Int8BertGraph, options


def contract_passages(data: Path, count: int) -> list[str]:
    """Passages of 180 to 250 word pieces from cuad's train contracts, the same ones every time."""
    with gzip.open(data / "cuad" / "cuad.squad.json.gz", "rt", encoding="utf-8") as file:
        documents = json.load(file)["data"]
    tokenizer = uncut(Tokenizer.from_file(str(package_folder() / "tokenizer.json")))
    draw = random.Random(0)  # noqa: S311 - a sample, not a secret
    passages = []
    for document in documents:
        if hashlib.sha256(document["title"].encode()).hexdigest()[0] in TEST_DIGITS:
            continue
        text = document["paragraphs"][0]["context"]
        offsets = tokenizer.encode(text, add_special_tokens=False).offsets
        first = 0
        while first + 250 < len(offsets):
            last = first + draw.randint(180, 250)
            passages.append(text[offsets[first][0] : offsets[last - 1][1]])
            first = last
    draw.shuffle(passages)
    return passages[:count]


def measure_rates(data: Path, count: int, rounds: int) -> None:
    """Print a row for each backend; backends take turns, so that a busy moment hits all alike."""
    passages = contract_passages(data, count)
    ways = list(backends())
    vectors = {way.name: way.embed(passages) for way in ways}  # the first pass also warms up
    seconds: dict[str, list[float]] = {way.name: [] for way in ways}
    for _ in range(rounds):
        for way in ways:
            started = time.perf_counter()
            way.embed(passages)
            seconds[way.name].append(time.perf_counter() - started)
    reference = ways[0].name
    print(f"{len(passages)} passages of {sum(map(len, passages)) / len(passages):.0f} characters on average")
    print(f"{rounds} rounds, medians (ratios: median over rounds, each against the reference's same round)")
    for way in ways:
        ratios = [slow / fast for slow, fast in zip(seconds[reference], seconds[way.name], strict=True)]
        rate = len(passages) / statistics.median(seconds[way.name])
        cosine = (vectors[way.name] * vectors[reference]).sum(axis=1).mean()
        print(f"| {way.name} | {rate:.1f} | {statistics.median(ratios):.2f} | {cosine:.5f} |", flush=True)


@dataclass(frozen=True, slots=True)
class Retrieval:
    """Queries, passages, and for each query the set of its relevant passages' positions."""

    queries: list[str]
    passages: list[str]
    relevant: list[frozenset[int]]


def bioasq(data: Path) -> Retrieval:
    """Every snippet as the corpus; the questions of batches 7B to 9B, which are train."""
    folder = data / "bioasq" / "snippets_beir"
    corpus = [json.loads(line) for line in _lines(folder / "corpus.jsonl.gz")]
    position = {row["_id"]: i for i, row in enumerate(corpus)}
    relevant: dict[str, set[int]] = {}
    for line in list(_lines(folder / "qrels.tsv.gz"))[1:]:
        query, passage, score = line.split("\t")
        if int(score) > 0:
            relevant.setdefault(query, set()).add(position[passage])
    rows = [json.loads(line) for line in _lines(folder / "queries.jsonl.gz")]
    train = [row for row in rows if row["batch"].startswith(("7B", "8B", "9B")) and row["_id"] in relevant]
    return Retrieval(
        [row["text"] for row in train],
        [f"{row['title']} {row['text']}".strip() for row in corpus],
        [frozenset(relevant[row["_id"]]) for row in train],
    )


def _lines(path: Path) -> Iterator[str]:
    with gzip.open(path, "rt", encoding="utf-8") as file:
        yield from (line.rstrip("\n") for line in file)


def ndcg_at_10(embed: Embed, retrieval: Retrieval) -> NDArray[np.float64]:
    """One value a query, binary gains, by exact search."""
    passages = embed(retrieval.passages)
    queries = embed(retrieval.queries)
    discounts = 1 / np.log2(np.arange(2, 12))
    values = []
    for query, relevant in zip(queries, retrieval.relevant, strict=True):
        best = np.argsort(-(passages @ query), kind="stable")[:10]
        gain = discounts[[i for i, passage in enumerate(best) if int(passage) in relevant]].sum()
        values.append(gain / discounts[: len(relevant)].sum())
    return np.asarray(values)


def measure_quality(data: Path) -> None:
    """Print nDCG@10 of float32 and of the default, and their paired difference; exit 1 beyond the bound."""
    retrieval = bioasq(data)
    # OpenVINO's float32 is torch's to six digits of the cosine, in half the time.
    float32 = OpenVinoVariant(BertGraph, {"INFERENCE_PRECISION_HINT": "f32"})
    ways = [Backend("float32", float32.embed), Backend("Attest's default", PackagedMiniLM().embed)]
    reference, chosen = (ndcg_at_10(way.embed, retrieval) for way in ways)
    difference = chosen - reference
    half_width = 1.96 * difference.std(ddof=1) / np.sqrt(len(difference))
    print(f"bioasq 7B-9B: {len(retrieval.queries)} queries, {len(retrieval.passages)} passages, dense only")
    print(f"| {ways[0].name} | {reference.mean():.4f} |")
    print(f"| {ways[1].name} | {chosen.mean():.4f} |")
    print(f"difference {difference.mean():+.4f}, 95 % interval +-{half_width:.4f}")
    if difference.mean() < -TOLERATED_LOSS:
        raise SystemExit(f"the default loses more than {TOLERATED_LOSS} nDCG@10")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--passages", type=int, default=256)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--quality", action="store_true", help="measure retrieval instead of rate")
    arguments = parser.parse_args()
    if arguments.quality:
        measure_quality(data_root())
    else:
        measure_rates(data_root(), arguments.passages, arguments.rounds)


if __name__ == "__main__":
    main()
