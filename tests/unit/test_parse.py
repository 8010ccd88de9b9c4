import io
import json
import os
import signal
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

import docx
import pytest

from ingest.adapters.parser_worker import PARSERS
from ingest.adapters.sandbox import ParserSandbox
from ingest.parse import Format, Layout, ParsedDocument, parse, recognise
from rag.errors import UnreadableDocumentError

MEBIBYTE = 1024 * 1024
DATA = Path(os.environ.get("ATTEST_DATA", "../shared/data"))


def read(data: bytes, name: str) -> ParsedDocument:
    return parse(data, name, PARSERS)


def refused(data: bytes, name: str) -> str:
    with pytest.raises(UnreadableDocumentError) as caught:
        read(data, name)
    return str(caught.value)


# A PDF written by hand: pages of lines (size in points, text), top to bottom.
def pdf(*pages: list[tuple[int, str]], trailer: str = "") -> bytes:
    objects = ["<</Type/Catalog/Pages 2 0 R>>", ""]
    kids = []
    for lines in pages:
        place, content = 760, []
        for size, text in lines:
            place -= 2 * size
            content.append(f"BT /F1 {size} Tf 72 {place} Td ({text}) Tj ET")
        stream = "\n".join(content)
        objects.append(f"<</Length {len(stream)}>>stream\n{stream}\nendstream")
        objects.append(
            f"<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Contents {len(objects)} 0 R"
            "/Resources<</Font<</F1<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>>>>>>>"
        )
        kids.append(f"{len(objects)} 0 R")
    objects[1] = f"<</Type/Pages/Count {len(kids)}/Kids[{' '.join(kids)}]>>"
    out, offsets = b"%PDF-1.4\n", []
    for number, body in enumerate(objects, start=1):
        offsets.append(len(out))
        out += f"{number} 0 obj{body}endobj\n".encode("latin-1")
    table = "".join(f"{offset:010} 00000 n \n" for offset in offsets)
    start = len(out)
    size = len(objects) + 1
    out += f"xref\n0 {size}\n0000000000 65535 f \n{table}".encode()
    return out + f"trailer<</Size {size}/Root 1 0 R{trailer}>>\nstartxref\n{start}\n%%EOF".encode("latin-1")


TWO_PAGES = pdf(
    [(18, "Torque"), (10, "Tighten the bolt to nine newton metres."), (10, "Then check it again.")],
    [(10, "The second page says no more.")],
)


def docx_bytes(document: docx.document.Document) -> bytes:
    stream = io.BytesIO()
    document.save(stream)
    return stream.getvalue()


def with_part(data: bytes, name: str, content: bytes) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as new:
        for member in old.infolist():
            new.writestr(member, content if member.filename == name else old.read(member))
    return stream.getvalue()


# Recognising formats


def test_content_counts_before_the_suffix() -> None:
    assert recognise(b"junk\n%PDF-1.4", "a.txt") is Format.PDF
    assert recognise(docx_bytes(docx.Document()), "a.pdf") is Format.DOCX
    assert recognise(b"<!-- x --> <!DOCTYPE html><p>", "page") is Format.HTML
    assert recognise(b"plain", "README") is Format.TEXT
    assert recognise(b"# A", "deep/folder/A.MD") is Format.MARKDOWN


def test_unsupported_types_are_refused_with_the_supported_ones_named() -> None:
    workbook = io.BytesIO()
    with zipfile.ZipFile(workbook, "w") as archive:
        archive.writestr("xl/workbook.xml", "<a/>")
    assert "files of type .eml are not supported; supported are PDF" in refused(b"x", "a.eml")
    assert "an Excel workbook" in refused(workbook.getvalue(), "a.docx")
    assert "old Office files" in refused(bytes.fromhex("d0cf11e0a1b11ae1"), "a.doc")
    locked = bytes.fromhex("d0cf11e0a1b11ae1") + "EncryptedPackage".encode("utf-16-le")
    assert "protected by a password" in refused(locked, "a.docx")
    assert "may be damaged" in refused(b"not a pdf", "a.pdf")
    assert "damaged archive" in refused(b"PK\x03\x04 cut", "a.docx")


@pytest.mark.parametrize("name", ["a.md", "a.txt", "a.html", "a.pdf", "a.docx"])
def test_an_empty_file_is_refused(name: str) -> None:
    assert refused(b"", name) == "the file is empty"


@pytest.mark.parametrize(
    ("data", "name"),
    [(b" \n\n", "a.md"), (b"\n", "a.txt"), (b"<html><script>x</script></html>", "a.html")],
)
def test_a_file_without_text_is_refused(data: bytes, name: str) -> None:
    assert "no text" in refused(data, name)


