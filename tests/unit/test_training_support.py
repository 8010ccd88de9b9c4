import json
import random
from collections import Counter
from pathlib import Path

import pytest

from evals.data import is_held_out
from evals.sets.stretches import Stretch, Whole
from training.examples import Task
from training.statements import statement
from training.support_pairs import Quota, of_stretch, train_wholes

SENTENCES = (
    "The tenant shall pay the rent within thirty (30) days of the notice.",
    "The landlord may increase the rent after 12 months by 5 percent.",
    "Either party may terminate the lease in writing before March 2004.",
)


def pairs(seed: int) -> list[tuple[str, str, str]]:
    whole = Whole("leases", "a", "en", "lease", "Lease", " ".join(SENTENCES), is_test=False)
    stretch = Stretch(whole, whole.text, SENTENCES)
    made = list(of_stretch(stretch, [stretch], Quota(1, 1, 3), random.Random(seed)))
    assert all(example.task is Task.SUPPORT and example.spans is None for example in made)
    assert all(example.relevance is None and example.group == "lease" for example in made)
    assert not any(example.title for example in made)
    return [(example.question, example.passage, example.label or "") for example in made]


def test_no_pair_has_two_labels() -> None:
    for seed in range(50):
        labels = {(claim, passage): label for claim, passage, label in pairs(seed)}
        assert all(labels[claim, passage] == label for claim, passage, label in pairs(seed))


def test_altered_claims_stand_on_both_sides_as_often() -> None:
    labels: Counter[str] = Counter()
    by_claim: dict[str, set[str]] = {}
    for seed in range(50):
        for claim, _, label in pairs(seed):
            labels[label] += 1
            by_claim.setdefault(claim, set()).add(label)
    assert abs(labels["supported"] - labels["unsupported"]) < 0.1 * labels["supported"]
    both = [claim for claim, found in by_claim.items() if {"supported", "unsupported"} <= found]
    assert len(both) > 0.5 * len(by_claim)


def test_articles_that_are_test_elsewhere_are_left_out_of_train_laws(tmp_path: Path) -> None:
    titles = {is_held_out(f"{number}法"): f"{number}法" for number in range(9)}
    rows = [
        {"title": titles[True], "article": "第一条", "path": "", "text": "两法都有。"},
        {"title": titles[False], "article": "第八条", "path": "", "text": "两法 都有。"},
        {"title": titles[False], "article": "第九条", "path": "", "text": "一法才有。"},
    ]
    path = tmp_path / "laws_zh" / "articles_national.jsonl"
    path.parent.mkdir()
    path.write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")
    assert [whole.text for whole in train_wholes("laws_zh", tmp_path)] == ["第九条 一法才有。"]


@pytest.mark.parametrize(
    ("question", "answer", "language", "expected"),
    [
        ("What is the capital of Kenya?", "Nairobi", "en", "The capital of Kenya is Nairobi."),
        ("Who founded the town?", "the Romans", "en", "The Romans founded the town."),
        ("When was Nikola Tesla born?", "1856", "en", "Nikola Tesla was born in 1856."),
        ("How many players were hurt?", "two", "en", "Two players were hurt."),
        ("Why did it fail?", "rust", "en", None),
        ("《家》的作者是谁？", "巴金", "zh", "《家》的作者是巴金。"),
        ("该校成立于哪一年？", "1902年", "zh", "该校成立于1902年。"),
        ("共有多少人参加？", "12人", "zh", "共有12人参加。"),
        ("他为什么离开？", "生病", "zh", None),
    ],
)
def test_a_question_and_its_answer_become_a_statement(
    question: str, answer: str, language: str, expected: str | None
) -> None:
    assert statement(question, answer, language) == expected
