"""Write the corpora that the benchmarks ingest as folders of files.

    python -m evals.bench.export_corpora --out DIR [contracts laws papers fastapi]

Names come from the titles or paths of the data; a part of a path that is longer than 240 bytes is cut and
ends in eight hex digits of its sha256, so that names stay unique and fit every file system.
"""

import argparse
import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from pydantic import TypeAdapter

from evals.data import data_file, data_root, read_lines, read_rows

NAME_BYTES = 240


@dataclass(frozen=True, slots=True)
class CorpusFile:
    """A text and the path it is written to, below its corpus."""

    path: str
    text: str


@dataclass(frozen=True, slots=True)
class Answer:
    """A gold span of a context: `context[answer_start:][:len(text)] == text`."""

    text: str
    answer_start: int


@dataclass(frozen=True, slots=True)
class SpanQuestion:
    """A question about its article, with gold spans; none where the article holds no answer."""

    id: int | str
    question: str
    answers: tuple[Answer, ...]


@dataclass(frozen=True, slots=True)
class Paragraph:
    """A text and the questions on it."""

    context: str
    qas: tuple[SpanQuestion, ...]


@dataclass(frozen=True, slots=True)
class Article:
    """A document of a SQuAD-shaped set; in cuad and covid_qa it has one paragraph, the whole text."""

    title: str
    paragraphs: tuple[Paragraph, ...]

    @property
    def text(self) -> str:
        return self.paragraphs[0].context

    @property
    def questions(self) -> tuple[SpanQuestion, ...]:
        return self.paragraphs[0].qas


@dataclass(frozen=True, slots=True)
class _Squad:
    data: tuple[Article, ...]


@dataclass(frozen=True, slots=True)
class _Page:
    path: str
    text: str
    lang: str = ""


def read_squad(root: Path, name: str) -> tuple[Article, ...]:
    """The articles of a SQuAD-shaped set below the data folder."""
    document = "".join(line for _, line in read_lines(data_file(root, name)))
    return TypeAdapter(_Squad).validate_json(document).data


def contracts(root: Path) -> Iterator[CorpusFile]:
    for article in read_squad(root, "cuad/cuad.squad.json"):
        yield CorpusFile(f"{article.title}.txt", article.text)


def laws(root: Path) -> Iterator[CorpusFile]:
    for page in read_rows(data_file(root, "laws_zh/laws_national.jsonl"), _Page):
        yield CorpusFile(page.path, page.text)


def papers(root: Path) -> Iterator[CorpusFile]:
    for article in read_squad(root, "covid_qa/covid_qa.squad.json"):
        heading = article.text.lstrip().split("\n", 1)[0].strip().replace("/", "-")
        yield CorpusFile(f"{article.title} {heading}.txt", article.text)


def fastapi(root: Path) -> Iterator[CorpusFile]:
    for page in read_rows(data_file(root, "fastapi_docs/docs_en_zh.jsonl"), _Page):
        yield CorpusFile(f"{page.lang}/{page.path}", page.text)


CORPORA: dict[str, Callable[[Path], Iterator[CorpusFile]]] = {
    "contracts": contracts,
    "laws": laws,
    "papers": papers,
    "fastapi": fastapi,
}


def safe_path(path: str) -> PurePosixPath:
    """The path with every part short enough and free of control characters; slashes stay folders."""
    parts = [part for part in PurePosixPath(path).parts if part not in {"/", ".", ".."}]
    return PurePosixPath(*(_safe_name(part) for part in parts))


def _safe_name(name: str) -> str:
    plain = "".join(mark if mark.isprintable() and mark not in '\\:*?"<>|' else "_" for mark in name)
    if len(plain.encode()) <= NAME_BYTES and plain == name:
        return plain
    stem, dot, suffix = plain.rpartition(".")
    tail = f"~{hashlib.sha256(name.encode()).hexdigest()[:8]}{dot}{suffix if dot else ''}"
    room = NAME_BYTES - len(tail.encode())
    return (stem or suffix).encode()[:room].decode(errors="ignore").rstrip() + tail


def export(name: str, out: Path, *, limit: int | None = None) -> list[Path]:
    """Write a corpus, all of it or `limit` files evenly spaced over it, below `out`; gives the paths."""
    files = list(CORPORA[name](data_root()))
    if limit is not None and limit < len(files):
        files = [files[i * len(files) // limit] for i in range(limit)]
    written = []
    for file in files:
        path = out / safe_path(file.path)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(file.text.encode())
        written.append(path)
    if len(set(written)) != len(files):
        raise ValueError(f"two files of {name} have the same name")
    return written


def main() -> None:
    parser = argparse.ArgumentParser(description="Write the benchmark corpora as folders of files.")
    parser.add_argument("corpora", nargs="*", metavar="CORPUS", help=f"of {', '.join(CORPORA)}; default all")
    parser.add_argument("--out", type=Path, required=True, help="each corpus becomes a folder below it")
    arguments = parser.parse_args()
    unknown = [name for name in arguments.corpora if name not in CORPORA]
    if unknown:
        parser.error(f"no corpus is named {', '.join(unknown)}; known: {', '.join(CORPORA)}")
    for name in arguments.corpora or CORPORA:
        files = export(name, arguments.out / name)
        size = sum(path.stat().st_size for path in files)
        print(f"{name:<10}{len(files):>6} files {size / 1e6:>7.1f} MB  {arguments.out / name}")


if __name__ == "__main__":
    main()