# Plain text


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32", "gb18030", "gbk", "big5hkscs"]
)
def test_chinese_text_is_read_in_its_encodings(encoding: str) -> None:
    text = "合同是民事主體之間的協議。本法是為了人民的利益，在中國有效。" * 3
    text = (
        text
        if encoding == "big5hkscs"
        else "合同是民事主体之间设立的协议。本法在中国有效，为了人民的利益。" * 3
    )
    assert read(text.encode(encoding), "a.txt").text == text


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("日本語のテキストです。これはシフトJISで書かれています。", "shift-jis"),
        ("Les résumés des élèves français sont très détaillés à Noël.", "latin-1"),
        ("The quick “brown” fox – naïve café.", "cp1252"),
        ("A line in UTF-16 without a mark.\n", "utf-16-le"),
        ("A line in UTF-16 without a mark.\n", "utf-16-be"),
    ],
)
def test_other_encodings_are_told_by_their_content(text: str, encoding: str) -> None:
    assert read(text.encode(encoding), "a.txt").text == text


def test_binary_data_is_no_text() -> None:
    assert "binary" in refused(b"\x7fELF\x00\x00\x01\xff\xfe\x00" + bytes(range(256)), "a.txt")


def test_the_text_of_a_text_file_is_the_decoded_file() -> None:
    document = read(b"one\r\n  two \r\n", "folder/My notes.txt")
    assert (document.text, document.title, document.layout) == (
        "one\r\n  two \r\n",
        "My notes",
        Layout.WRAPPED,
    )


# Markdown

MARKDOWN = """---
title: "Bolts: a guide"
tags: [m8, steel]
authors:
  - Ann
  - 李明
version: 1.10
---
# Bolts

```sh
# no heading
```

Nuts `M8`
---------

<!-- # no heading -->
### [Torque](t.md) **table** ###
"""


def test_markdown_headings_are_found_outside_of_code_and_comments() -> None:
    document = read(MARKDOWN.encode(), "a.md")
    assert [(heading.level, heading.title) for heading in document.headings] == [
        (1, "Bolts"),
        (2, "Nuts M8"),
        (3, "Torque table"),
    ]
    assert document.text == MARKDOWN
    assert document.text[document.headings[0].start : document.headings[0].end] == "# Bolts"


def test_front_matter_is_metadata_and_its_values_stay_text() -> None:
    document = read(MARKDOWN.encode(), "a.md")
    assert document.title == "Bolts: a guide"
    assert document.metadata == {"tags": ["m8", "steel"], "authors": ["Ann", "李明"], "version": "1.10"}


def test_a_markdown_file_without_front_matter_is_named_by_its_top_heading_or_its_name() -> None:
    assert read("# 合同法\n".encode(), "a.md").title == "合同法"
    assert read(b"text", "folder/guide.md").title == "guide"


# HTML


def test_html_keeps_headings_lists_tables_and_code() -> None:
    page = """<html><head><title>T &amp; x</title><meta charset="gb2312"></head><body><h1>标题</h1>
    <p>段落<b>粗</b>体。<br>第二行</p><ul><li>a<ul><li>b</li></ul></li></ul><ol><li>x<li>y</ol>
    <table><tr><th>A<th>B</tr><tr><td>1<td></tr></table><pre>def f():\n    return 1</pre></body></html>"""
    document = read(page.encode("gb2312"), "a.html")
    assert document.title == "T & x"
    assert [(heading.level, heading.title) for heading in document.headings] == [(1, "标题")]
    assert document.text.split("\n") == [
        "标题",
        "",
        "段落粗体。",
        "第二行",
        "",
        "- a",
        "  - b",
        "1. x",
        "2. y",
        "A | B",
        "1 | ",
        "",
        "def f():",
        "    return 1",
    ]


def test_hidden_html_is_not_read() -> None:
    page = """<html><body><p>Visible.</p><p style="color:red; display: none">hidden one</p>
    <div hidden>hidden two</div><script>hidden()</script><template>hidden</template><!-- hidden -->"""
    assert read(page.encode(), "a.html").text == "Visible."


def test_navigation_is_left_out_of_a_web_page() -> None:
    links = "".join(f"<li><a href='/{n}'>Menu entry {n}</a></li>" for n in range(30))
    story = "".join(
        f"<p>Sentence {n} of the article tells a reader about bolts and nuts.</p>" for n in range(20)
    )
    page = f"<html><body><nav><ul>{links}</ul></nav><article><h1>Bolts</h1>{story}</article></body></html>"
    text = read(page.encode(), "a.html").text
    assert "Menu entry" not in text
    assert all(f"Sentence {n} of" in text for n in range(20))


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8-sig", "cp1252"])
def test_html_is_read_in_other_encodings(encoding: str) -> None:
    page = f"<html><head><meta charset='{encoding}'></head><body><p>naïve café – prix</p></body></html>"
    assert read(page.encode(encoding), "a.html").text == "naïve café – prix"


