import pytest

from rag.errors import InvalidRequestError
from rag.filters import All, Comparison, Membership, Not, parse_filter


def test_an_empty_filter_matches_everything() -> None:
    assert parse_filter({}) == All(())


def test_a_bare_value_means_equality_and_several_operators_must_all_hold() -> None:
    tree = parse_filter({"court": "HR", "year": {"$gte": 2020, "$lt": 2022}})
    assert tree == All(
        (
            Comparison("court", "$eq", "HR"),
            All((Comparison("year", "$gte", 2020), Comparison("year", "$lt", 2022))),
        )
    )


def test_not_and_in_are_trees_of_their_own() -> None:
    tree = parse_filter({"$not": {"年": {"$in": [1, "二"]}}})
    assert tree == All((Not(All((All((Membership("年", (1, "二")),)),))),))


@pytest.mark.parametrize(
    ("raw", "named"),
    [
        ({"$nor": []}, "filters.$nor"),
        ({"year": {"$near": 3}}, "filters.year.$near"),
        ({"year": {}}, "filters.year"),
        ({"year": None}, "filters.year"),
        ({"year": [2020]}, "filters.year"),
        ({"year": {"$in": 3}}, "filters.year.$in"),
        ({"year": {"$in": "abc"}}, "filters.year.$in"),
        ({"year": float("nan")}, "filters.year"),
        ({"year": 10**30}, "filters.year"),
        ({"name": "a\x00b"}, "filters.name"),
        ({"$or": {"year": 1}}, "filters.$or"),
        ({"$or": [1]}, "filters.$or[0]"),
        ({"$and": [{"a": {"$bad": 1}}]}, "filters.$and[0].a.$bad"),
    ],
)
def test_a_malformed_filter_names_the_place(raw: dict[str, object], named: str) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        parse_filter(raw)
    assert caught.value.field == named


def test_a_filter_that_no_person_would_write_is_refused() -> None:
    deep: dict[str, object] = {"a": 1}
    for _ in range(20):
        deep = {"$not": deep}
    with pytest.raises(InvalidRequestError, match="8 levels"):
        parse_filter(deep)
    with pytest.raises(InvalidRequestError, match="64 conditions"):
        parse_filter({f"field{i}": i for i in range(100)})
    with pytest.raises(InvalidRequestError, match="1,000 values"):
        parse_filter({"a": {"$in": list(range(1001))}})
