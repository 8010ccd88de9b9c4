"""What the reader is shown of a sentence that a language model wrote."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest
from in_memory import WordEmbedder
from stored import stored

from rag.domain import Chunk, Hit, Passage, Reading
from rag.marks import Written, WrittenSentence
from rag.support import WordSupport
from rag.verify import verify


@dataclass
class TitleReader:
    """A sentence answers where its title has the words."""

    words: str
    version: str = "title"
    shown: list[Passage] = field(default_factory=list)

    def read(self, question: str, passages: Sequence[Passage]) -> list[Reading]:
        del question
        self.shown += passages
        return [Reading(1.0, float(self.words in passage.title), ()) for passage in passages]


@pytest.mark.parametrize(
    ("title", "text", "question"),
    [
        ("Warehouse lease", "The deposit is three monthly rents.", "What is the deposit of the warehouse?"),
        ("劳动合同", "员工每年享有十五天带薪年假。", "合同里的年假有多少天？"),
    ],
)
def test_a_sentence_is_read_under_the_title_of_its_source_and_without_its_other_words(
    title: str, text: str, question: str
) -> None:
    hits = [Hit(Chunk(1, stored(1, title=title), 0, 0, len(text), (), text), 1, 1.0, {})]
    written = Written((WrittenSentence(text, (1,)),))
    for words, kept in ((title, 1), ("another subject", 0)):
        reader = TitleReader(words)
        verified = verify(question, written, hits, WordSupport(WordEmbedder()), reader)
        assert reader.shown == [Passage(title, text)]
        assert len(verified.sentences) == kept
        assert len(verified.unsupported) == 1 - kept
