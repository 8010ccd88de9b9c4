"""Metadata filters: JSON as a client sends it becomes a tree that the store can compile exactly.

    {"year": {"$gte": 2020}, "$or": [{"court": "HR"}, {"tags": {"$in": ["lease", "rent"]}}]}

A comparison with a field that a document lacks is false, `$ne` included; `$not` is the exact complement
of what it encloses. On a field that holds a list, a comparison holds if it holds for any element, and
`$ne` if no element is equal. Texts are ordered by code points.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from rag.errors import InvalidRequestError

Scalar: TypeAlias = str | int | float | bool

COMPARISONS = ("$eq", "$ne", "$gt", "$gte", "$lt", "$lte")
MAXIMUM_CONDITIONS = 64  # SQLite refuses expressions deeper than 1,000; no honest filter is near this
MAXIMUM_NUMBER = 2**53  # beyond it a float64 column, where numbers are kept, is not exact


@dataclass(frozen=True, slots=True)
class Comparison:
    """`field operator value`, true where any value of the field satisfies it."""

    field: str
    operator: str
    value: Scalar


@dataclass(frozen=True, slots=True)
class Membership:
    """True where any value of the field is among `values`; false for no values."""

    field: str
    values: tuple[Scalar, ...]


@dataclass(frozen=True, slots=True)
class All:
    """True where every condition is; true for none."""

    conditions: "tuple[Filter, ...]"


@dataclass(frozen=True, slots=True)
class Any:
    """True where at least one condition is; false for none."""

    conditions: "tuple[Filter, ...]"


@dataclass(frozen=True, slots=True)
class Not:
    """The exact complement."""

    condition: "Filter"


Filter: TypeAlias = Comparison | Membership | All | Any | Not


def parse_filter(raw: Mapping[str, object]) -> Filter:
    """The tree for a filter as a client sent it; an empty one matches every document."""
    tree = _parse_object(raw, "filters", depth=0)
    if _size(tree) > MAXIMUM_CONDITIONS:
        raise InvalidRequestError(f"filters has over {MAXIMUM_CONDITIONS} conditions; use $in", "filters")
    return tree


def _parse_object(raw: object, where: str, depth: int) -> Filter:
    if not isinstance(raw, Mapping):
        raise InvalidRequestError(f"{where} must be an object of field: condition", where)
    if depth > 8:
        raise InvalidRequestError(f"{where} is nested deeper than 8 levels; simplify it", where)
    return All(tuple(_parse_entry(key, value, f"{where}.{key}", depth) for key, value in raw.items()))


def _parse_entry(key: object, value: object, where: str, depth: int) -> Filter:
    match key:
        case "$and":
            return All(_parse_list(value, where, depth))
        case "$or":
            return Any(_parse_list(value, where, depth))
        case "$not":
            return Not(_parse_object(value, where, depth + 1))
        case str() if not key.startswith("$") and _is_storable(key):
            return _parse_field(key, value, where)
    raise InvalidRequestError(f"{where}: unknown operator; here may stand a field, $and, $or or $not", where)


def _parse_list(raw: object, where: str, depth: int) -> tuple[Filter, ...]:
    if not isinstance(raw, Sequence) or isinstance(raw, str):
        raise InvalidRequestError(f"{where} must be a list of filters", where)
    return tuple(_parse_object(item, f"{where}[{i}]", depth + 1) for i, item in enumerate(raw))


def _parse_field(field: str, raw: object, where: str) -> Filter:
    if not isinstance(raw, Mapping):
        return Comparison(field, "$eq", _scalar(raw, where))
    if not raw:
        raise InvalidRequestError(f"{where} is empty; write a value or an operator such as $eq", where)
    return All(tuple(_parse_operator(field, key, value, f"{where}.{key}") for key, value in raw.items()))


def _parse_operator(field: str, operator: object, value: object, where: str) -> Filter:
    if operator == "$in":
        if not isinstance(value, Sequence) or isinstance(value, str):
            raise InvalidRequestError(f"{where} must be a list of values", where)
        if len(value) > 1000:
            raise InvalidRequestError(f"{where} has over 1,000 values", where)
        return Membership(field, tuple(_scalar(item, where) for item in value))
    if operator in COMPARISONS:
        return Comparison(field, str(operator), _scalar(value, where))
    raise InvalidRequestError(f"{where}: unknown operator; use $in or one of {' '.join(COMPARISONS)}", where)


def _scalar(value: object, where: str) -> Scalar:
    if isinstance(value, str) and _is_storable(value):
        return value
    if isinstance(value, bool):
        return value
    if isinstance(value, int | float) and abs(value) <= MAXIMUM_NUMBER:
        return value
    raise InvalidRequestError(f"{where} must be a string, a boolean or a number up to 2^53", where)


def _is_storable(text: str) -> bool:
    """Whether databases take it: no NUL, and no half of a surrogate pair."""
    return "\x00" not in text and not any("\ud800" <= character <= "\udfff" for character in text)


def _size(tree: Filter) -> int:
    match tree:
        case All(conditions) | Any(conditions):
            return 1 + sum(_size(condition) for condition in conditions)
        case Not(condition):
            return 1 + _size(condition)
        case Comparison() | Membership():
            return 1
