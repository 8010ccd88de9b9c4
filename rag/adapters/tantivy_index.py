"""BM25 with tantivy, over tokens that `rag.tokens` makes, in a folder that several processes may share."""

import json
import math
import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias, TypeVar

import numpy as np
import tantivy
from filelock import FileLock, Timeout
from numpy.typing import NDArray
from tantivy import Occur, Query

from rag.domain import Chunk, ChunkIds, ScoredId
from rag.errors import CorruptIndexError, StoreUnavailableError
from rag.intake import Position
from rag.tokens import RECIPE, index_tokens, is_unspaced, question_tokens

WRITER_BYTES = 64 * 1024 * 1024
WRITER_SECONDS = 60.0  # how long another process may hold the folder before this one gives up
PENDING_CHUNKS = 20_000  # bounds memory: about 20 MB of tokens
RARITY = 0.5  # docs/measurements-retrieval.md: +.03 nDCG@10 on bioasq's train batches, lexical alone
HITS_AT_ONCE = 20_000  # hits looked through before the filter is put into the query instead
SCORE_DIGITS = 4  # tantivy adds 32-bit floats in an order that depends on the segment

META, SIZES = "meta.json", "sizes.json"

_ID, _TOKENS, _SEQUENCE, _TOKEN = "id", f"tokens{RECIPE}", "sequence", "token"
Scores: TypeAlias = NDArray[np.float64]
Result = TypeVar("Result")


class IndexBusyError(StoreUnavailableError):
    """Another process has been writing to this index for too long; try again."""


@dataclass(frozen=True, slots=True)
class _Found:
    """Hits best first, and whether there are no more."""

    ids: ChunkIds
    scores: Scores
    is_all: bool


