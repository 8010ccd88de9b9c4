import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest
from in_memory import WordEmbedder, embedded

from evals.data import is_development, is_held_out
from evals.questions import QuestionSet
from evals.sets.beir import stard
from evals.sets.bioasq import snippets
from rag.domain import Metadata
from rag.errors import NotFoundError
from rag.settings import Settings
from rag.system import System
from rag.wiring import open_system
from training.examples import Example
from training.ranking import RANKING_SOURCES, ranking_examples
from training.ranking_texts import Side, known_texts

QUESTION = "Who insures the warehouse?"
TENANT = "The tenant insures the warehouse."
RENT = "Rent of the warehouse is due in May."
LATER = "The warehouse is old and its owner insures nothing."
REPEATED = "Of the warehouse the tenant has the keys."
TRAIN_TITLE, OTHER_TITLE, THIRD_TITLE = [
    name for name in map(str, range(99)) if not is_held_out(name) and not is_development(name)
][:3]
DEVELOPMENT_TITLE = next(
    name for name in map(str, range(99)) if is_development(name) and not is_held_out(name)
)
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
    paragraphs = [paragraph for article in data["data"] for paragraph in article["paragraphs"]]
    for number, paragraph in enumerate(paragraphs):
        paragraph["id"] = f"p{number}"
    paragraphs[-1]["qas"][0]["question"] = "Who insures nothing?"
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


def write_beir(
    folder: Path, texts: Mapping[str, str], golds: Mapping[str, str], batches: Mapping[str, str] | None = None
) -> None:
    """Passages by id, each a document of its own; `golds` and `batches` by the id of a question."""
    folder.mkdir(parents=True)
    rows = [{"_id": name, "title": name, "text": text, "document": name} for name, text in texts.items()]
    asked = [
        {
            "_id": name,
            "text": QUESTION if name == TRAIN_TITLE else f"{name}?",
            "batch": (batches or {}).get(name, ""),
        }
        for name in golds
    ]
    (folder / "corpus.jsonl").write_text("\n".join(map(json.dumps, rows)))
    (folder / "queries.jsonl").write_text("\n".join(map(json.dumps, asked)))
    judged = "".join(f"{name}\t{gold}\t1\n" for name, gold in golds.items())
    (folder / "qrels.tsv").write_text(f"query-id\tcorpus-id\tscore\n{judged}")


def write_laws(root: Path, articles: Mapping[str, str]) -> None:
    """Laws of one article each, by title."""
    (root / "laws_zh").mkdir()
    rows = [json.dumps({"title": title, "text": text}) for title, text in articles.items()]
    (root / "laws_zh/articles_national.jsonl").write_text("\n".join(rows))


def store_each(system: System, texts: Mapping[str, str]) -> None:
    for uri, text in texts.items():
        store(system, uri, [text], uri, {"document": uri})


def test_of_an_unjudged_hit_the_span_is_not_told_and_a_near_copy_is_left_out(
    system: System, tmp_path: Path
) -> None:
    texts = {TRAIN_TITLE: TENANT, OTHER_TITLE: RENT, THIRD_TITLE: f"{TENANT} (amended)"}
    write_beir(tmp_path / "stard/beir", texts, {TRAIN_TITLE: TRAIN_TITLE})
    write_laws(tmp_path, {})
    store_each(system, texts)
    found = examples("retrieval/stard", tmp_path, system)
    assert [(example.passage, example.relevance, example.spans) for example in found] == [
        (TENANT, 1.0, None),
        (RENT, 0.0, None),
    ]


def test_a_question_that_evals_ask_in_development_is_never_learnt_whatever_its_law(
    system: System, tmp_path: Path
) -> None:
    texts = {TRAIN_TITLE: TENANT, OTHER_TITLE: RENT}
    write_beir(tmp_path / "stard/beir", texts, {TRAIN_TITLE: TRAIN_TITLE, DEVELOPMENT_TITLE: TRAIN_TITLE})
    write_laws(tmp_path, {})
    store_each(system, texts)
    assert {example.question for example in examples("retrieval/stard", tmp_path, system)} == {QUESTION}


def test_an_article_of_a_held_out_law_is_never_an_example(system: System, tmp_path: Path) -> None:
    texts = {
        TRAIN_TITLE: TENANT,
        TEST_TITLE: RENT,
        OTHER_TITLE: LATER,
        f"{TEST_TITLE}（试行）": REPEATED,
        THIRD_TITLE: "A warehouse burned down.",
    }
    write_beir(tmp_path / "stard/beir", texts, {TRAIN_TITLE: TRAIN_TITLE})
    write_laws(tmp_path, {TEST_TITLE: f"{LATER} "})
    store_each(system, texts)
    found = examples("retrieval/stard", tmp_path, system)
    assert [example.passage for example in found] == [TENANT, "A warehouse burned down."]
    assert {example.group for example in found} == {TRAIN_TITLE}


