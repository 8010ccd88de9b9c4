import gzip
import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest
from in_memory import WordEmbedder

from evals.data import DataError, DataMissingError, is_held_out
from evals.judge import is_correct
from evals.questions import EvalQuestion, Mark, QuestionSet, Split
from evals.sets import choice, claims, evidence, longform
from evals.suites import SUITES, Suite, Task, select
from evals.verify_claims import verify
from rag.domain import SupportLabel
from rag.support import WordSupport


def put(root: Path, name: str, value: object) -> None:
    path = root / f"{name}.gz"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(json.dumps(value, ensure_ascii=False).encode()))


def put_lines(root: Path, name: str, rows: Sequence[object]) -> None:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")


CONTEXT = "它于1998年建成。高度为88层。后来扩建。"
EXPMRC = {
    "data": [
        {
            "title": "塔",
            "paragraphs": [
                {
                    "context": CONTEXT,
                    "qas": [
                        {
                            "id": "q1",
                            "question": "多高？",
                            "answers": [{"text": "88层"}, {"text": "88层"}],
                            "evidences": ["高度为88层。", "它于1998年建成。高度为88层。", "高度为88层。"],
                        }
                    ],
                }
            ],
        }
    ]
}
C3 = {
    "data": [
        {
            "id": "m1",
            "article": "甲：我走路去。乙：好。",
            "questions": ["他怎么去？"],
            "options": [["坐车", "步行"]],
            "answers": ["B"],
            "evidences": [["我走路去。"]],
        }
    ]
}


def test_each_sentence_of_an_annotators_evidence_is_a_mark_where_it_stands(tmp_path: Path) -> None:
    put(tmp_path, "expmrc/cmrc2018-dev.json", EXPMRC)
    (asked,) = evidence.load_expmrc_cmrc(tmp_path).questions
    assert asked.gold.answers == ("88层",)
    assert asked.gold.evidence == ("高度为88层。", "它于1998年建成。高度为88层。")
    assert set(asked.gold.marks) == {Mark("塔#0", 0, "它于1998年建成。"), Mark("塔#0", 10, "高度为88层。")}
    assert (asked.group, asked.language, asked.is_test) == ("塔", "zh", True)
    assert asked.passages[0].text == CONTEXT


def test_the_answer_of_a_choice_with_evidence_is_the_options_wording(tmp_path: Path) -> None:
    put(tmp_path, "expmrc/c3-dev.json", C3)
    (asked,) = evidence.load_expmrc_c3(tmp_path).questions
    assert (asked.id, asked.gold.answers) == ("m1-0", ("步行",))
    assert asked.gold.marks == (Mark("m1", 2, "我走路去。"),)


def test_an_answer_that_names_no_option_is_a_data_error(tmp_path: Path) -> None:
    put(tmp_path, "expmrc/c3-dev.json", {"data": [{**C3["data"][0], "answers": ["C"]}]})
    with pytest.raises(DataError, match="'C' names none of 2 options"):
        evidence.load_expmrc_c3(tmp_path)


def test_yes_and_no_are_free_answers_and_supporting_paragraphs_are_the_gold(tmp_path: Path) -> None:
    contexts = [
        {"id": str(i), "title": f"t{i}", "paragraph_text": f"text {i}", "is_supporting": i > 0}
        for i in range(3)
    ]
    rows = [
        {
            "question_id": answer,
            "question_text": "?",
            "answers_objects": [{"spans": [answer]}],
            "contexts": contexts,
        }
        for answer in ("yes", "Rome")
    ]
    put_lines(tmp_path, "hotpotqa_500/dev_subsampled.jsonl", rows)
    yes, rome = evidence.load_hotpotqa(tmp_path).questions
    assert (yes.gold.answers, yes.gold.free_answers) == ((), ("yes",))
    assert (rome.gold.answers, rome.gold.free_answers) == (("Rome",), ())
    assert yes.gold.documents == ("1", "2")


def wice_row(label: str, supporting: list[list[int]], name: str = "d1") -> dict[str, object]:
    return {
        "label": label,
        "claim": "It opened in May.",
        "evidence": ["The museum", "It opened in May.", "Tickets cost nothing."],
        "supporting_sentences": supporting,
        "meta": {"id": name, "claim_title": "Museum", "claim_section": "History."},
    }


