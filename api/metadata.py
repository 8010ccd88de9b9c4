"""The metadata of an upload: a JSON object becomes values that filters can compare."""

import math

from pydantic_core import from_json

from rag.domain import Metadata, MetadataValue
from rag.errors import InvalidRequestError
from rag.filters import MAXIMUM_NUMBER
from rag.plain_text import require_plain

MAXIMUM_BYTES = 64 * 1024
MAXIMUM_FIELDS = 64
MAXIMUM_KEY = 128
MAXIMUM_TEXT = 4096
MAXIMUM_ITEMS = 256


def read_metadata(raw: str) -> Metadata:
    """The metadata in a JSON text; InvalidRequestError names the field at fault. An empty text is none."""
    if not raw.strip():
        return {}
    if len(raw) > MAXIMUM_BYTES:
        raise InvalidRequestError(f"metadata is longer than {MAXIMUM_BYTES} characters", "metadata")
    try:
        values = from_json(raw, allow_inf_nan=False)
    except ValueError as error:
        raise InvalidRequestError(f"metadata is not JSON: {error}", "metadata") from error
    if not isinstance(values, dict):
        raise InvalidRequestError('metadata must be a JSON object such as {"year": 2020}', "metadata")
    if len(values) > MAXIMUM_FIELDS:
        raise InvalidRequestError(f"metadata has over {MAXIMUM_FIELDS} fields", "metadata")
    return {_key(key): _value(value, f"metadata.{key}") for key, value in values.items()}


def _key(key: str) -> str:
    field = _text(key, "metadata", MAXIMUM_KEY)
    if not field or field.startswith("$"):
        raise InvalidRequestError(
            "a metadata field has a name that does not begin with $: filters could not name it", "metadata"
        )
    return field


def _value(value: object, where: str) -> MetadataValue:
    match value:
        case bool():
            return value
        case int() if abs(value) <= MAXIMUM_NUMBER:
            return value
        case float() if math.isfinite(value) and abs(value) <= MAXIMUM_NUMBER:
            return value
        case str():
            return _text(value, where, MAXIMUM_TEXT)
        case list() if len(value) <= MAXIMUM_ITEMS and all(isinstance(item, str) for item in value):
            return [_text(item, where, MAXIMUM_TEXT) for item in value]
    raise InvalidRequestError(
        f"{where} must be a string, a boolean, a number up to 2^53 "
        f"or a list of at most {MAXIMUM_ITEMS} strings",
        where,
    )


def _text(text: str, where: str, maximum: int) -> str:
    if len(text) > maximum:
        raise InvalidRequestError(f"{where}: a text has over {maximum} characters", where)
    try:
        return require_plain(text)
    except ValueError as error:
        raise InvalidRequestError(f"{where}: {error}", where) from error
