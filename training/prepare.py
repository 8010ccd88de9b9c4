"""The files that training reads, made from ATTEST_DATA; one that is there is not made again."""

import gzip
import itertools
import random
from collections.abc import Callable, Collection, Iterator
from functools import partial
from pathlib import Path

import structlog

from evals.run import bring_in
from evals.suites import suite_named
from ingest.pipeline import Report
from ingest.wiring import open_ingestion
from rag.adapters.packaged_minilm import MODEL_NAME
from rag.settings import Settings
from rag.wiring import open_system
from training.cloze import cloze_examples
from training.corpora import passages
from training.examples import Example, write_examples
from training.ranking import RANKING_SOURCES, RankingSource, ranking_examples
from training.spans import span_examples
from training.support_pairs import support_examples
from training.work import CLOZE_FILES, MASKED_FILES, RANKING_FILES, SPANS_FILE, SUPPORT_FILE

LOG = structlog.get_logger()

MASKED_PASSAGES = 120_000  # of a language, at most
CLOZE_QUESTIONS = {"en": 320_000, "zh": 120_000}  # at most
CHINESE_QUESTIONS = ("reading/cmrc2018", "reading/drcd", "retrieval/stard", "retrieval/fastapi")
"""The ranking sources whose questions are Chinese."""


def prepare(
    root: Path, data: Path, home: Path, *, ranked: Collection[str], seed: int, report: Report
) -> None:
    """Make every missing file below `data`; `home` holds the collections that ranking searches.

    `ranked` names the suites that ranking examples are made of.
    """
    for language, file in MASKED_FILES.items():
        if not (data / file).is_file():
            _write_lines(data / file, _lines(root, language, random.Random(seed)))
    for language, file in CLOZE_FILES.items():
        _make(data / file, partial(_cloze, root, language, random.Random(seed)))
    _make(data / SPANS_FILE, partial(span_examples, root, random.Random(seed)))
    _make(data / SUPPORT_FILE, partial(support_examples, root, random.Random(seed)))
    for language, file in RANKING_FILES.items():
        chosen = [
            item
            for item in RANKING_SOURCES
            if item.suite in ranked and (item.suite in CHINESE_QUESTIONS) == (language == "zh")
        ]
        _make(data / file, partial(_ranking, chosen, root, home, seed, report))


def _make(path: Path, examples: Callable[[], Iterator[Example]]) -> None:
    if not path.is_file():
        LOG.info("making", file=path.name)
        LOG.info("made", file=path.name, examples=write_examples(path, examples()))


def _lines(root: Path, language: str, chance: random.Random) -> Iterator[str]:
    for passage in itertools.islice(passages(root, language, chance), MASKED_PASSAGES):
        yield " ".join(passage.text.split())


def _write_lines(path: Path, lines: Iterator[str]) -> None:
    """Whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    with gzip.open(part, "wt", encoding="utf-8") as file:
        file.writelines(f"{line}\n" for line in lines)
    part.replace(path)


def _cloze(root: Path, language: str, chance: random.Random) -> Iterator[Example]:
    found = cloze_examples(passages(root, language, chance), chance)
    return itertools.islice(found, CLOZE_QUESTIONS[language])


def _ranking(
    sources: list[RankingSource], root: Path, home: Path, seed: int, report: Report
) -> Iterator[Example]:
    """Collections that are not there yet are ingested first, which takes minutes."""
    system = open_system(_search_settings(home))
    ingestion = open_ingestion(system)
    try:
        for source in sources:
            corpus = suite_named(source.suite).load(root).corpus
            if corpus is None:
                raise ValueError(f"{source.suite} has no corpus to search")
            bring_in(ingestion, corpus, report)
            yield from ranking_examples(
                source.suite,
                root,
                system,
                corpus.collection,
                random_source=random.Random(seed),
                limit=source.questions,
            )
    finally:
        ingestion.close()
        system.close()


def _search_settings(home: Path) -> Settings:
    """Whatever the environment sets; not reranked, or the reader would choose what it learns."""
    return Settings(home=home, database_url="", embedding_model=MODEL_NAME, rerank_depth=0)