# PDF


def test_pdf_pages_and_headings_point_into_the_text() -> None:
    document = read(TWO_PAGES, "a.pdf")
    assert [page.number for page in document.pages] == [1, 2]
    first, second = (document.text[page.start : page.end] for page in document.pages)
    assert " ".join(first.split()) == "Torque Tighten the bolt to nine newton metres. Then check it again."
    assert second.strip() == "The second page says no more."
    assert [heading.title for heading in document.headings] == ["Torque"]
    assert document.title == "Torque"


def test_a_pdf_without_a_text_layer_is_refused() -> None:
    assert refused(pdf([]), "a.pdf").startswith("no text layer")


def test_pages_without_text_are_counted() -> None:
    document = read(pdf([(10, "Only this page has text.")], []), "a.pdf")
    assert document.metadata["pages_without_text"] == 1


def test_a_locked_pdf_is_refused() -> None:
    key = f"/Encrypt<</Filter/Standard/V 1/R 2/P -4/O<{'41' * 32}>/U<{'42' * 32}>>>/ID[<00><00>]"
    assert "protected by a password" in refused(pdf([(10, "x")], trailer=key), "a.pdf")


def test_a_damaged_pdf_is_refused() -> None:
    assert "damaged" in refused(b"%PDF-1.4\n" + b"\x00garbage" * 50, "a.pdf")


# DOCX


