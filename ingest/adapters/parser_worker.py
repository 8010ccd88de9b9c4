"""The process in which risky formats are parsed: `python -m ingest.adapters.parser_worker FD MAX_BYTES`.

It answers requests from a pipe one by one and ends when its standard input does, so that it never
outlives the process that started it, however that one dies.
"""

import logging
import os
import resource
import sys
import threading
from multiprocessing.connection import Connection

from ingest.adapters.docx import parse_docx
from ingest.adapters.html import parse_html
from ingest.adapters.markdown import parse_markdown
from ingest.adapters.parser_messages import Failure, Request
from ingest.adapters.pdf import parse_pdf
from ingest.adapters.plain_text import parse_text
from ingest.parse import Format, ParsedDocument, parse
from rag.errors import UnreadableDocumentError

PARSERS = {
    Format.MARKDOWN: parse_markdown,
    Format.TEXT: parse_text,
    Format.HTML: parse_html,
    Format.PDF: parse_pdf,
    Format.DOCX: parse_docx,
}


_OUT_OF_MEMORY = Failure("parsing needs more memory than the limit", is_fatal=True)


def answer(request: Request) -> ParsedDocument | Failure:
    """Parse one file; every way in which it can be unreadable becomes a reason."""
    try:
        return parse(request.data, request.name, PARSERS)
    except UnreadableDocumentError as error:
        return Failure(str(error))
    except MemoryError:
        return _OUT_OF_MEMORY
    except RecursionError:
        return Failure("its elements are nested too deeply")
    except Exception as error:  # noqa: BLE001 - a library may fail in any way on a hostile file: only that file fails
        return Failure(f"the parser failed on it ({type(error).__name__}: {error})", is_fatal=True)


def main(descriptor: int, max_bytes: int) -> None:
    """Serve requests until the other end is closed."""
    logging.disable(logging.CRITICAL)  # libraries log of what they skip; the reason is told in the answer
    threading.Thread(target=_end_with_parent, daemon=True).start()
    resource.setrlimit(resource.RLIMIT_AS, (max_bytes, max_bytes))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with Connection(descriptor) as connection:
        while True:
            try:
                reply = answer(connection.recv())
            except EOFError:
                return
            except MemoryError:
                reply = _OUT_OF_MEMORY
            connection.send(reply)
            if isinstance(reply, Failure) and reply.is_fatal:
                return


def _end_with_parent() -> None:
    while os.read(0, 1):
        pass
    os._exit(1)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
