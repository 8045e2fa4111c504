"""Problem details for everything that FastAPI and Starlette would answer in their own words."""

import logging
import uuid
from collections.abc import Mapping
from pathlib import PurePath
from typing import Any, Final

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.routing import Match
from starlette.types import Scope

from services.access.audit import Audit
from services.access.faults import faults
from services.access.problems import MEDIA_TYPE, Fault, Problem, Refused, Slug, combined, problem
from services.database.ports import Unavailable

_log = logging.getLogger(__name__)

_SLUGS: Final[dict[int, Slug]] = {
    404: "not-found",
    405: "method-not-allowed",
    413: "body-too-large",
    415: "unsupported-media-type",
}

_METHODS: Final = ("DELETE", "GET", "HEAD", "PATCH", "POST", "PUT")


def install(app: FastAPI, audit: Audit) -> None:
    """Makes every refusal and every defect of ``app`` an ``application/problem+json`` without what was sent.

    Refusals are put on ``audit``, with the credential that the route found (``request.state.credential``), if any.
    """

    async def answer(request: Request, error: Exception) -> Response:
        found = problem_of(error)
        headers = dict(found.headers)
        if "Allow" in headers:  # in the framework's answer those of one route, of several at this path
            headers["Allow"] = ", ".join(_allowed(app, request.scope))
        credential = getattr(request.state, "credential", None)
        audit.refused(credential, request.method, route_of(request.scope), found)
        return Response(found.body(), found.status, headers, MEDIA_TYPE)

    for kind in (Refused, Unavailable, RequestValidationError, HTTPException, Exception):
        app.add_exception_handler(kind, answer)


def _allowed(app: FastAPI, scope: Scope) -> list[str]:
    """The methods that the path of a request is served by (RFC 9110, section 10.2.1)."""
    return [
        method
        for method in _METHODS
        if any(route.matches({**scope, "method": method})[0] is Match.FULL for route in app.routes)
    ]


def route_of(scope: Mapping[str, Any]) -> str:
    """The template of the route that was found for a request; empty where none was."""
    return str(getattr(scope.get("route"), "path_format", ""))


def problem_of(error: Exception) -> Problem:
    """What to answer where ``error`` was raised."""
    match error:
        case Refused():
            return error.problem
        case Unavailable():
            return problem("storage-unavailable")
        case RequestValidationError():
            return _invalid(error)
        case HTTPException():
            slug = _SLUGS.get(error.status_code, "request-refused")
            return problem(slug, headers=error.headers, status=error.status_code)
        case _:
            return _unexpected(error)


def _invalid(error: RequestValidationError) -> Problem:
    errors = error.errors()
    if any(found["type"] == "json_invalid" for found in errors):
        return problem("malformed-json", Fault("", "syntax"))
    return combined(faults(errors, outer=1))  # the first step says whether it is the body, the path or the query


def _unexpected(error: Exception) -> Problem:
    """Logs where a defect arose, under the ``instance`` of the answer; never its text, which can hold what was sent."""
    instance = uuid.uuid4().urn
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    where = f"{PurePath(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}" if trace else "unknown"
    _log.error("%s at %s, %s", type(error).__name__, where, instance)
    return problem("internal", instance=instance)
