import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest
from in_memory import WordEmbedder, embedded

from evals.data import is_held_out
from rag.domain import Metadata
from rag.errors import NotFoundError
from rag.settings import Settings
from rag.system import System
from rag.wiring import open_system
from training.examples import Example
from training.ranking import RANKING_SOURCES, ranking_examples

QUESTION = "Who insures the warehouse?"
TENANT = "The tenant insures the warehouse."
RENT = "Rent of the warehouse is due in May."
LATER = "The warehouse is old and its owner insures nothing."
REPEATED = "Of the warehouse the tenant has the keys."
TRAIN_TITLE = next(name for name in map(str, range(99)) if not is_held_out(name))
TEST_TITLE = next(name for name in map(str, range(99)) if is_held_out(name))


@pytest.fixture
def system(tmp_path: Path) -> Iterator[System]:
    """A system with the empty collection "c"."""
    with open_system(Settings(home=tmp_path / "home"), embedder=WordEmbedder()) as opened:
        opened.store.create_collection("c")
        yield opened


def store(system: System, uri: str, chunks: Sequence[str], title: str, metadata: Metadata) -> None:
    made = embedded(uri, chunks, metadata=metadata)
    made = replace(made, draft=replace(made.draft, title=title))
    target = system.store.collection("c")
    system.store.commit_documents(target.id, system.embedder.space, [made])
    system.refresh("c")


def write_spans(path: Path, articles: Mapping[str, Sequence[str]], answered: Mapping[str, str]) -> None:
    """Articles by title with their paragraphs; `answered` gives the answer to QUESTION by paragraph."""
    data = [
        {
            "title": title,
            "paragraphs": [
                {
                    "context": text,
                    "qas": [
                        {
                            "id": f"{title}-{number}",
                            "question": QUESTION,
                            "answers": [{"text": answered[text], "answer_start": text.index(answered[text])}],
                        }
                    ]
                    if text in answered
                    else [],
                }
                for number, text in enumerate(texts)
            ],
        }
        for title, texts in articles.items()
    ]
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps({"data": data}))


def store_articles(system: System, articles: Mapping[str, Sequence[str]]) -> None:
    for title, texts in articles.items():
        for number, text in enumerate(texts):
            uri = f"{title}/{number}"
            store(system, uri, [text], title, {"document": title, "paragraph": uri})


def examples(suite: str, root: Path, system: System, limit: int | None = None) -> list[Example]:
    return list(ranking_examples(suite, root, system, "c", random_source=Random(0), limit=limit))


def test_a_hit_with_the_mark_is_right_and_another_is_wrong(system: System, tmp_path: Path) -> None:
    articles = {"Lease": [TENANT, RENT]}
    write_spans(tmp_path / "squad/train-slice-v1.1.json", articles, {TENANT: "The tenant"})
    store_articles(system, articles)
    right, wrong = examples("reading/squad_slice", tmp_path, system)
    assert (right.passage, right.relevance, right.spans) == (TENANT, 1.0, ((0, 10),))
    assert (wrong.passage, wrong.relevance, wrong.spans) == (RENT, 0.0, ())
    assert (right.question, right.title, right.group) == (QUESTION, "Lease", "Lease")


def test_a_hit_that_states_the_answer_elsewhere_is_left_out(system: System, tmp_path: Path) -> None:
    articles = {"Lease": [TENANT, RENT, REPEATED]}
    write_spans(tmp_path / "squad/train-slice-v1.1.json", articles, {TENANT: "The tenant"})
    store_articles(system, articles)
    found = examples("reading/squad_slice", tmp_path, system)
    assert [example.passage for example in found] == [TENANT, RENT]


def test_what_answers_one_question_answers_all_of_its_wording(system: System, tmp_path: Path) -> None:
    articles = {"Lease": [TENANT, RENT], "Other": [LATER]}
    answered = {TENANT: "The tenant", LATER: "its owner"}
    write_spans(tmp_path / "squad/train-slice-v1.1.json", articles, answered)
    store_articles(system, articles)
    found = examples("reading/squad_slice", tmp_path, system)
    assert {example.passage for example in found if example.relevance == 0} == {RENT}
    assert sum(example.relevance == 1 for example in found) == 1


