"""Bytes of unknown encoding become text."""

import codecs
import re

from charset_normalizer import from_bytes

from rag.errors import UnreadableDocumentError

# The longer mark first: UTF-32's little-endian mark starts with UTF-16's.
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
    (b"\x84\x31\x95\x33", "gb18030"),
)
_SAMPLE_BYTES = 64 * 1024
_MAX_BROKEN_SHARE = 0.01
_COMMON_CHINESE = re.compile(
    "[的一是在不了有和人这中大为上个国我以要他时来用们生到作地于出就分对成会可主发年]"
)


def decode(data: bytes, declared: str | None = None) -> str:
    """The text of `data`: by its byte order mark, as UTF-8, as `declared`, or by its statistics.

    Raises UnreadableDocumentError for binary data and for text too broken to trust.
    """
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return _tolerantly(data[len(mark) :], encoding)
    strict = _strictly(data, "utf-8")
    if strict is not None and "\x00" not in strict:
        return strict
    wide = _utf16_without_mark(data)
    if wide:
        return _tolerantly(data, wide)
    if b"\x00" in data[:_SAMPLE_BYTES]:
        raise UnreadableDocumentError("the file is binary, not text; is its suffix right?")
    if declared:
        text = _strictly(data, declared)
        if text is not None:
            return text
    return _tolerantly(data, _guessed(data))


def _strictly(data: bytes, encoding: str) -> str | None:
    try:
        return data.decode(encoding)
    except (UnicodeDecodeError, LookupError):
        return None


def _tolerantly(data: bytes, encoding: str) -> str:
    text = data.decode(encoding, errors="replace")
    broken = text.count("\ufffd")
    if broken > 1 + _MAX_BROKEN_SHARE * len(text):
        raise UnreadableDocumentError(
            f"{broken:,} characters cannot be decoded as {encoding}; save it as UTF-8"
        )
    return text


def _utf16_without_mark(data: bytes) -> str | None:
    """Which UTF-16 it is, by where the zero bytes of Latin letters and line breaks stand."""
    sample = data[:_SAMPLE_BYTES]
    even, odd = sample[0::2].count(0), sample[1::2].count(0)
    if max(even, odd) < len(sample) / 100 or min(even, odd) > max(even, odd) / 20 or len(data) % 2:
        return None
    return "utf-16-be" if even > odd else "utf-16-le"


def _guessed(data: bytes) -> str:
    """The likeliest legacy encoding; a sample suffices and keeps large files fast."""
    sample = data[:_SAMPLE_BYTES]
    # charset-normalizer takes short Chinese texts for other East Asian ones: common characters decide first.
    chinese = sample.decode("gb18030", errors="ignore")
    wide = sum(character > "\u2e7f" for character in chinese)
    if wide and len(_COMMON_CHINESE.findall(chinese)) > wide / 12 and "\ufffd" not in chinese:
        return "gb18030"
    matches = from_bytes(sample)
    best = matches.best()
    if best is None:
        return "cp1252"
    # Western and Central European pages differ in few letters: the commoner one wins a tie.
    is_tied = any(match.encoding == "cp1252" and match.chaos <= best.chaos for match in matches)
    is_tied = is_tied or "cp1252" in best.could_be_from_charset
    return "cp1252" if is_tied else best.encoding
