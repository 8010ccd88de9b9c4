"""Claims and the texts that should bear them out: WiCE and ExpertQA, with a verdict by people.

The question is the claim, the label a `SupportLabel`, and `evidence` holds the texts that the annotators
relied on, alternatives where there are several.

WiCE: claims of Wikipedia against the web article they cite. `wice` gives the whole article, one passage with
a line for each sentence; `wice_chunks` gives three stretches of some 1,400 characters for each claim. Split
and grouped by the Wikipedia article that the claim stands in. Which sentences (from 0, alternatives parted
by "|") is in the metadata as `sentences`.

ExpertQA: sentences of six systems' answers, judged by the expert who had asked. Left out are claims without
the text of a source and those without a verdict (N/A). "Complete" is supported, "Partial" partial, and
"Incomplete" unsupported: those of the train split that were read rest on sources about something else. Marks
like [2] are cut off the claim, addresses off the passage. Split and grouped by question.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from evals.data import data_file, hash_of, is_held_out, read_rows
from evals.questions import EvalQuestion, GivenPassage, Gold, QuestionSet
from rag.domain import SupportLabel

LAYOUT = "1"  # raised whenever the same files become other questions

_WICE_LABELS = {
    "supported": SupportLabel.SUPPORTED,
    "partially_supported": SupportLabel.PARTIAL,
    "not_supported": SupportLabel.UNSUPPORTED,
}
_EXPERT_LABELS = {
    "Complete": SupportLabel.SUPPORTED,
    "Partial": SupportLabel.PARTIAL,
    "Incomplete": SupportLabel.UNSUPPORTED,
}
_MARK = re.compile(r"\s*\[\d+\]")
_ADDRESS = re.compile(r"(?:\[\d+\]\s*)?(?P<url>https?://\S+)\s*\n\n")
_FIELDS = {"Healthcare / Medicine": "medical", "Law": "legal", "Engineering and Technology": "technical"}


@dataclass(frozen=True, slots=True)
class _Source:
    id: str
    claim_title: str
    claim_section: str


@dataclass(frozen=True, slots=True)
class _WiceRow:
    label: str
    claim: str
    evidence: list[str]
    meta: _Source
    supporting_sentences: list[list[int]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _ExpertRow:
    question: str
    field: str
    system: str
    claim: str
    evidence: list[str]
    support: str | None


def load_wice(root: Path) -> QuestionSet:
    """349 claims, each with the article it cites, by sentence."""
    path = data_file(root, "wice/claim_dev.jsonl")
    rows = tuple(_of_wice(row, row.meta.id) for row in read_rows(path, _WiceRow))
    return QuestionSet(rows, None, hash_of([path], LAYOUT))


def load_wice_chunks(root: Path) -> QuestionSet:
    """The same claims, each three times with a stretch that was cut to hold the supporting sentences."""
    path = data_file(root, "wice/oracle_chunks_claim_dev.jsonl")
    seen: dict[str, int] = {}
    asked = []
    for row in read_rows(path, _WiceRow):
        seen[row.meta.id] = seen.get(row.meta.id, -1) + 1
        asked.append(_of_wice(row, f"{row.meta.id}-{seen[row.meta.id]}"))
    return QuestionSet(tuple(asked), None, hash_of([path], LAYOUT))


def load_expertqa(root: Path) -> QuestionSet:
    """Claims of answers to experts' questions, where a source's text and the expert's verdict are there."""
    path = data_file(root, "expertqa/claims_attribution.jsonl")
    rows = enumerate(read_rows(path, _ExpertRow))
    asked = tuple(question for number, row in rows for question in _of_expert(row, f"expertqa-{number}"))
    return QuestionSet(asked, None, hash_of([path], LAYOUT))


def _of_wice(row: _WiceRow, name: str) -> EvalQuestion:
    sets = list(dict.fromkeys(tuple(chosen) for chosen in row.supporting_sentences if chosen))
    return EvalQuestion(
        id=name,
        text=row.claim,
        gold=Gold(
            evidence=tuple("\n".join(row.evidence[i] for i in chosen) for chosen in sets),
            label=str(_WICE_LABELS[row.label]),
        ),
        language="en",
        domain="general",
        group=row.meta.claim_title,
        is_test=is_held_out(row.meta.claim_title),
        passages=(GivenPassage(f"{name}/cited", "", "\n".join(row.evidence)),),
        metadata={
            "section": row.meta.claim_section,
            "sentences": "|".join(" ".join(map(str, chosen)) for chosen in sets),
        },
    )


def _of_expert(row: _ExpertRow, name: str) -> Iterator[EvalQuestion]:
    """The claim as a question; nothing where it has no text, no source's text or no verdict."""
    claim = _MARK.sub("", row.claim).strip()
    passages = tuple(
        GivenPassage(f"{name}/{number}", address["url"], text[address.end() :])
        for number, text in enumerate(row.evidence)
        if (address := _ADDRESS.match(text)) and text[address.end() :].strip()
    )
    label = _EXPERT_LABELS.get(row.support or "")
    if claim and passages and label:
        yield EvalQuestion(
            id=name,
            text=claim,
            gold=Gold(label=str(label)),
            language="en",
            domain=_FIELDS.get(row.field, "general"),
            group=row.question,
            is_test=is_held_out(row.question),
            passages=passages,
            metadata={"field": row.field, "system": row.system},
        )