def test_a_text_of_a_test_document_is_never_an_example(system: System, tmp_path: Path) -> None:
    articles = {TRAIN_TITLE: [TENANT, RENT], TEST_TITLE: [LATER]}
    write_spans(tmp_path / "drcd/dev.json", articles, {TENANT: "The tenant", LATER: "its owner"})
    data = json.loads((tmp_path / "drcd/dev.json").read_text())
    for number, paragraph in enumerate(p for article in data["data"] for p in article["paragraphs"]):
        paragraph["id"] = f"p{number}"
    (tmp_path / "drcd/dev.json").write_text(json.dumps(data))
    for number, (title, text) in enumerate(((TRAIN_TITLE, TENANT), (TRAIN_TITLE, RENT), (TEST_TITLE, LATER))):
        store(system, f"p{number}", [text], title, {"document": title})
    found = examples("reading/drcd", tmp_path, system)
    assert [example.passage for example in found] == [TENANT, RENT]


def test_the_right_chunk_is_fetched_where_it_is_not_among_the_first_hits(
    system: System, tmp_path: Path
) -> None:
    articles = {"Lease": ["The tenant pays."], "Notes": [f"{n} insures the warehouse." for n in range(40)]}
    write_spans(tmp_path / "squad/train-slice-v1.1.json", articles, {"The tenant pays.": "The tenant"})
    store_articles(system, articles)
    first, *others = examples("reading/squad_slice", tmp_path, system)
    assert (first.passage, first.relevance) == ("The tenant pays.", 1.0)
    assert [example.relevance for example in others] == [0.0] * 4


def write_beir(folder: Path, texts: Mapping[str, str], gold: str) -> None:
    """Passages by id, and QUESTION under an id that is train."""
    folder.mkdir(parents=True)
    rows = [json.dumps({"_id": name, "title": name, "text": text}) for name, text in texts.items()]
    (folder / "corpus.jsonl").write_text("\n".join(rows))
    (folder / "queries.jsonl").write_text(json.dumps({"_id": TRAIN_TITLE, "text": QUESTION}))
    (folder / "qrels.tsv").write_text(f"query-id\tcorpus-id\tscore\n{TRAIN_TITLE}\t{gold}\t1\n")


def test_of_an_unjudged_hit_the_span_is_not_told_and_a_near_copy_is_left_out(
    system: System, tmp_path: Path
) -> None:
    texts = {"law": TENANT, "rent": RENT, "law 2020": f"{TENANT} (amended)"}
    write_beir(tmp_path / "stard/beir", texts, gold="law")
    for uri, text in texts.items():
        store(system, uri, [text], uri, {"document": uri})
    found = examples("retrieval/stard", tmp_path, system)
    assert [(example.passage, example.relevance, example.spans) for example in found] == [
        (TENANT, 1.0, None),
        (RENT, 0.0, None),
    ]


def test_of_a_long_answer_its_opening_is_right_and_the_rest_is_left_out(
    system: System, tmp_path: Path
) -> None:
    pair = {"file": "f", "qid": "1", "source": "s", "focus": TRAIN_TITLE}
    pair |= {"question": QUESTION, "answer": f"{TENANT}\n\n{LATER}"}
    (tmp_path / "medquad").mkdir()
    (tmp_path / "medquad/medquad_qa.jsonl").write_text(json.dumps(pair))
    store(system, "f/1", [TENANT, LATER], TRAIN_TITLE, {"document": "f"})
    assert [example.passage for example in examples("longform/medquad", tmp_path, system)] == [TENANT]


def test_a_seed_gives_the_same_examples_and_a_limit_fewer(system: System, tmp_path: Path) -> None:
    articles = {"Lease": [TENANT, *(f"The warehouse number {n}." for n in range(12))]}
    write_spans(tmp_path / "squad/train-slice-v1.1.json", articles, {TENANT: "The tenant"})
    store_articles(system, articles)
    found = examples("reading/squad_slice", tmp_path, system)
    assert found == examples("reading/squad_slice", tmp_path, system)
    assert len(found) == 5
    assert examples("reading/squad_slice", tmp_path, system, limit=0) == []


def test_another_suite_is_refused_with_those_there_are(system: System, tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="reading/squad_slice"):
        examples("reading/squad2", tmp_path, system)
    assert len({source.suite for source in RANKING_SOURCES}) == len(RANKING_SOURCES)
