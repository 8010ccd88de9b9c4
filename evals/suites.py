"""What can be measured: named suites, each a task over a set."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from evals.data import is_development
from evals.judge import DOCUMENT, SPAN
from evals.questions import EvalQuestion, QuestionSet, Split
from evals.sets import altered, beir, bioasq, choice, claims, evidence, fastapi_pages, longform, mtrag
from evals.sets import span_sets as sets
from evals.sets.few import among_few
from evals.sets.own import load_own
from evals.sets.removed import removed
from evals.sets.span_tasks import (
    answerable_or_not,
    answerable_or_not_in_its_document,
    asked_of_all,
    asked_of_its_document,
    with_its_passage,
)
from rag.errors import InvalidRequestError, NotFoundError


class Task(StrEnum):
    """What is done with a question, and so what can be measured."""

    RETRIEVAL = "retrieval"  # rank the documents of a collection
    READING = "reading"  # answer from a whole collection
    DOCUMENT = "document"  # answer from one long document, named by a filter
    PARAGRAPH = "paragraph"  # answer from the passage that is given
    EVIDENCE = "evidence"  # cite the sentences that an annotator named, of the passages given
    VERIFICATION = "verification"  # say how far passages bear out a claim
    ABSTENTION = "abstention"  # answer what can be answered, refuse the rest
    REMOVED = "removed"  # half of the questions have their gold documents hidden: refuse those
    LONGFORM = "longform"  # answer at length, compared with an expert's own words
    OWN = "own"  # an operator's own questions, answer what can be answered, refuse the rest
    CHOICE = "choice"  # pick one of the answers given; needs a language model


@dataclass(frozen=True, slots=True)
class Suite:
    """A task over a set; `correct` says in words what counts as a right answer."""

    name: str
    about: str
    correct: str
    load: Callable[[Path], QuestionSet]

    @property
    def task(self) -> Task:
        """The part of the name before the slash."""
        return Task(self.name.split("/")[0])


def select(
    name: str,
    questions: Sequence[EvalQuestion],
    split: Split,
    *,
    limit: int | None,
    seed: int,
    sample_ids: Sequence[str] = (),
) -> tuple[EvalQuestion, ...]:
    """A split's questions, at most `limit`, in their order; which ones depends on ids and seed only."""
    chosen = [question for question in questions if _is_of(split, question)]
    if not chosen:
        raise InvalidRequestError(f"{name} has no questions in its {split} split; use --split all", "split")
    if sample_ids:
        chosen = [q for q in chosen if q.id in sample_ids]
        if missing := set(sample_ids) - {q.id for q in chosen}:
            raise NotFoundError(f"{name} has no question {sorted(missing)[0]!r} in its {split} split")
    if limit is not None and limit < len(chosen):
        kept = set(sorted((q.id for q in chosen), key=lambda item: _shuffled(item, seed))[:limit])
        chosen = [q for q in chosen if q.id in kept]
    return tuple(chosen)


def _is_of(split: Split, question: EvalQuestion) -> bool:
    match split:
        case Split.ALL:
            return True
        case Split.TEST | Split.TRAIN:
            return question.is_test == (split is Split.TEST)
        case Split.DEVELOPMENT:
            return not question.is_test and is_development(question.group)


def _shuffled(name: str, seed: int) -> str:
    return hashlib.sha256(f"{seed}:{name}".encode()).hexdigest()


def own_suite(path: Path) -> Suite:
    """An operator's file of questions as a suite, named after it."""
    return Suite(f"{Task.OWN}/{path.stem}", f"questions of {path.name}", OWN_RULE, lambda _: load_own(path))


OWN_RULE = (
    "a passage of the gold lies inside a cited sentence; without passages, an expected answer stands in one; "
    "without either, one comes from a gold document; a question that cannot be answered is refused"
)
RANKED = "the documents judged relevant come first; nothing is answered"
SENTENCE = "a sentence that an annotator named as evidence lies inside a cited sentence"
VERDICT = "the verdict is that of the annotators"
LETTER = "the right option is chosen"
FEW = "as reading/, of one to eight documents, half without the gold"
REFUSED = f"{SPAN}; of a question that cannot be answered, nothing is right"
REFUSED_DOCUMENT = f"{DOCUMENT}; of a question that cannot be answered, nothing is right"

