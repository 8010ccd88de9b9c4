"""A filter tree becomes an SQL condition with the same meaning on SQLite and PostgreSQL."""

import operator
from collections.abc import Callable, Iterator, Sequence

from sqlalchemy import ColumnElement, and_, exists, false, not_, or_, true

from rag.filters import All, Any, Comparison, Filter, Membership, Not, Scalar
from rag.store.schema import document, document_metadata

_OPERATORS: dict[str, Callable[[ColumnElement[object], Scalar], object]] = {
    "$eq": operator.eq,
    "$gt": operator.gt,
    "$gte": operator.ge,
    "$lt": operator.lt,
    "$lte": operator.le,
}


def condition_of(tree: Filter) -> ColumnElement[bool]:
    """The SQL condition on `document` rows; never NULL, so that NOT is the exact complement."""
    match tree:
        case All(conditions):
            return and_(true(), *(condition_of(condition) for condition in conditions))
        case Any(conditions):
            return or_(false(), *(condition_of(condition) for condition in conditions))
        case Not(condition):
            return not_(condition_of(condition))
        case Membership(field, values):
            return or_(false(), *_among(field, values))
        case Comparison(field, "$ne", value):
            return and_(_has(field), not_(_has(field, "$eq", value)))
        case Comparison(field, symbol, value):
            return _has(field, symbol, value)


def _among(field: str, values: Sequence[Scalar]) -> Iterator[ColumnElement[bool]]:
    """One condition for each kind of value: as many as there are values would be too deep for SQLite."""
    kinds: dict[str, list[Scalar]] = {}
    for value in values:
        kinds.setdefault(str(_column_for(value).key), []).append(value)
    for name, alike in kinds.items():
        yield exists().where(_is_field(field), document_metadata.c[name].in_(alike))


def _is_field(field: str) -> ColumnElement[bool]:
    return and_(document_metadata.c.document_id == document.c.id, document_metadata.c.key == field)


def _has(field: str, symbol: str = "", value: Scalar = "") -> ColumnElement[bool]:
    """A value of `field` exists and, with a symbol, compares so with `value` of the same kind."""
    condition = _is_field(field)
    if symbol:
        compared = _OPERATORS[symbol](_column_for(value), value)
        condition = and_(condition, compared)  # type: ignore[arg-type]  # operators of columns give conditions
    return exists().where(condition)


def _column_for(value: Scalar) -> ColumnElement[object]:
    match value:
        case bool():
            return document_metadata.c.flag
        case int() | float():
            return document_metadata.c.number
        case str():
            return document_metadata.c.text
