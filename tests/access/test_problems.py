"""Problem details say what RFC 9457 asks for, and codes and pointers instead of what was sent."""

import json
import logging
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from fastapi import APIRouter, FastAPI, Query
from pydantic import BaseModel
from starlette.exceptions import HTTPException

from services.access.handlers import install
from services.access.problems import KINDS, Fault, Refused, combined, problem
from tests.parts import audit_at


class Sent(BaseModel):
    number: int


@pytest.fixture
def app(tmp_path: Path) -> FastAPI:
    app = FastAPI()
    install(app, audit_at(tmp_path / "audit.db", lambda: datetime(2026, 3, 2, tzinfo=UTC)))

    @app.get("/refused")
    def refused() -> None:
        raise Refused(problem("storage-unavailable"))

    @app.get("/defect")
    def defect() -> None:
        raise ZeroDivisionError("canary")

    @app.get("/teapot")
    def teapot() -> None:
        raise HTTPException(418, "canary")

    @app.get("/query")
    def query(number: int = Query()) -> int:
        return number

    @app.post("/body")
    def body(sent: Sent) -> Sent:
        return sent

    return app


async def ask(app: FastAPI, method: str, path: str, content: bytes = b"") -> httpx.Response:
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="https://resonance.test") as client:
        return await client.request(method, path, content=content, headers={"Content-Type": "application/json"})


@pytest.mark.parametrize(
    "method,path,content,status,slug,errors",
    [
        ("GET", "/canary", b"", 404, "not-found", None),
        ("POST", "/refused", b"", 405, "method-not-allowed", None),
        ("GET", "/refused", b"", 503, "storage-unavailable", None),
        ("GET", "/defect", b"", 500, "internal", None),
        ("GET", "/teapot", b"", 418, "request-refused", None),
        ("GET", "/query?number=canary", b"", 422, "validation", [{"pointer": "/number", "code": "int_parsing"}]),
        ("POST", "/body", b'{"number": "canary"}', 422, "validation", [{"pointer": "/number", "code": "int_parsing"}]),
        ("POST", "/body", b'{"number": NaN}', 422, "validation", [{"pointer": "/number", "code": "range"}]),
        ("POST", "/body", b"canary", 400, "malformed-json", [{"pointer": "", "code": "syntax"}]),
    ],
)
@pytest.mark.anyio
async def test_whatever_goes_wrong_is_a_problem_without_what_was_sent(
    app: FastAPI,
    method: str,
    path: str,
    content: bytes,
    status: int,
    slug: str,
    errors: object,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.ERROR)
    answer = await ask(app, method, path, content)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    document = answer.json()
    assert document["type"] == f"/v1/problems/{slug}"
    assert document["status"] == status
    assert document.get("errors") == errors
    assert document["retryable"] is (status >= 500)
    assert ("retry-after" in answer.headers) is (status == 503)
    assert "canary" not in answer.text + caplog.text


@pytest.mark.anyio
async def test_a_method_that_is_not_allowed_is_told_all_that_are_at_that_path(app: FastAPI) -> None:
    for method in ("get", "put"):
        routes = APIRouter()
        routes.add_api_route("/several/{ref}", lambda: None, methods=[method])
        app.include_router(routes)
    answer = await ask(app, "DELETE", "/several/canary")
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, PUT")


def test_a_problem_says_only_what_there_is_to_say() -> None:
    document = json.loads(problem("not-found").body())
    assert document == {
        "type": "/v1/problems/not-found", "title": "There is nothing here", "status": 404, "retryable": False
    }  # fmt: skip


def test_faults_of_one_kind_make_a_problem_of_that_kind_and_others_a_validation_problem() -> None:
    high, late = Fault("/data/scores/0/value", "range"), Fault("/time", "in_the_future")
    assert combined([("score-out-of-range", high)] * 2) == problem("score-out-of-range", high)
    mixed = combined([("score-out-of-range", high), ("time-out-of-range", late)])
    assert mixed == problem("validation", high, late)


def test_only_what_may_succeed_later_is_retryable() -> None:
    later = {slug for slug, kind in KINDS.items() if kind.status >= 500} | {"quota-exceeded", "request-in-progress"}
    assert {slug for slug, kind in KINDS.items() if kind.retryable} == later
