"""Plain text to learn reading from: passages of the train documents, without questions or labels.

A document is cut at the ends of sentences, of paragraphs where it can be, into stretches about as long as
the chunks that are retrieved. Every source is spread evenly over the output, so that any beginning of it is
a mixture; small sources nearest to encyclopaedic text come several times, cut elsewhere each time.
"""

import random
import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from evals.data import data_file, is_held_out, read_rows
from evals.sets import bioasq, claims, fastapi_pages, longform, span_sets
from evals.sets.squad_layout import SpanLayout
from rag.domain import Span
from rag.sentences import sentences
from training.held_out import bioasq_record, bioasq_test_records, is_test_answer, is_test_article

_CUAD_STRETCH = 30_000  # characters of a contract; more of each would be thrown away
_LENGTHS = {"en": (300, 650, 1000), "zh": (100, 260, 350)}  # least, likeliest and most characters
_PARAGRAPH_ENDS = 0.6  # of the length wanted: from there on a passage ends with its paragraph
_ADDRESS = re.compile(r"https?://|www\.|\w@\w")
_CODE = re.compile(r"[{}<>=_|\\#$~^]|\.{4}")


@dataclass(frozen=True, slots=True)
class CorpusPassage:
    """A stretch of a train document; by `group`, the document, train and development are told apart."""

    source: str
    group: str
    title: str
    text: str


@dataclass(frozen=True, slots=True)
class _Document:
    group: str
    title: str
    text: str


@dataclass(frozen=True, slots=True)
class _Corpus:
    """A source's train documents, how many times they are cut up, and their largest share of all passages."""

    name: str
    documents: Callable[[Path], Iterator[_Document]]
    rounds: int = 1
    share: float = 1.0


def passages(root: Path, language: str, random_source: random.Random) -> Iterator[CorpusPassage]:
    """Every source's passages in "en" or "zh", mixed; DataMissingError names a source that is not there."""
    cuts = {
        corpus: [
            passage
            for _ in range(corpus.rounds)
            for document in corpus.documents(root)
            for passage in _cut(corpus.name, document, language, random_source)
        ]
        for corpus in _CORPORA[language]
    }
    unlimited = sum(len(cut) for corpus, cut in cuts.items() if corpus.share == 1)
    total = unlimited / (1 - sum(corpus.share for corpus in cuts if corpus.share < 1))
    placed = []
    for corpus, cut in cuts.items():
        random_source.shuffle(cut)
        kept = cut if corpus.share == 1 else cut[: int(corpus.share * total)]
        placed += [((number + random_source.random()) / len(kept), text) for number, text in enumerate(kept)]
    placed.sort(key=lambda place_and_passage: place_and_passage[0])
    yield from (passage for _, passage in placed)


def _cut(
    source: str, document: _Document, language: str, random_source: random.Random
) -> Iterator[CorpusPassage]:
    text = document.text
    if source == "cuad" and len(text) > _CUAD_STRETCH:
        start = text.find("\n", random_source.randrange(len(text) - _CUAD_STRETCH)) + 1
        text = text[start : start + _CUAD_STRETCH]
    for span in stretches(text, language, random_source):
        if is_prose(span.of(text), language):
            yield CorpusPassage(source, document.group, document.title, span.of(text))


def stretches(text: str, language: str, random_source: random.Random) -> Iterator[Span]:
    """Disjoint runs of whole sentences in order, 300-1,000 characters long, in Chinese 100-350.

    A sentence longer than that is left out, and so is what is left over and too short.
    """
    least, likeliest, most = _LENGTHS[language]
    start = end = 0
    wanted = random_source.triangular(least, most, likeliest)
    for sentence in sentences(text, language):
        if end > start and sentence.end - start > most:
            if end - start >= least:
                yield Span(start, end)
            start = end = sentence.start
        elif end == start:
            start = sentence.start
        if sentence.end - start > most:
            start = end = sentence.end
            continue
        end = sentence.end
        enough = max(least, _PARAGRAPH_ENDS * wanted) if text.startswith("\n", end) else wanted
        if end - start >= enough:
            yield Span(start, end)
            start = end
            wanted = random_source.triangular(least, most, likeliest)
    if end - start >= least:
        yield Span(start, end)


def is_prose(text: str, language: str) -> bool:
    """Whether a text is sentences, rather than a table, code, or a list of addresses or names."""
    digits = sum(character.isdigit() for character in text)
    letters = sum(character.isalpha() for character in text)
    lines = text.count("\n") + 1
    longest_line = 80 if language == "en" else 20
    return (
        letters >= (0.7 if language == "en" else 0.75) * len(text)
        and digits <= 0.1 * len(text)
        and len(_ADDRESS.findall(text)) <= 1
        and len(_CODE.findall(text)) <= 0.01 * len(text)
        and len(text) / lines >= longest_line
        and (language == "en" or sum("\u4e00" <= character <= "\u9fff" for character in text) >= letters / 2)
    )


def _of_spans(layout: SpanLayout) -> Callable[[Path], Iterator[_Document]]:
    """The train texts of a span set, those of an article joined in order."""

    def documents(root: Path) -> Iterator[_Document]:
        texts: dict[tuple[str, str], list[str]] = defaultdict(list)
        for source in layout.read(root).sources:
            if not source.is_test:
                texts[source.document, source.title].append(source.text.strip())
        for (group, title), parts in texts.items():
            yield _Document(group, title, "\n".join(dict.fromkeys(parts)))

    return documents


