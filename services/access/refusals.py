"""How routes name the problems that they answer with, for the OpenAPI document."""

from typing import Annotated, Any, Final, TypeAlias

from pydantic import BaseModel, Field

from services.access.problems import KINDS, MEDIA_TYPE, Slug

Described: TypeAlias = dict[str, Any]
"""A part of an OpenAPI document."""

_TYPE: Final = r"^(/v1/problems/|https://iana\.org/assignments/http-problem-types#)[a-z-]+$"
PROBLEMS: Final = "x-problems"
"""The slugs that an answer of this status can bear. More may come in a later release; clients branch on the status."""


class FaultDocument(BaseModel):
    """Where and why: a JSON Pointer (RFC 6901) into what was sent, and a code."""

    pointer: Annotated[str, Field(json_schema_extra={"format": "json-pointer"})]
    code: Annotated[str, Field(pattern="^[a-z0-9_]+$")]


class ProblemDocument(BaseModel):
    """RFC 9457. Branch on ``type`` and on the codes; the other texts are for people, and can change."""

    type: Annotated[str, Field(pattern=_TYPE, json_schema_extra={"format": "uri-reference"})]
    title: str
    status: Annotated[int, Field(ge=400, le=599)]
    detail: str | None = None
    instance: str | None = None
    errors: list[FaultDocument] | None = None
    retryable: bool


def refusals(*slugs: Slug) -> dict[int | str, Described]:
    """The problems that a route answers with, by status, as FastAPI's ``responses``."""
    found: dict[int | str, Described] = {}
    for slug in dict.fromkeys(slugs):
        answer = found.setdefault(KINDS[slug].status, {"description": "", PROBLEMS: []})
        answer[PROBLEMS].append(slug)
        answer["description"] = ", ".join(answer[PROBLEMS])
        answer["content"] = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/ProblemDocument"}}}
    return found
