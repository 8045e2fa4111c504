"""Entity tags and preconditions, as RFC 9110 has them."""

import pytest
from pydantic import BaseModel

from services.access.problems import Refused
from services.access.versions import Preconditions, preconditions_required, tag_of


class Thing(BaseModel):
    name: str


A, B = tag_of(Thing(name="a")), tag_of(Thing(name="b"))


def passes(stated: Preconditions, current: str | None) -> bool:
    try:
        stated.check(current)
    except Refused:
        return False
    return True


def test_equal_content_has_an_equal_tag_and_other_content_another() -> None:
    assert tag_of(Thing(name="a")) == A != B


@pytest.mark.parametrize(
    "if_match, current, expected",
    [
        (None, A, True),
        (None, None, True),
        (A, A, True),
        (f'"x", {A} ,{B}', A, True),
        ("*", A, True),
        (B, A, False),
        (f"W/{A}", A, False),  # strong comparison
        (A, None, False),
        ("*", None, False),
        ('"*"', A, False),
        (f'"{A[1:-1]},x"', A, False),
    ],
)
def test_if_match_lets_pass_what_means_the_present_version(if_match: str | None, current: str, expected: bool) -> None:
    assert passes(Preconditions(if_match=if_match), current) is expected


@pytest.mark.parametrize(
    "if_none_match, current, expected",
    [
        ("*", None, True),
        ("*", A, False),
        (A, None, True),
        (A, A, False),
        (f"W/{A}", A, False),  # weak comparison
        (B, A, True),
    ],
)
def test_if_none_match_lets_pass_what_means_no_version_that_is_there(
    if_none_match: str, current: str, expected: bool
) -> None:
    assert passes(Preconditions(if_none_match=if_none_match), current) is expected
    if current is not None:
        assert Preconditions(if_none_match=if_none_match).has(current) is not expected


def test_both_have_to_hold() -> None:
    assert not passes(Preconditions(A, A), A)
    assert passes(Preconditions(A, B), A)


def test_where_a_version_is_asked_for_either_header_names_one() -> None:
    with pytest.raises(Refused) as refused:
        preconditions_required(Preconditions())
    assert refused.value.problem.status == 428
    for stated in (Preconditions(if_match=A), Preconditions(if_none_match="*")):
        assert preconditions_required(stated) == stated