def test_an_article_that_a_test_question_rests_on_is_never_an_example(system: System, tmp_path: Path) -> None:
    texts = {TRAIN_TITLE: TENANT, OTHER_TITLE: RENT, THIRD_TITLE: LATER}
    write_beir(tmp_path / "stard/beir", texts, {TRAIN_TITLE: TRAIN_TITLE, TEST_TITLE: OTHER_TITLE})
    write_laws(tmp_path, {})
    store_each(system, texts)
    found = examples("retrieval/stard", tmp_path, system)
    assert [example.passage for example in found] == [TENANT, LATER]


def test_a_snippet_of_a_test_question_or_of_none_is_never_an_example(system: System, tmp_path: Path) -> None:
    others = [f"Warehouse number {number} is old." for number in range(9)]
    texts = {"a": TENANT, "b": RENT, "c": LATER, **{f"o{number}": text for number, text in enumerate(others)}}
    golds = {TRAIN_TITLE: "a", "test": "b", OTHER_TITLE: "o8", THIRD_TITLE: "o1"}
    write_beir(tmp_path / "bioasq/snippets_beir", texts, golds, {"test": "10B1"})
    store_each(system, texts)
    found = examples("retrieval/bioasq", tmp_path, system)
    assert {example.passage for example in found} <= {TENANT, others[1], others[8]}
    assert found[0].passage == TENANT


def test_train_and_development_share_no_text(system: System, tmp_path: Path) -> None:
    articles = {TRAIN_TITLE: [TENANT, RENT], DEVELOPMENT_TITLE: [LATER, "Who insures what?"]}
    answered = {TENANT: "The tenant", LATER: "its owner"}
    write_spans(tmp_path / "squad/train-slice-v1.1.json", articles, answered)
    path = tmp_path / "squad/train-slice-v1.1.json"
    path.write_text(path.read_text().replace(QUESTION, "Who insures it?", 1))
    store_articles(system, articles)
    found = examples("reading/squad_slice", tmp_path, system)
    shown = {title: [e.passage for e in found if e.group == title] for title in articles}
    assert shown == {TRAIN_TITLE: [TENANT, RENT], DEVELOPMENT_TITLE: [LATER, "Who insures what?"]}


def test_of_a_long_answer_its_opening_is_right_and_the_rest_is_left_out(
    system: System, tmp_path: Path
) -> None:
    pair = {"file": "f", "qid": "1", "source": "s", "focus": TRAIN_TITLE}
    pair |= {"question": QUESTION, "answer": f"{TENANT}\n\n{LATER}"}
    (tmp_path / "medquad").mkdir()
    (tmp_path / "medquad/medquad_qa.jsonl").write_text(json.dumps(pair))
    store(system, "f/1", [TENANT, LATER], TRAIN_TITLE, {"document": "f"})
    assert [example.passage for example in examples("longform/medquad", tmp_path, system)] == [TENANT]


def test_another_answer_on_the_same_subject_is_not_wrong(system: System, tmp_path: Path) -> None:
    answers = {"1": (TRAIN_TITLE, QUESTION, TENANT), "2": (TRAIN_TITLE, "What is due?", RENT)}
    answers["3"] = (OTHER_TITLE, "What is old?", LATER)
    rows = [
        {"file": qid, "qid": qid, "source": "s", "focus": focus, "question": question, "answer": answer}
        for qid, (focus, question, answer) in answers.items()
    ]
    (tmp_path / "medquad").mkdir()
    (tmp_path / "medquad/medquad_qa.jsonl").write_text("\n".join(map(json.dumps, rows)))
    for qid, (focus, _, answer) in answers.items():
        store(system, f"{qid}/{qid}", [answer], focus, {"document": qid})
    found = examples("longform/medquad", tmp_path, system)
    assert [example.passage for example in found if example.question == QUESTION] == [TENANT, LATER]


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


@pytest.mark.parametrize("load", [snippets, stard])
def test_no_text_that_tests_rest_on_may_be_shown(
    load: Callable[[Path], QuestionSet], evaluation_data: Path
) -> None:
    data = load(evaluation_data)
    assert data.corpus is not None
    tested = {uri for question in data.questions if question.is_test for uri in question.gold.documents}
    documents = {t.metadata["document"] for t in data.corpus.texts if t.uri in tested}
    known = known_texts(evaluation_data, data)
    shown = {uri for uri, text in known.items() if text.side in (Side.TRAIN, Side.DEVELOPMENT)}
    assert not shown & tested
    for text in data.corpus.texts:
        if text.uri in shown:
            document = str(text.metadata["document"])
            assert not is_held_out(document) if load is stard else document not in documents
    assert len(shown) > 9_000