def test_a_claim_keeps_its_supporting_sentences_and_their_numbers(tmp_path: Path) -> None:
    put_lines(tmp_path, "wice/claim_dev.jsonl", [wice_row("partially_supported", [[1], [], [0, 2], [1]])])
    (asked,) = claims.load_wice(tmp_path).questions
    assert asked.gold.label == "partial"
    assert asked.gold.evidence == ("It opened in May.", "The museum\nTickets cost nothing.")
    assert asked.metadata["sentences"] == "1|0 2"
    assert asked.passages[0].text.splitlines()[2] == "Tickets cost nothing."
    assert asked.is_test == is_held_out("Museum")


def test_stretches_of_one_claim_have_ids_of_their_own(tmp_path: Path) -> None:
    rows = [wice_row("supported", []), wice_row("supported", []), wice_row("supported", [], "d2")]
    put_lines(tmp_path, "wice/oracle_chunks_claim_dev.jsonl", rows)
    assert [asked.id for asked in claims.load_wice_chunks(tmp_path).questions] == ["d1-0", "d1-1", "d2-0"]


def test_expert_claims_without_a_text_or_a_verdict_are_left_out(tmp_path: Path) -> None:
    row = {
        "question": "Why?",
        "field": "Law",
        "system": "s",
        "claim": "Rent is due in May [1][2].",
        "evidence": ["[1] https://x.example/a\n\nRent is due.", "[2] https://y.example"],
        "support": "Incomplete",
    }
    others = [{**row, "support": verdict} for verdict in ("N/A", "Missing", None)]
    put_lines(
        tmp_path,
        "expertqa/claims_attribution.jsonl",
        [row, *others, {**row, "evidence": ["https://x.example"]}],
    )
    (asked,) = claims.load_expertqa(tmp_path).questions
    assert (asked.text, asked.domain, asked.gold.label) == ("Rent is due in May.", "legal", "unsupported")
    assert [(passage.title, passage.text) for passage in asked.passages] == [
        ("https://x.example/a", "Rent is due.")
    ]


def test_a_verdict_becomes_a_record(tmp_path: Path) -> None:
    put_lines(tmp_path, "wice/claim_dev.jsonl", [wice_row("supported", [[1]])])
    (asked,) = claims.load_wice(tmp_path).questions
    record = verify(asked, WordSupport(WordEmbedder()))
    assert (record.predicted, record.confidence, record.status) == (SupportLabel.SUPPORTED, 1.0, "answered")
    assert is_correct(record)


def test_equal_answers_are_one_document_and_equal_questions_one_question(tmp_path: Path) -> None:
    pairs = [("f1", "q1", "X", "What is X ?", "A."), ("f2", "q2", "X", "what is X  ?", "B."),
             ("f2", "q3", "X", "Is X bad ?", "A.")]  # fmt: skip
    names = ("file", "qid", "focus", "question", "answer")
    rows = [{**dict(zip(names, pair, strict=True)), "source": "NIH"} for pair in pairs]
    put_lines(tmp_path, "medquad/medquad_qa.jsonl", rows)
    asked = longform.load_medquad(tmp_path)
    assert asked.corpus is not None
    assert [(text.uri, text.title, text.text) for text in asked.corpus.texts] == [
        ("f1/q1", "X", "A."),
        ("f2/q2", "X", "B."),
    ]
    what, bad = asked.questions
    assert (what.gold.free_answers, what.gold.documents) == (("A.", "B."), ("f1/q1", "f2/q2"))
    assert (bad.gold.documents, bad.group) == (("f1/q1",), "X")


def test_an_examination_letters_its_options_in_order(tmp_path: Path) -> None:
    exam = {"question": "?", "options": {"A": "one", "B": "two"}, "answer": "B"}
    put(tmp_path, "mirage/mirage_rebuilt.json", {"mmlu": {"x-1": exam}})
    (asked,) = choice.load_mirage(tmp_path).questions
    assert (asked.id, asked.choices, asked.gold.label) == ("mmlu/x-1", ("one", "two"), "B")
    put(tmp_path, "mirage/mirage_rebuilt.json", {"mmlu": {"x-1": {**exam, "answer": "E"}}})
    with pytest.raises(DataError, match="mmlu/x-1: the answer 'E' names none"):
        choice.load_mirage(tmp_path)


