"""Which styles of a Word file are headings and which are numbered, inherited along their bases."""

from dataclasses import dataclass, field

from docx.oxml.ns import qn
from lxml import etree

_MAX_HEADING = 9
_MAX_BASES = 20


@dataclass(frozen=True, slots=True)
class Style:
    """What matters of a style: its heading level from 1 (0 for none), its list and depth in it."""

    heading_level: int = 0
    list_id: str = ""
    depth: int = 0


@dataclass
class Styles:
    """The paragraph styles by id, each looked up once."""

    _elements: dict[str, etree._Element] = field(default_factory=dict)
    _default: str = ""
    _known: dict[str, Style] = field(default_factory=dict)

    @classmethod
    def of(cls, root: etree._Element) -> "Styles":
        """From the root of the styles part."""
        styles = cls()
        for element in root.iterchildren(qn("w:style")):
            if element.get(qn("w:type")) == "paragraph":
                identity = element.get(qn("w:styleId"), "")
                styles._elements[identity] = element
                if element.get(qn("w:default")) in ("1", "true"):
                    styles._default = identity
        return styles

    def style_of(self, paragraph: etree._Element) -> Style:
        """The style of a paragraph, with the outline level it may state itself."""
        stated = paragraph.find(f"{qn('w:pPr')}/{qn('w:pStyle')}")
        identity = self._default if stated is None else stated.get(qn("w:val"), "")
        if identity not in self._known:
            self._known[identity] = self._resolved(identity)
        style = self._known[identity]
        own = _outline(paragraph.find(qn("w:pPr")))
        return style if own is None else Style(own, style.list_id, style.depth)

    def _resolved(self, identity: str) -> Style:
        """The first statement along the chain of bases counts, for each property."""
        level: int | None = None
        list_id: str | None = None
        depth: int | None = None
        for _ in range(_MAX_BASES):
            element = self._elements.get(identity)
            if element is None:
                break
            properties = element.find(qn("w:pPr"))
            level = _outline(properties) if level is None else level
            level = _level_by_name(element) if level is None else level
            numbers = None if properties is None else properties.find(qn("w:numPr"))
            if numbers is not None:
                list_id = _value(numbers, "w:numId") if list_id is None else list_id
                depth = int(_value(numbers, "w:ilvl") or 0) if depth is None else depth
            identity = _value(element, "w:basedOn") or ""
        return Style(level or 0, list_id or "", depth or 0)


def _outline(properties: etree._Element | None) -> int | None:
    """The heading level by outline level, which needs no name of a style in any language; 9 is body text."""
    value = None if properties is None else _value(properties, "w:outlineLvl")
    if value is None or not value.isdecimal():
        return None
    return int(value) + 1 if int(value) < _MAX_HEADING else 0


def _level_by_name(element: etree._Element) -> int | None:
    name = (_value(element, "w:name") or "").lower()
    if name == "title":
        return 1
    digits = name.removeprefix("heading ")
    return (
        int(digits) if name.startswith("heading ") and digits.isdecimal() and 0 < int(digits) <= 9 else None
    )


def _value(element: etree._Element, name: str) -> str | None:
    child = element.find(qn(name))
    return None if child is None else child.get(qn("w:val"))
