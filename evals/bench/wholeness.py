"""What a store holds, document by document; whether it is whole in itself and in step with its indexes."""

import hashlib
import json
import random
import sys
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

from sqlalchemy import text

from rag.domain import Question
from rag.ports import Embedder
from rag.settings import Settings
from rag.store import Store
from rag.system import System

COLLECTION = "documents"

Contents: TypeAlias = Mapping[str, str]
"""A digest of each document by uri: its revision, text, chunks and which of them are embedded."""


@dataclass
class Findings:
    """What happened, and what should not have."""

    kills: int = 0
    rounds: int = 0
    instants: Counter[str] = field(default_factory=Counter)
    damages: Counter[str] = field(default_factory=Counter)
    checks: Counter[str] = field(default_factory=Counter)
    violations: list[str] = field(default_factory=list)

    def expect(self, check: str, *, holds: bool, otherwise: str) -> None:
        """Count a check, and note the violation where it does not hold."""
        self.checks[check] += 1
        if not holds:
            self.violations.append(f"kill {self.kills}, {check}: {otherwise}")
            print(self.violations[-1], file=sys.stderr, flush=True)


def settings_of(home: Path) -> Settings:
    return Settings(home=home, database_url="")


def contents_of(home: Path, embedder: Embedder, findings: Findings) -> Contents:
    """What the store of a home holds; checks on the way that it is whole in itself."""
    if not (home / "attest.db").exists():
        return {}
    store = Store.open(settings_of(home).resolved_database_url())
    try:
        with store.engine.connect() as connection:
            broken = list(connection.execute(text("PRAGMA foreign_key_check")))
            integrity = connection.execute(text("PRAGMA integrity_check")).scalar_one()
        findings.expect(
            "database sound", holds=not broken and integrity == "ok", otherwise=f"{integrity} {broken}"
        )
        if COLLECTION not in {collection.name for collection in store.collections()}:
            return {}
        return _contents(store, embedder, findings)
    finally:
        store.close()


def _contents(store: Store, embedder: Embedder, findings: Findings) -> Contents:
    collection = store.collection(COLLECTION)
    sequences = [change.sequence for change in store.changes(collection.id, first=1, limit=1_000_000)]
    is_unbroken = sequences == list(range(1, collection.last_change + 1))
    findings.expect("changes without a gap", holds=is_unbroken, otherwise=f"{sequences[-3:]}")
    embedded = set(store.embedded_ids(collection.id, embedder.space).tolist())
    chunks = defaultdict(list)
    for chunk in store.chunks(int(i) for i in store.chunk_ids(collection.id)).values():
        chunks[chunk.document.id].append(chunk)
    found: dict[str, str] = {}
    for document in store.documents(COLLECTION, limit=1_000_000):
        canonical = store.text(document.id)
        own = sorted(chunks.pop(document.id, []), key=lambda chunk: chunk.ordinal)
        is_sliced = all(canonical[c.start : c.end] == c.text and c.text for c in own)
        is_counted = [c.ordinal for c in own] == list(range(len(own)))
        findings.expect("chunks are slices", holds=is_sliced and is_counted, otherwise=document.uri)
        findings.expect("no document doubled", holds=document.uri not in found, otherwise=document.uri)
        parts = [(c.start, c.end, c.section, c.id in embedded) for c in own]
        shape = json.dumps([document.revision, canonical, parts], ensure_ascii=False)
        found[document.uri] = f"{document.revision[:12]}:{hashlib.sha256(shape.encode()).hexdigest()}"
    findings.expect("no chunk without document", holds=not chunks, otherwise=f"documents {list(chunks)}")
    return found


def check_indexes(system: System, findings: Findings) -> None:
    """The indexes of a home, as the next process finds them, must equal its store."""
    if COLLECTION not in {collection.name for collection in system.store.collections()}:
        return
    check = system.check(COLLECTION)
    findings.expect(
        "indexes equal the store",
        holds=check.is_equal,
        otherwise=f"{len(check.vectors_differing)} vectors, {len(check.lexical_differing)} entries differ",
    )


def check_search(system: System, findings: Findings, chance: random.Random) -> None:
    """The words of a chunk must find its document among the first ten."""
    ids = system.store.chunk_ids(system.store.collection(COLLECTION).id).tolist()
    for chunk in system.store.chunks(chance.sample(ids, min(5, len(ids)))).values():
        hits = system.search(Question(chunk.text[:300], COLLECTION, rerank=False)).hits
        is_found = any(hit.chunk.document.id == chunk.document.id for hit in hits)
        findings.expect("search finds it", holds=is_found, otherwise=f"{chunk.document.uri} {chunk.start}")