def test_an_abstract_is_test_where_the_official_file_names_it(tmp_path: Path) -> None:
    row = {"QUESTION": "Is it?", "CONTEXTS": ["We asked."], "LABELS": ["METHODS"], "final_decision": "maybe"}
    put(tmp_path, "pubmedqa/ori_pqal.json", {"1": row, "2": row})
    put(tmp_path, "pubmedqa/test_ground_truth.json", {"2": "maybe"})
    one, two = choice.load_pubmedqa(tmp_path).questions
    assert (one.is_test, two.is_test, two.gold.label) == (False, True, "C")
    assert (one.passages[0].title, one.passages[0].text) == ("METHODS", "We asked.")


def legal(task: str, split: str, index: int, answer: str, **others: str) -> dict[str, str]:
    return {
        "task": task,
        "split": split,
        "index": str(index),
        "answer": answer,
        "text": f"t{index}",
        **others,
    }


def test_legal_tasks_bring_solved_examples_and_open_ones_are_left_out(tmp_path: Path) -> None:
    own = {"choice_0": "first", "choice_1": "second"}
    rows = [
        *(legal("is_it", "train", i, ("Yes", "No")[i % 2]) for i in range(2)),
        *(legal("is_it", "test10", i, "No", aic_is_met="Yes") for i in range(2, 4)),
        *(legal("names", "test10", i, f"name {i}") for i in range(4)),
        *(legal("letters", "test10", i, "AB"[i % 2]) for i in range(4)),
        legal("scalr", "test10", 7, "1", **own),
    ]
    put_lines(tmp_path, "legalbench/legalbench_small.jsonl", rows)
    asked = choice.load_legalbench(tmp_path)
    first, _, scalr = asked.questions
    assert (first.text, first.choices, first.gold.label) == ("is it\ntext: t2", ("No", "Yes"), "A")
    assert [passage.text for passage in first.passages] == [
        "text: t0\nRight answer: Yes",
        "text: t1\nRight answer: No",
    ]
    assert (scalr.choices, scalr.gold.label, scalr.text) == (("first", "second"), "B", "scalr\ntext: t7")
    assert dict(asked.left_out) == {choice.OPEN: 4, choice.UNWORDED: 4}


def test_missing_data_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataMissingError, match=r"expmrc/squad-dev\.json\[\.gz\] is missing"):
        evidence.load_expmrc_squad(tmp_path)


COUNTS = {
    "evidence/expmrc_squad": (501, 357),
    "evidence/expmrc_cmrc": (515, 515),
    "evidence/expmrc_c3": (505, 505),
    "evidence/hotpotqa": (500, 500),
    "verification/wice": (349, 69),
    "verification/wice_chunks": (1043, 207),
    "verification/expertqa": (1042, 0),
    "longform/bioasq": (1983, 486),
    "longform/medquad": (14979, 2774),
    "choice/mirage": (7663, 7663),
    "choice/pubmedqa": (1000, 500),
    "choice/legalbench": (880, 880),
}
LOADED = [suite for suite in SUITES if suite.name in COUNTS]


@pytest.mark.data
@pytest.mark.parametrize("suite", LOADED, ids=[suite.name for suite in LOADED])
def test_a_published_set_is_read_whole(suite: Suite, evaluation_data: Path) -> None:
    try:
        asked = suite.load(evaluation_data)
    except DataMissingError as missing:
        pytest.skip(str(missing))
    tested = sum(question.is_test for question in asked.questions)
    assert (len(asked.questions), tested) == COUNTS[suite.name]
    assert len({question.id for question in asked.questions}) == len(asked.questions)
    assert not _groups_parted(asked)
    assert all(_has_its_gold(question, suite.task, asked) for question in asked.questions)
    assert len(select(suite.name, asked.questions, Split.ALL, limit=5, seed=0)) == 5


def _groups_parted(asked: QuestionSet) -> list[str]:
    """Groups with questions on both sides of the split."""
    sides = Counter(group for group, _ in {(item.group, item.is_test) for item in asked.questions})
    return [group for group, count in sides.items() if count > 1]


def _has_its_gold(asked: EvalQuestion, task: Task, whole: QuestionSet) -> bool:
    gold = asked.gold
    if task is Task.EVIDENCE:
        return bool(gold.documents) and {*gold.documents} <= {passage.id for passage in asked.passages}
    if task is Task.LONGFORM:
        return bool(gold.free_answers and gold.documents) and whole.corpus is not None
    if task is Task.VERIFICATION:
        return bool(asked.passages) and gold.label in set(SupportLabel)
    return "A" <= gold.label < chr(ord("A") + len(asked.choices))