def test_docx_blocks_are_in_reading_order_with_headings_lists_and_tables() -> None:
    document = docx.Document()
    document.core_properties.title = "Supply"
    document.core_properties.author = "李明"
    document.add_heading("Scope", 1)
    document.add_paragraph("It applies.")
    table = document.add_table(2, 2)
    for number, text in enumerate(["size", "torque", "M8", "9 N·m"]):
        table.cell(number // 2, number % 2).text = text
    document.add_heading("Parts", 2)
    document.add_paragraph("a bolt", style="List Bullet")
    document.add_paragraph("a nut", style="List Number")
    parsed = read(docx_bytes(document), "a.docx")
    assert parsed.text == "Scope\n\nIt applies.\n\nsize | torque\nM8 | 9 N·m\n\nParts\n\n- a bolt\n1. a nut"
    assert [(heading.level, heading.title) for heading in parsed.headings] == [(1, "Scope"), (2, "Parts")]
    assert (parsed.title, parsed.metadata["author"]) == ("Supply", "李明")


def test_deleted_text_of_a_docx_is_not_read_and_inserted_text_is() -> None:
    data = docx_bytes(docx.Document())
    namespace = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
    body = (
        f'<w:document xmlns:w="{namespace}"><w:body><w:p><w:r><w:t>pay </w:t></w:r>'
        "<w:del><w:r><w:delText>ten</w:delText></w:r></w:del><w:ins><w:r><w:t>nine</w:t></w:r></w:ins>"
        "</w:p></w:body></w:document>"
    )
    assert read(with_part(data, "word/document.xml", body.encode()), "a.docx").text == "pay nine"


def test_a_docx_bomb_is_refused_before_it_is_unpacked() -> None:
    bomb = with_part(
        docx_bytes(docx.Document()), "word/document.xml", b"<a>" + b" " * (64 * MEBIBYTE) + b"</a>"
    )
    assert len(bomb) < MEBIBYTE
    assert "unsafe" in refused(bomb, "a.docx")


def test_a_docx_that_declares_entities_is_refused() -> None:
    evil = b'<!DOCTYPE a [<!ENTITY b "ha"><!ENTITY c "&b;&b;">]><a>&c;</a>'
    assert "entities" in refused(with_part(docx_bytes(docx.Document()), "word/document.xml", evil), "a.docx")


def test_a_damaged_docx_is_refused() -> None:
    data = docx_bytes(docx.Document())
    assert "damaged" in refused(with_part(data, "word/document.xml", b"<w:document"), "a.docx")
    assert "damaged" in refused(data[: len(data) // 2], "a.docx")


# The sandbox


@pytest.fixture(scope="module")
def sandbox() -> Iterator[ParserSandbox]:
    with ParserSandbox(seconds=60, memory_bytes=2048 * MEBIBYTE) as sandbox:
        yield sandbox


def pid_of(sandbox: ParserSandbox) -> int:
    worker = sandbox._worker
    assert worker is not None
    return worker.process.pid


def test_the_sandbox_reads_what_the_parsers_read_and_keeps_its_worker(sandbox: ParserSandbox) -> None:
    assert sandbox.parse(TWO_PAGES, "a.pdf") == read(TWO_PAGES, "a.pdf")
    first = pid_of(sandbox)
    with pytest.raises(UnreadableDocumentError, match="no text layer"):
        sandbox.parse(pdf([]), "a.pdf")
    assert sandbox.parse(b"<p>x</p>", "a.html").text == "x"
    assert pid_of(sandbox) == first


def test_markdown_and_text_need_no_worker() -> None:
    with ParserSandbox(seconds=60, memory_bytes=MEBIBYTE) as sandbox:
        assert sandbox.parse(b"# A", "a.md").title == "A"
        assert sandbox._worker is None


def test_a_file_that_takes_too_long_is_failed_and_the_next_is_read(sandbox: ParserSandbox) -> None:
    hasty = ParserSandbox(seconds=0.0, memory_bytes=2048 * MEBIBYTE)
    with hasty, pytest.raises(UnreadableDocumentError, match="longer than the limit of 0 seconds"):
        hasty.parse(TWO_PAGES, "a.pdf")
    assert hasty._worker is None


def test_a_file_that_needs_too_much_memory_is_failed() -> None:
    page = b"<p>" + b"much text " * 5 * MEBIBYTE
    with ParserSandbox(seconds=60, memory_bytes=MEBIBYTE) as narrow:
        with pytest.raises(UnreadableDocumentError, match="memory"):
            narrow.parse(page, "a.html")
        assert narrow._worker is None


def test_a_file_that_crashes_the_parser_is_failed_and_the_next_is_read(sandbox: ParserSandbox) -> None:
    sandbox.parse(TWO_PAGES, "a.pdf")
    victim = pid_of(sandbox)
    os.kill(victim, signal.SIGSTOP)
    threading.Timer(0.2, os.kill, (victim, signal.SIGKILL)).start()
    with pytest.raises(UnreadableDocumentError, match="crashed \\(SIGKILL\\)"):
        sandbox.parse(TWO_PAGES, "a.pdf")
    assert sandbox.parse(TWO_PAGES, "a.pdf").title == "Torque"


def test_a_worker_that_died_idle_costs_no_file(sandbox: ParserSandbox) -> None:
    sandbox.parse(TWO_PAGES, "a.pdf")
    worker = sandbox._worker
    assert worker is not None
    worker.process.kill()
    worker.process.wait()
    assert sandbox.parse(TWO_PAGES, "a.pdf").title == "Torque"


def test_a_worker_ends_with_its_parent_however_that_dies() -> None:
    script = (
        "import sys; from ingest.adapters.sandbox import ParserSandbox\n"
        "s = ParserSandbox(60, 2**31); s.parse(b'<p>x</p>', 'a.html')\n"
        "print(s._worker.process.pid, flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        worker = int(parent.stdout.readline())
        parent.kill()
    while Path(f"/proc/{worker}").exists() and "State:\tZ" not in Path(f"/proc/{worker}/status").read_text():
        time.sleep(0.01)


@pytest.mark.parametrize(
    ("module", "unwanted"),
    [
        (
            "ingest.adapters.parser_worker",
            ["torch", "openvino", "sqlalchemy", "sentence_transformers", "faiss"],
        ),
        ("ingest.adapters.sandbox", ["torch", "trafilatura", "docx", "pypdfium2", "lxml"]),
    ],
)
def test_processes_load_no_more_than_they_need(module: str, unwanted: list[str]) -> None:
    script = f"import json, sys, {module}; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True, text=True)
    assert not set(unwanted) & set(json.loads(done.stdout))


# Real files


@pytest.mark.data
def test_every_real_file_is_read_or_refused_with_a_reason(sandbox: ParserSandbox) -> None:
    folder = DATA / "documents"
    if not folder.is_dir():
        pytest.skip("the evaluation data is not here; set ATTEST_DATA")
    reasons: dict[str, str] = {}
    for path in sorted(path for path in folder.glob("*/*") if path.is_file()):
        try:
            assert sandbox.parse(path.read_bytes(), path.name).title
        except UnreadableDocumentError as error:
            reasons[path.name] = str(error)
    assert all(reasons.values())
    assert not [reason for reason in reasons.values() if "crashed" in reason or "parser failed" in reason]
    assert reasons["O_encrypted.pdf"].startswith("the file is protected by a password")
