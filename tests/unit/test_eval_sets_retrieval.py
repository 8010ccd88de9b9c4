import gzip
import json
from pathlib import Path

import pytest

from evals.data import DataError, DataMissingError
from evals.questions import Gold
from evals.sets import beir, bioasq, fastapi_pages, mtrag
from evals.sets.beir import Passage, load_retrieval_set

CORPUS = '{"_id": "a", "title": "One", "text": "first"}\n{"_id": "b", "text": "第二"}\n'
QUERIES = '{"_id": "1", "text": "which?", "batch": "10B1"}\n{"_id": "2", "text": "unjudged?"}\n'
QRELS = "query-id\tcorpus-id\tscore\n1\tb\t1\n1\ta\t0\n"


def beir_folder(folder: Path, corpus: str = CORPUS, queries: str = QUERIES, qrels: str = QRELS) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "corpus.jsonl.gz").write_bytes(gzip.compress(corpus.encode()))
    (folder / "queries.jsonl").write_text(queries, encoding="utf-8")
    (folder / "qrels.tsv").write_text(qrels, encoding="utf-8")
    return folder


def lines(*rows: dict[str, object]) -> str:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def test_questions_and_texts_are_read_gzipped_or_plain(tmp_path: Path) -> None:
    data = load_retrieval_set(beir_folder(tmp_path))
    assert data.passages == (Passage("a", "One", "first", ""), Passage("b", "", "第二", ""))
    assert [(query.id, query.gold) for query in data.queries] == [("1", ("b",)), ("2", ())]
    assert [query.id for query in data.judged] == ["1"]


def test_judgements_change_the_hash_of_the_data_but_not_of_the_corpus(tmp_path: Path) -> None:
    data = load_retrieval_set(beir_folder(tmp_path / "one"))
    changed = load_retrieval_set(beir_folder(tmp_path / "two", qrels=QRELS + "1\ta\t1\n"))
    assert changed.data_hash != data.data_hash
    assert changed.corpus_hash == data.corpus_hash


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        ({"corpus": CORPUS + "{torn"}, r"corpus.jsonl.gz, line 3"),
        ({"corpus": '{"_id": "a"}\n'}, r"line 1: text: Field required"),
        ({"corpus": CORPUS + CORPUS}, "ids must be unique"),
        ({"qrels": QRELS + "1 a 1\n"}, r"qrels.tsv, line 4"),
        ({"qrels": QRELS + "1\tz\t1\n"}, "names z, which the corpus has not"),
        ({"qrels": "1\tb\t0\n"}, "no query"),
    ],
)
def test_bad_data_is_named_by_file_and_line(tmp_path: Path, broken: dict[str, str], message: str) -> None:
    with pytest.raises(DataError, match=message):
        load_retrieval_set(beir_folder(tmp_path, **broken))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataMissingError, match=r"corpus.jsonl\[.gz\] is missing"):
        load_retrieval_set(tmp_path)


def test_a_text_that_is_empty_is_not_ingested_but_its_question_stays(tmp_path: Path) -> None:
    corpus = lines({"_id": "a", "text": "wing"}, {"_id": "b", "text": " "})
    beir_folder(tmp_path / "ir_cranfield", corpus)
    data = beir.ir_cranfield(tmp_path)
    assert data.corpus is not None
    assert [text.uri for text in data.corpus.texts] == ["a"]
    assert [(asked.gold.documents, asked.is_test) for asked in data.questions] == [(("b",), True)]
    assert data.left_out == {beir.UNJUDGED: 1}


def test_an_article_belongs_to_its_law_and_a_question_to_itself(tmp_path: Path) -> None:
    corpus = lines(
        {"_id": "a", "title": "中华人民共和国刑法第一百二十条之一", "text": "甲"},
        {"_id": "b", "title": "中华人民共和国刑法第二条", "text": "乙"},
        {"_id": "c", "title": "序言", "text": "丙"},
    )
    queries = lines({"_id": "8", "text": "如何？"}, {"_id": "5", "text": "谁？"})
    beir_folder(tmp_path / "stard/beir", corpus, queries, "8\ta\t1\n5\tb\t1\n")
    data = beir.stard(tmp_path)
    assert data.corpus is not None
    laws = [text.metadata["document"] for text in data.corpus.texts]
    assert laws == ["中华人民共和国刑法", "中华人民共和国刑法", "序言"]
    assert [(asked.group, asked.is_test) for asked in data.questions] == [("8", True), ("5", False)]


def bioasq_folder(root: Path) -> None:
    corpus = lines(
        {"_id": "s1", "text": "MEF2C lies on 5q14.3 in man.", "document": "pubmed/1", "section": "abstract"},
        {"_id": "s2", "text": "A second snippet.", "document": "pubmed/1", "section": "title"},
        {"_id": "s3", "text": "MEF2Cs only", "document": "pubmed/2", "section": "title"},
    )
    queries = lines(
        {"_id": "q1", "text": "Where?", "batch": "9B1_golden"},
        {"_id": "q2", "text": "Which?", "batch": "10B2_golden"},
        {"_id": "q3", "text": "Is it?", "batch": "10B2_golden"},
    )
    qrels = "q1\ts1\t1\nq1\ts2\t1\nq2\ts3\t1\nq3\ts3\t1\n"
    beir_folder(root / "bioasq/snippets_beir", corpus, queries, qrels)
    golden = lines(
        {"id": "q1", "type": "factoid", "exact_answer": [["chromosome 5", "5q14.3"]]},
        {"id": "q2", "type": "factoid", "exact_answer": [["MEF2C"]]},
        {"id": "q3", "type": "yesno", "exact_answer": "yes"},
    )
    (root / "bioasq/bioasq_golden.jsonl").write_text(golden, encoding="utf-8")


