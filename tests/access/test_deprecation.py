"""What is on its way out is told in headers, with the time that is left, and never at short notice."""

import asyncio
from datetime import date

import httpx
import pytest
from fastapi import FastAPI, HTTPException, Response
from pydantic import ValidationError

from contracts.deprecations import Deprecation, deprecations
from contracts.events import EVENT_TYPES
from services.access import deprecation
from services.access.deprecation import announcing, headers_of

OLD = Deprecation(
    kind="route", name="/v1/old/{ref}", since=date(2026, 3, 1), sunset=date(2027, 3, 1), page="/v1/problems/not-found"
)
HEADERS = {
    "Deprecation": "@1772323200",
    "Sunset": "Mon, 01 Mar 2027 00:00:00 GMT",
    "Link": '</v1/problems/not-found>; rel="deprecation"',
}


def test_the_headers_are_spelt_as_their_standards_have_it() -> None:
    assert headers_of(OLD) == HEADERS


def test_nobody_is_given_less_than_a_year() -> None:
    with pytest.raises(ValidationError, match="twelve months"):
        Deprecation(kind="route", name="/v1/old", since=date(2026, 3, 1), sunset=date(2027, 2, 1), page="/x")


def test_every_event_type_that_is_on_the_list_is_one() -> None:
    assert {one.name for one in deprecations() if one.kind == "event_type"} <= set(EVENT_TYPES)


def test_every_answer_of_such_a_route_says_so_and_no_other() -> None:
    app = FastAPI()

    @app.get("/v1/old/{ref}")
    def old(ref: str) -> Response:
        if ref == "gone":
            raise HTTPException(404)
        return Response(b"", headers={"Link": '</next>; rel="next"'})

    @app.get("/v1/new")
    def new() -> Response:
        return Response(b"")

    told = announcing(app, deprecation.by_kind([OLD], "route"))

    async def asked() -> list[httpx.Response]:
        transport = httpx.ASGITransport(told)
        async with httpx.AsyncClient(transport=transport, base_url="https://resonance.test") as client:
            return [await client.get(path) for path in ("/v1/old/a", "/v1/old/gone", "/v1/new")]

    answer, refused, other = asyncio.run(asked())
    for one in (answer, refused):
        assert (one.headers["Deprecation"], one.headers["Sunset"]) == (HEADERS["Deprecation"], HEADERS["Sunset"])
    assert answer.headers.get_list("Link") == ['</next>; rel="next"', HEADERS["Link"]]
    assert not {"Deprecation", "Sunset"} & other.headers.keys()