class TantivyIndex:
    """The chunks of one collection by their words, those of the document's title and of the headings above.

    Additions and removals wait in memory until `commit`, which alone opens tantivy's writer, so that the
    processes that share the folder take turns. The position is a document of the index itself, so it and
    the chunks it speaks of are committed in one step. Applying changes again is harmless.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._schema = _schema()
        self._pending: dict[int, str] = {}
        self._removed: set[int] = set()
        self._is_cleared = False
        self._is_damaged = False
        self._searcher: tantivy.Searcher | None = None
        self._reload()

    def position(self) -> Position | None:
        """How far the folder's last commit has followed, whichever process made it; None if damaged."""
        if self._is_damaged or not self._is_whole():
            self._is_damaged, self._searcher = True, None
            return None
        self._reload()
        searcher = self._searcher
        if searcher is None:
            return None
        query = _position_query(self._schema)
        found = self._read(lambda: searcher.search(query, 1, count=False).hits)
        if not found:
            return None
        document = searcher.doc(found[0][1])
        return Position(int(document.get_first(_SEQUENCE) or 0), str(document.get_first(_TOKEN) or ""))

    def clear(self) -> None:
        """Forget every chunk; damaged files are replaced when this is committed."""
        self._pending.clear()
        self._removed.clear()
        self._is_cleared = True

    def add(self, chunks: Sequence[Chunk]) -> None:
        """Index chunks under their ids; searches see them after `commit`."""
        for chunk in chunks:
            self._pending[chunk.id] = _indexed_text(chunk)
            self._removed.discard(chunk.id)
        if len(self._pending) >= PENDING_CHUNKS:
            # Being ahead of the position does no harm: its changes will be applied again.
            self._apply(None)

    def remove(self, ids: ChunkIds) -> None:
        """Forget these ids; searches see it after `commit`."""
        for chunk_id in ids.tolist():
            self._pending.pop(chunk_id, None)
            self._removed.add(chunk_id)

    def commit(self, position: Position) -> None:
        """Write what is pending together with `position`, and show it to searches.

        Raises IndexBusyError when another process holds the folder for more than a minute.
        """
        self._apply(position)

    def search(self, question: str, k: int, allowed: ChunkIds | None) -> list[ScoredId]:
        """The k best for a question as typed, best first, ties by id; `allowed` as in the port.

        Each term of a spaced script weighs its idf to the power RARITY more than BM25 gives it. Raises
        CorruptIndexError when the files were damaged under the open index.
        """
        searcher = self._searcher
        if searcher is None or k <= 0 or (allowed is not None and not len(allowed)):
            return []
        weights = _weights(question_tokens(question), searcher)
        if not weights:
            return []
        query = Query.boolean_query([(Occur.Should, self._term(t, weight)) for t, weight in weights.items()])
        return self._read(lambda: self._best(searcher, query, k, allowed))

    def ids(self) -> ChunkIds:
        """Every id that searches can find, ascending."""
        searcher = self._searcher
        if searcher is None or not searcher.num_docs:
            return np.empty(0, np.int64)
        everything = self._read(lambda: _search(searcher, Query.all_query(), searcher.num_docs))
        return np.sort(everything.ids[everything.ids >= 0])

    def close(self) -> None:
        """Let go of the files; what was not committed is dropped and will be followed again."""
        self._pending.clear()
        self._removed.clear()
        self._searcher = None

    def _best(
        self, searcher: tantivy.Searcher, query: Query, k: int, allowed: ChunkIds | None
    ) -> list[ScoredId]:
        """Look through enough of the best hits to be sure of the first k allowed, ties at the end included.

        Median of 40 questions on 60,000 chunks, 30,000 of them allowed, 200 wanted: 6 ms so, and 43 ms with
        the filter in the query, where tantivy cannot skip by score. Few allowed chunks go into the query.
        """
        wanted = k + 16
        if allowed is not None:
            share = min(1.0, len(allowed) / max(1, searcher.num_docs))
            if share * HITS_AT_ONCE < 2 * k:
                query, allowed = self._filtered(query, allowed), None
            else:
                wanted = int(1.3 * k / share) + 16
        while True:
            found = _search(searcher, query, wanted)
            keep = np.full(len(found.ids), True) if allowed is None else np.isin(found.ids, allowed)
            ids, scores = found.ids[keep], found.scores[keep]
            if found.is_all or (len(ids) >= k and scores[k - 1] > found.scores[-1]):
                order = np.lexsort((ids, -scores))[:k]
                return [ScoredId(int(ids[i]), float(scores[i])) for i in order]
            wanted *= 4
            if allowed is not None and wanted > HITS_AT_ONCE:
                query, allowed, wanted = self._filtered(query, allowed), None, k + 16

    def _filtered(self, query: Query, allowed: ChunkIds) -> Query:
        ids = Query.term_set_query(self._schema, _ID, allowed.tolist())
        return Query.boolean_query([(Occur.Must, query), (Occur.Must, Query.const_score_query(ids, 0.0))])

    def _term(self, token: str, weight: float) -> Query:
        term = Query.term_query(self._schema, _TOKENS, token, index_option="freq")
        return Query.boost_query(term, weight)

    def _apply(self, position: Position | None) -> None:
        """Commit what is pending, with a new position or the old one."""
        with self._writing() as writer:
            if self._is_cleared:
                writer.delete_all_documents()
            stale = sorted(self._removed | self._pending.keys())
            if stale:
                writer.delete_documents_by_query(Query.term_set_query(self._schema, _ID, stale))
            for chunk_id, text in self._pending.items():
                writer.add_document(self._document({_ID: chunk_id, _TOKENS: text}))
            if position is not None:
                writer.delete_documents_by_query(_position_query(self._schema))
                writer.add_document(self._document({_SEQUENCE: position.sequence, _TOKEN: position.token}))
            writer.commit()
            writer.wait_merging_threads()
            self._note_sizes()
        self._pending.clear()
        self._removed.clear()
        self._is_cleared = False
        self._is_damaged = False
        self._reload()

    def _document(self, fields: dict[str, int | str]) -> tantivy.Document:
        """With the schema: without it an unsigned field gets a signed value, which stops the writer."""
        return tantivy.Document.from_dict(fields, self._schema)

    @contextmanager
    def _writing(self) -> Iterator[tantivy.IndexWriter]:
        """The writer, for this process alone; on fresh files where a cleared index's are damaged."""
        lock = FileLock(f"{self._directory}.lock", timeout=WRITER_SECONDS)
        try:
            self._directory.parent.mkdir(parents=True, exist_ok=True)
            lock.acquire()
        except Timeout as error:
            raise IndexBusyError(
                f"another process has been writing to {self._directory} for {WRITER_SECONDS:.0f} s; "
                "try again, and stop that process if it hangs"
            ) from error
        except OSError as error:
            raise StoreUnavailableError(
                f"the folder {self._directory.parent} cannot be written to ({error})"
            ) from error
        try:
            # Opened anew: files that another process wrote would never be deleted by the open one.
            index = (None if self._is_damaged else self._opened()) or self._made_anew()
            yield index.writer(WRITER_BYTES, 1)  # one thread: equal input, equal segments
        except (ValueError, OSError) as error:
            raise StoreUnavailableError(
                f"the index in {self._directory} could not be written ({error}); "
                "check the free space and the permissions there, then try again"
            ) from error
        finally:
            lock.release()

    def _opened(self) -> tantivy.Index | None:
        """The index if its files are whole and of this schema; else there is nothing to stand on."""
        if not (self._directory / META).is_file():
            return None
        try:
            index = tantivy.Index(self._schema, path=str(self._directory))
            index.config_reader("manual")
            index.reload()
        except (ValueError, OSError):
            return None
        return index

    def _made_anew(self) -> tantivy.Index:
        """A fresh index, unless that would pass off what is pending as the whole."""
        if self._searcher is not None and not self._is_cleared:
            raise CorruptIndexError(f"the index in {self._directory} was damaged; restart, and it is rebuilt")
        shutil.rmtree(self._directory, ignore_errors=True)
        # tantivy looks at files it opened once more in a thread of its own, which may put its lock back.
        self._directory.mkdir(exist_ok=True)
        return tantivy.Index(self._schema, path=str(self._directory))

    def _note_sizes(self) -> None:
        """Write down what a whole index looks like: tantivy opens truncated files without a word."""
        sizes = {path.name: path.stat().st_size for path in self._directory.iterdir() if path.name != SIZES}
        temporary = self._directory / f"{SIZES}.new"
        temporary.write_text(json.dumps(sizes))
        temporary.replace(self._directory / SIZES)

    def _is_whole(self) -> bool:
        """Whether every file of the last commit is there in its length; an absent index counts as whole.

        To be asked only while no other process writes: between a commit and its sizes they do not agree.
        """
        if not (self._directory / META).is_file():
            return True
        try:
            sizes = json.loads((self._directory / SIZES).read_text())
            return all((self._directory / name).stat().st_size == size for name, size in sizes.items())
        except (OSError, ValueError):
            return False

    def _read(self, work: Callable[[], Result]) -> Result:
        """Read the index's files; tantivy's complaint about them becomes ours, and they are made anew."""
        try:
            return work()
        except (ValueError, OSError) as error:
            self._is_damaged = True
            raise CorruptIndexError(
                f"the lexical index's files are damaged ({error}); ask again, and it is rebuilt"
            ) from error

    def _reload(self) -> None:
        """See the last commit, whichever process made it."""
        index = self._opened()
        self._searcher = index.searcher() if index else None