def test_a_factoid_counts_where_a_gold_snippet_states_it_as_a_word(tmp_path: Path) -> None:
    bioasq_folder(tmp_path)
    data = bioasq.factoids(tmp_path)
    assert [(asked.id, asked.gold) for asked in data.questions] == [
        ("q1", Gold(answers=("5q14.3",), documents=("s1", "s2")))
    ]
    assert data.left_out == {bioasq.NO_FACTOID: 1, bioasq.UNSTATED: 1}


def test_the_last_batches_are_test_and_both_suites_share_a_collection(tmp_path: Path) -> None:
    bioasq_folder(tmp_path)
    found, read = bioasq.snippets(tmp_path), bioasq.factoids(tmp_path)
    assert [asked.is_test for asked in found.questions] == [False, True, True]
    assert found.corpus == read.corpus
    assert found.corpus is not None
    assert found.corpus.texts[0].metadata == {"document": "pubmed/1"}
    assert found.data_hash != read.data_hash


def test_a_factoid_can_be_given_its_snippets(tmp_path: Path) -> None:
    bioasq_folder(tmp_path)
    data = bioasq.factoids_with_snippets(tmp_path)
    assert data.corpus is None
    assert [passage.text for passage in data.questions[0].passages] == [
        "MEF2C lies on 5q14.3 in man.",
        "A second snippet.",
    ]


def mtrag_folder(root: Path) -> None:
    def query(name: str, answerability: str) -> dict[str, object]:
        history = [["user", "What is X?"], ["agent", "A letter."]]
        return {
            "_id": f"{name}<::>3",
            "text": f"{name}?",
            "history": history,
            "collection": "ibmcloud",
            "answerability": answerability,
        }

    kinds = ("ANSWERABLE", "UNANSWERABLE", "UNDERSPECIFIED", "PARTIAL")
    queries = lines(*(query(name, kind) for name, kind in zip("abcd", kinds, strict=True)))
    qrels = "a<::>3\ta\t1\nc<::>3\tb\t1\nd<::>3\tb\t1\n"
    beir_folder(root / "mtrag/mini_beir", CORPUS, queries, qrels)


def test_a_conversation_asks_its_last_turn(tmp_path: Path) -> None:
    mtrag_folder(tmp_path)
    data = mtrag.last_turns(tmp_path)
    assert [asked.text for asked in data.questions] == ["a?", "c?", "d?"]
    first = data.questions[0]
    assert (first.history, first.group, first.domain) == (("What is X?",), "a", "technical")
    assert data.left_out == {beir.UNJUDGED: 1}


def test_what_is_unanswerable_or_underspecified_should_be_refused(tmp_path: Path) -> None:
    mtrag_folder(tmp_path)
    data = mtrag.answerable_or_not(tmp_path)
    assert [(asked.text, asked.is_answerable) for asked in data.questions] == [
        ("a?", True),
        ("b?", False),
        ("c?", False),
    ]
    assert data.questions[2].gold == Gold()
    assert data.left_out == {"answerability is PARTIAL": 1}


PAGE = """# 关于 **FastAPI** { #about }

简介 `FastAPI`，见 [文档](docs.md)。还有更多。

```python
# no heading { #code }
```

## 安装 { #install }

/// tip | 提示

///

{* ../../docs_src/first.py *}

## 只有中文 { #chinese-only }

没有。
"""


def test_a_section_says_where_it_stands_and_its_first_sentence() -> None:
    found = list(fastapi_pages.sections(PAGE))
    assert [(section.anchor, section.path, section.first_sentence) for section in found] == [
        ("about", ("关于 FastAPI",), "简介 FastAPI，见 文档。"),
        ("install", ("关于 FastAPI", "安装"), ""),
        ("chinese-only", ("关于 FastAPI", "只有中文"), "没有。"),
    ]


def test_a_chinese_section_asks_for_the_english_page_of_its_path(tmp_path: Path) -> None:
    english = "# About { #about }\n\nAbout it.\n\n## Install { #install }\n"
    rows = lines(
        {"lang": "en", "path": "about.md", "text": english},
        {"lang": "en", "path": "alone.md", "text": "# `Alone` class\n"},
        {"lang": "zh", "path": "about.md", "text": PAGE},
    )
    (tmp_path / "fastapi_docs").mkdir()
    (tmp_path / "fastapi_docs/docs_en_zh.jsonl").write_text(rows, encoding="utf-8")
    data = fastapi_pages.chinese_sections(tmp_path)
    assert [(asked.id, asked.text, asked.gold.documents) for asked in data.questions] == [
        ("about.md#about", "关于 FastAPI 简介 FastAPI，见 文档。", ("about.md",)),
        ("about.md#install", "关于 FastAPI 安装", ("about.md",)),
    ]
    assert data.corpus is not None
    assert [(text.uri, text.title) for text in data.corpus.texts] == [
        ("about.md", "About"),
        ("alone.md", "Alone class"),
    ]
    assert data.left_out == {fastapi_pages.NOT_IN_ENGLISH: 1}
