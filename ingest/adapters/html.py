"""HTML pages: the main content by trafilatura, headings, lists and tables kept."""

import re

import trafilatura
from lxml import etree, html

from ingest.adapters.encodings import decode
from ingest.adapters.html_blocks import rendered
from ingest.parse import Format, Layout, ParsedDocument, title_of
from rag.domain import MetadataValue
from rag.errors import UnreadableDocumentError

_CHARSET = re.compile(rb"<meta[^>]{0,200}?charset\s*=\s*[\"']?([\w.:-]+)", re.IGNORECASE)
_INVISIBLE = frozenset(
    {"script", "style", "template", "noscript", "head", "svg", "iframe", "object", "nav", "dialog", "select"}
    | {"button", "datalist"}
)
_HIDDEN = re.compile(
    r"(?:display\s*:\s*none|visibility\s*:\s*hidden|font-size\s*:\s*0(?:px|pt|em|%)?\s*(?:;|$))", re.I
)
# trafilatura is made for articles; of a page where it drops more than half of the text outside of links
# (a data sheet, a filing) all that is visible is kept instead.
_MIN_KEPT_SHARE = 0.5
# Without these and with few links a page has no navigation to drop: it is a report or an exported document.
_PAGE_FURNITURE = ("nav", "header", "footer", "aside", "form")
_MIN_LINK_SHARE = 0.15


def parse_html(data: bytes, name: str) -> ParsedDocument:
    """The visible main content; raises UnreadableDocumentError where there is none."""
    declared = _CHARSET.search(data[:4096])
    tree = _tree(decode(data, declared[1].decode("ascii", "replace") if declared else None))
    title, metadata = _stated(tree)
    is_web_page = next(tree.iter(*_PAGE_FURNITURE), None) is not None
    _remove_invisible(tree)
    text, headings = rendered(_main_content(tree, is_web_page=is_web_page))
    top = next((heading.title for heading in headings if heading.level == 1), "")
    return ParsedDocument(
        title or top or title_of(name), Format.HTML, Layout.LINES, text, headings, (), metadata
    )


def _tree(text: str) -> html.HtmlElement:
    parser = html.HTMLParser(encoding="utf-8", remove_comments=True, remove_pis=True)
    try:
        tree = html.document_fromstring(text.encode("utf-8", "replace"), parser=parser)
    except (etree.LxmlError, ValueError) as error:
        raise UnreadableDocumentError(f"the HTML cannot be read: {error}") from error
    return tree


def _stated(tree: html.HtmlElement) -> tuple[str, dict[str, MetadataValue]]:
    """The title and what the page says of its author, date and description."""
    title = " ".join((tree.findtext(".//title") or "").split())
    metadata: dict[str, MetadataValue] = {}
    names = {
        "author": "author",
        "date": "date",
        "article:published_time": "date",
        "description": "description",
    }
    for meta in tree.iter("meta"):
        key = names.get((meta.get("name") or meta.get("property") or "").lower())
        content = " ".join((meta.get("content") or "").split())
        if key and content:
            metadata.setdefault(key, content)
    return title, metadata


def _remove_invisible(tree: html.HtmlElement) -> None:
    """Drop what a reader does not see; text after a dropped element stays."""
    for element in list(tree.iter(etree.Element)):
        is_hidden = element.get("hidden") is not None or _HIDDEN.search(element.get("style") or "")
        if (element.tag in _INVISIBLE or is_hidden) and element.getparent() is not None:
            element.drop_tree()


def _main_content(tree: html.HtmlElement, *, is_web_page: bool) -> etree._Element:
    """What trafilatura takes for the main content, or all that is visible where nothing need be dropped."""
    body = tree.find("body")
    whole = tree if body is None else body
    total, links = _characters(whole), sum(_characters(link) for link in whole.iter("a"))
    if not is_web_page and links < _MIN_LINK_SHARE * total:
        return whole
    article = trafilatura.bare_extraction(
        html.fromstring(html.tostring(tree, encoding="unicode")),
        favor_recall=True,
        include_comments=False,
        include_tables=True,
    )
    content = getattr(article, "body", None)
    if content is None or _characters(content) < _MIN_KEPT_SHARE * (total - links):
        return whole
    return content


def _characters(element: etree._Element) -> int:
    return sum(len(text.strip()) for text in element.itertext())