SUITES: tuple[Suite, ...] = (
    Suite("retrieval/bioasq", "expert biomedical questions, PubMed snippets", RANKED, bioasq.snippets),
    Suite("retrieval/mtrag", "last turns of conversations, four domains", RANKED, mtrag.last_turns),
    Suite(
        "retrieval/mtrag_follow_up",
        "the same, each with the earlier question that it points back to",
        RANKED,
        mtrag.follow_ups,
    ),
    Suite("retrieval/ir_cranfield", "aeronautics abstracts", RANKED, beir.ir_cranfield),
    Suite("retrieval/stard", "lay legal questions, statute articles, Chinese", RANKED, beir.stard),
    Suite(
        "retrieval/fastapi",
        "Chinese sections of technical documentation ask for their English page",
        RANKED,
        fastapi_pages.chinese_sections,
    ),
    Suite("reading/covid_qa", "expert questions, whole biomedical papers", SPAN, asked_of_all(sets.COVID_QA)),
    Suite("reading/bioasq", "biomedical factoids, PubMed snippets", SPAN, bioasq.factoids),
    Suite("reading/telequad", "telecom specifications", SPAN, asked_of_all(sets.TELEQUAD)),
    Suite("reading/squad2", "Wikipedia, SQuAD v2.0 dev", SPAN, asked_of_all(sets.SQUAD2)),
    Suite("reading/squad_slice", "Wikipedia, SQuAD v1.1, train only", SPAN, asked_of_all(sets.SQUAD_SLICE)),
    Suite("reading/cmrc2018", "Wikipedia, Chinese", SPAN, asked_of_all(sets.CMRC2018)),
    Suite("reading/drcd", "Wikipedia, Traditional Chinese", SPAN, asked_of_all(sets.DRCD)),
    Suite("reading/cail2019", "court judgments, Chinese", SPAN, asked_of_all(sets.CAIL2019)),
    Suite("reading/xquad_zh", "Wikipedia, translated into Chinese", SPAN, asked_of_all(sets.XQUAD_ZH)),
    Suite("document/cuad", "clauses of a contract", SPAN, asked_of_its_document(sets.CUAD)),
    Suite("document/policyqa", "practices of a privacy policy", SPAN, asked_of_its_document(sets.POLICYQA)),
    Suite("document/covid_qa", "expert questions on a paper", SPAN, asked_of_its_document(sets.COVID_QA)),
    Suite("paragraph/squad2", "SQuAD v2.0 dev itself", REFUSED, with_its_passage(sets.SQUAD2)),
    Suite("paragraph/squad_slice", "SQuAD v1.1, train only", SPAN, with_its_passage(sets.SQUAD_SLICE)),
    Suite("paragraph/xquad_en", "XQuAD, English", SPAN, with_its_passage(sets.XQUAD_EN)),
    Suite("paragraph/xquad_zh", "XQuAD, Chinese", SPAN, with_its_passage(sets.XQUAD_ZH)),
    Suite(
        "paragraph/telequad", "sections of telecom specifications", REFUSED, with_its_passage(sets.TELEQUAD)
    ),
    Suite("paragraph/covid_qa", "stretches of biomedical papers", SPAN, with_its_passage(sets.COVID_QA)),
    Suite("paragraph/policyqa", "segments of privacy policies", SPAN, with_its_passage(sets.POLICYQA)),
    Suite("paragraph/cuad", "stretches of contracts", SPAN, with_its_passage(sets.CUAD)),
    Suite("paragraph/cmrc2018", "Wikipedia, Chinese", SPAN, with_its_passage(sets.CMRC2018)),
    Suite("paragraph/drcd", "Wikipedia, Traditional Chinese", SPAN, with_its_passage(sets.DRCD)),
    Suite("paragraph/cail2019", "court judgments, Chinese", REFUSED, with_its_passage(sets.CAIL2019)),
    Suite("paragraph/bioasq", "factoids with their snippets", SPAN, bioasq.factoids_with_snippets),
    Suite("abstention/squad2", "SQuAD v2.0 dev, all articles", REFUSED, answerable_or_not(sets.SQUAD2)),
    Suite(
        "abstention/cuad",
        "clauses that a contract has or has not",
        REFUSED,
        answerable_or_not_in_its_document(sets.CUAD),
    ),
    Suite(
        "abstention/cail2019",
        "what a court judgment says or does not, Chinese",
        REFUSED,
        answerable_or_not_in_its_document(sets.CAIL2019),
    ),
    Suite(
        "abstention/mtrag",
        "last turns that are answerable, unanswerable or underspecified",
        REFUSED_DOCUMENT,
        mtrag.answerable_or_not,
    ),
    Suite("removed/covid_qa", "as reading/, half hidden", REFUSED, removed(asked_of_all(sets.COVID_QA))),
    Suite("removed/bioasq", "as reading/, half hidden", REFUSED, removed(bioasq.factoids)),
    Suite("removed/telequad", "as reading/, half hidden", REFUSED, removed(asked_of_all(sets.TELEQUAD))),
    Suite("removed/squad2", "as reading/, half hidden", REFUSED, removed(asked_of_all(sets.SQUAD2))),
    Suite(
        "removed/squad_slice", "as reading/, half hidden", REFUSED, removed(asked_of_all(sets.SQUAD_SLICE))
    ),
    Suite("removed/covid_qa_few", FEW, REFUSED, among_few(asked_of_all(sets.COVID_QA))),
    Suite("removed/squad_slice_few", FEW, REFUSED, among_few(asked_of_all(sets.SQUAD_SLICE))),
    Suite("removed/squad2_few", FEW, REFUSED, among_few(asked_of_all(sets.SQUAD2))),
    Suite("removed/telequad_few", FEW, REFUSED, among_few(asked_of_all(sets.TELEQUAD))),
    Suite("removed/cmrc2018_few", FEW, REFUSED, among_few(asked_of_all(sets.CMRC2018))),
    Suite("removed/drcd_few", FEW, REFUSED, among_few(asked_of_all(sets.DRCD))),
    Suite("removed/cmrc2018", "as reading/, half hidden", REFUSED, removed(asked_of_all(sets.CMRC2018))),
    Suite("removed/drcd", "as reading/, half hidden", REFUSED, removed(asked_of_all(sets.DRCD))),
    Suite("removed/xquad_zh", "as reading/, half hidden", REFUSED, removed(asked_of_all(sets.XQUAD_ZH))),
    Suite("removed/stard", "as retrieval/, half of the laws hidden", REFUSED_DOCUMENT, removed(beir.stard)),
    Suite("removed/medquad", "as longform/, half hidden", REFUSED_DOCUMENT, removed(longform.load_medquad)),
    Suite(
        "evidence/expmrc_squad", "Wikipedia, evidence marked by people", SENTENCE, evidence.load_expmrc_squad
    ),
    Suite("evidence/expmrc_cmrc", "the same in Chinese", SENTENCE, evidence.load_expmrc_cmrc),
    Suite(
        "evidence/expmrc_c3",
        "dialogues and mixed texts, Chinese, free answers",
        SENTENCE,
        evidence.load_expmrc_c3,
    ),
    Suite(
        "evidence/hotpotqa",
        "two of ten paragraphs hold the answer together",
        f"{SPAN}; for yes and no, {DOCUMENT}",
        evidence.load_hotpotqa,
    ),
    Suite("verification/wice", "claims of Wikipedia, the whole article they cite", VERDICT, claims.load_wice),
    Suite("verification/wice_chunks", "the same, short stretches of it", VERDICT, claims.load_wice_chunks),
    Suite("verification/expertqa", "claims of systems, experts' verdicts", VERDICT, claims.load_expertqa),
    Suite(
        "verification/altered",
        "sentences of seven sets, half of them Chinese, and the same with one fact altered",
        VERDICT,
        altered.load_altered,
    ),
    Suite("longform/bioasq", "biomedical questions, experts' summaries", DOCUMENT, longform.load_bioasq),
    Suite("longform/medquad", "consumers' health questions", DOCUMENT, longform.load_medquad),
    Suite("choice/mirage", "five medical examinations", LETTER, choice.load_mirage),
    Suite("choice/pubmedqa", "yes, no or maybe, by an abstract", LETTER, choice.load_pubmedqa),
    Suite("choice/legalbench", "88 legal tasks with a few solved examples", LETTER, choice.load_legalbench),
)


def suite_named(name: str) -> Suite:
    """The suite of this name; NotFoundError names those there are."""
    for suite in SUITES:
        if suite.name == name:
            return suite
    known = ", ".join(suite.name for suite in SUITES)
    raise NotFoundError(f"there is no suite named {name!r}; known: {known}")