def _schema() -> tantivy.Schema:
    """The recipe of the tokens is part of a name, so an index made by another recipe does not open."""
    builder = tantivy.SchemaBuilder()
    builder.add_unsigned_field(_ID, indexed=True, fast=True)
    builder.add_text_field(_TOKENS, tokenizer_name="whitespace", index_option="freq")
    builder.add_unsigned_field(_SEQUENCE, indexed=True, stored=True)
    builder.add_text_field(_TOKEN, stored=True, tokenizer_name="raw")
    return builder.build()


def _position_query(schema: tantivy.Schema) -> Query:
    return Query.range_query(schema, _SEQUENCE, tantivy.FieldType.Unsigned, 0)


def _indexed_text(chunk: Chunk) -> str:
    """The tokens of title, headings and text in one field, those of spaced scripts twice.

    tantivy fixes BM25's k1 at 1.2; counting each term twice makes it .6, which is better for words. A
    Chinese word of two characters is already there twice, as a word and as a pair.
    """
    tokens = index_tokens("\n".join((chunk.document.title, *chunk.section, chunk.text)))
    return " ".join(token if is_unspaced(token) else f"{token} {token}" for token in tokens)


def _weights(tokens: Sequence[str], searcher: tantivy.Searcher) -> dict[str, float]:
    """How much each token that occurs at all weighs, by how often it was asked and how rare it is."""
    weights: dict[str, float] = {}
    for token, count in Counter(tokens).items():
        documents = searcher.doc_freq(_TOKENS, token)
        if documents:
            rarity = math.log(1 + max(0, searcher.num_docs - documents) / documents)
            weights[token] = count * (1.0 if is_unspaced(token) else (0.1 + rarity) ** RARITY)
    return weights


def _search(searcher: tantivy.Searcher, query: Query, limit: int) -> _Found:
    """Ids (-1 for what is no chunk) and scores of the best hits."""
    limit = max(1, min(limit, searcher.num_docs))
    hits = searcher.search(query, limit, count=False).hits
    values = searcher.fast_field_values(_ID, [address for _, address in hits]) if hits else []
    ids = np.array([-1 if value is None else value for value in values], np.int64)
    scores: Scores = np.array([round(score, SCORE_DIGITS) for score, _ in hits], np.float64)
    return _Found(ids, scores, len(hits) < limit or limit == searcher.num_docs)
