"""A tree of HTML, or of trafilatura's smaller vocabulary, becomes blocks of text."""

from lxml import etree

from ingest.adapters.blocks import BlockWriter
from ingest.parse import Heading

_LEVELS = {f"h{level}": level for level in range(1, 7)}
_ROWS = frozenset({"tr", "row"})
_CELLS = frozenset({"td", "th", "cell"})
_ITEMS = frozenset({"li", "item", "dt", "dd"})
_LISTS = frozenset({"ul", "ol", "list", "dl"})
_BREAKS = frozenset({"br", "lb"})
_INLINE = (
    frozenset(
        {"a", "abbr", "b", "bdi", "bdo", "big", "cite", "code", "data", "del", "dfn", "em", "font", "i"}
    )
    | {"img", "ins", "kbd", "label", "mark", "q", "rp", "rt", "ruby", "s", "samp", "small", "span", "strong"}
    | {"sub", "sup", "time", "tt", "u", "var", "wbr", "hi", "ref", "graphic"}
)


def rendered(content: etree._Element) -> tuple[str, tuple[Heading, ...]]:
    """The text below `content` in reading order, and its headings."""
    renderer = _Renderer()
    renderer.walk(content, depth=0)
    renderer.flush()
    return renderer.writer.finished()


class _Renderer:
    """Inline text gathers until a block begins or ends."""

    def __init__(self) -> None:
        self.writer = BlockWriter()
        self._inline: list[str] = []

    def flush(self) -> None:
        self.writer.paragraph("".join(self._inline))
        self._inline = []

    def walk(self, element: etree._Element, depth: int) -> None:
        """Write one element; `depth` counts the lists around it."""
        level = _LEVELS.get(element.get("rend", "h2") if element.tag == "head" else element.tag)
        if element.tag in _BREAKS:
            self._inline.append("\n")
        elif element.tag in _INLINE and "\n" not in "".join(element.itertext("code")).strip():
            self._children(element, depth)
        elif level is not None:
            self.flush()
            self.writer.heading(_text(element), level)
        elif element.tag in _ROWS and next(element.iterdescendants(*_ROWS), None) is None:
            self.flush()
            self.writer.row([_text(cell) for cell in element if cell.tag in _CELLS])
        elif element.tag in _ITEMS:
            self._item(element, depth)
        elif element.tag in ("pre", "code"):
            self.flush()
            self.writer.code("".join(element.itertext()))
        else:
            self.flush()
            self._children(element, depth + (element.tag in _LISTS))
            self.flush()

    def _children(self, element: etree._Element, depth: int) -> None:
        self._inline.append(_flat(element.text))
        for child in element.iterchildren(etree.Element):
            self.walk(child, depth)
            self._inline.append(_flat(child.tail))

    def _item(self, element: etree._Element, depth: int) -> None:
        """An item's own text on one line, then the lists and tables inside it."""
        self.flush()
        nested = [child for child in element.iterdescendants(*_LISTS, "table") if _owner(child, element)]
        parts = _texts_outside(element, set(nested))
        self.writer.item(" ".join(parts), _marker(element), max(0, depth - 1))
        for child in nested:
            self.walk(child, depth)


def _owner(child: etree._Element, item: etree._Element) -> bool:
    """Whether no other list or table stands between a nested one and its item."""
    return next(child.iterancestors(*_LISTS, "table", *_ITEMS), None) is item


def _texts_outside(element: etree._Element, excluded: set[etree._Element]) -> list[str]:
    texts = [_flat(element.text)]
    for child in element.iterchildren(etree.Element):
        if child not in excluded:
            gap = "" if child.tag in _INLINE else " "
            texts[-1] += gap + "".join(_texts_outside(child, excluded)) + gap
        texts[-1] += _flat(child.tail)
    return texts


def _marker(item: etree._Element) -> str:
    parent = item.getparent()
    if parent is not None and (parent.tag == "ol" or parent.get("rend") == "ol"):
        return f"{1 + sum(1 for _ in item.itersiblings(*_ITEMS, preceding=True))}."
    return "-"


def _text(element: etree._Element) -> str:
    return " ".join("".join(_texts_outside(element, set())).split())


def _flat(text: str | None) -> str:
    """Line breaks of the HTML source are mere blanks."""
    return " ".join(text.split("\n")) if text else ""