def _bioasq(root: Path) -> Iterator[_Document]:
    """The gold snippets of each train question; none from a paper that may not train."""
    asked = bioasq.snippets(root)
    corpus = asked.corpus.texts if asked.corpus else ()
    texts = {text.uri: text for text in corpus}
    tested = bioasq_test_records(root)
    for question in asked.questions:
        gold = [texts[uri] for uri in question.gold.documents]
        kept = [text.text.strip() for text in gold if bioasq_record(text.metadata) not in tested]
        if not question.is_test and kept:
            yield _Document(question.group, "", "\n".join(dict.fromkeys(kept)))


def _medquad(root: Path) -> Iterator[_Document]:
    """The answers on train subjects, without those that are a table of symptoms read off as text."""
    corpus = longform.load_medquad(root).corpus
    for text in corpus.texts if corpus else ():
        if not is_test_answer(root, text) and "Human Phenotype Ontology" not in text.text:
            yield _Document(text.title, text.title, text.text)


@dataclass(frozen=True, slots=True)
class _CitedBy:
    claim_title: str


@dataclass(frozen=True, slots=True)
class _Cited:
    evidence: tuple[str, ...]
    meta: _CitedBy


def _wice(root: Path) -> Iterator[_Document]:
    """The articles cited by train claims; the token-level files cite others than the claims' file."""
    held_out: set[str] = set()
    articles: dict[str, str] = {}
    for name in ("claim_dev", "non_supported_tokens_train", "non_supported_tokens_dev"):
        for row in read_rows(data_file(root, f"wice/{name}.jsonl"), _Cited):
            lines = (line.strip() for line in row.evidence if not line.startswith("(meta data)"))
            text = _paragraphs(lines)
            if is_held_out(row.meta.claim_title):
                held_out.add(text)
            else:
                articles.setdefault(text, row.meta.claim_title)
    for text, group in articles.items():
        if text not in held_out:
            yield _Document(group, "", text)


def _paragraphs(lines: Iterator[str]) -> str:
    """Sentences, one a line, as running text; a heading or the entry of a list keeps its line."""
    parts: list[str] = []
    for line in lines:
        is_sentence = line.endswith((".", "!", "?", '."', ".”")) and len(line) > 40
        parts.append(line.lstrip("# ") + (" " if is_sentence else "\n"))
    return "".join(parts).strip()


def _expertqa(root: Path) -> Iterator[_Document]:
    """The texts that claims of train questions rest on, each once, under the first that cites it."""
    asked = claims.load_expertqa(root).questions
    cited = [(question, passage.text.strip()) for question in asked for passage in question.passages]
    held_out = {text for question, text in cited if question.is_test}
    first: dict[str, str] = {}
    for question, text in cited:
        if text not in held_out:
            first.setdefault(text, question.group)
    for text, group in first.items():
        yield _Document(group, "", text)


@dataclass(frozen=True, slots=True)
class _Page:
    path: str
    text: str
    lang: str


def _fastapi(language: str) -> Callable[[Path], Iterator[_Document]]:
    """The train pages in a language as plain text, without code, boxes and tables."""

    def documents(root: Path) -> Iterator[_Document]:
        for page in read_rows(data_file(root, "fastapi_docs/docs_en_zh.jsonl"), _Page):
            if page.lang == language and not is_held_out(page.path):
                text = "\n".join(_prose_lines(page.text))
                yield _Document(page.path, fastapi_pages.title_of(page.text), text)

    return documents


def _prose_lines(markdown: str) -> Iterator[str]:
    fenced = False
    for line in markdown.splitlines():
        if line.lstrip().startswith(("```", "~~~")):
            fenced = not fenced
        elif not fenced and not line.lstrip().startswith(("#", "{*", "///", "|", "<", "!")):
            yield fastapi_pages.plain(line)


@dataclass(frozen=True, slots=True)
class _Article:
    title: str
    article: str
    file: str
    text: str


def _laws(root: Path) -> Iterator[_Document]:
    """The train laws, each version a text of its own, without articles that came before word for word."""
    texts: dict[tuple[str, str], list[str]] = defaultdict(list)
    seen: set[str] = set()
    for row in read_rows(data_file(root, "laws_zh/articles_national.jsonl"), _Article):
        if row.text not in seen and not is_test_article(root, row.title, row.text):
            seen.add(row.text)
            texts[row.title, row.file].append(f"{row.article} {row.text}")
    for (title, _), articles in texts.items():
        yield _Document(title, title, "\n".join(articles))


_CORPORA: Mapping[str, tuple[_Corpus, ...]] = {
    "en": (
        _Corpus("squad_slice", _of_spans(span_sets.SQUAD_SLICE), rounds=16),
        _Corpus("covid_qa", _of_spans(span_sets.COVID_QA), rounds=4),
        _Corpus("policyqa", _of_spans(span_sets.POLICYQA), rounds=4),
        _Corpus("bioasq", _bioasq, rounds=4),
        _Corpus("medquad", _medquad, share=0.25),
        _Corpus("fastapi", _fastapi("en"), rounds=4),
        _Corpus("wice", _wice, rounds=8),
        _Corpus("expertqa", _expertqa, rounds=6),
        _Corpus("cuad", _of_spans(span_sets.CUAD), share=0.15),
    ),
    "zh": (
        _Corpus("laws_zh", _laws, rounds=2, share=0.55),
        _Corpus("cmrc2018", _of_spans(span_sets.CMRC2018), rounds=5),
        _Corpus("drcd", _of_spans(span_sets.DRCD), rounds=8),
        _Corpus("fastapi", _fastapi("zh"), rounds=4),
    ),
}
