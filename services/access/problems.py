"""Refusals as problem details (RFC 9457): a closed set of kinds, and never a word of what was sent."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final, Literal, NamedTuple, TypeAlias

MEDIA_TYPE: Final = "application/problem+json"

Slug: TypeAlias = Literal[
    "address-not-allowed",
    "body-too-large",
    "batch-too-large",
    "clinic-not-allowed",
    "event-id-conflict",
    "free-text-not-allowed",
    "idempotency-key-reused",
    "identifier-required",
    "insufficient-scope",
    "internal",
    "invalid-key",
    "invalid-token",
    "issuer-unavailable",
    "malformed-json",
    "method-not-allowed",
    "not-found",
    "precondition-failed",
    "precondition-required",
    "projection-behind",
    "quota-exceeded",
    "request-in-progress",
    "request-refused",
    "scale-not-listed",
    "score-mismatch",
    "score-out-of-range",
    "source-not-allowed",
    "statement-too-long",
    "storage-unavailable",
    "temporary-reduced-capacity",
    "time-out-of-range",
    "token-expired",
    "unknown-event-type",
    "unknown-instrument",
    "unsupported-media-type",
    "validation",
]
"""Names the kind of a problem in its ``type``, in metrics and in ``contracts/problems/<slug>.md``."""


class Kind(NamedTuple):
    """What every problem of one slug has in common; ``retryable``: the same request may succeed later, unchanged."""

    status: int
    title: str
    retryable: bool = False
    type: str | None = None
    """Where the kind is registered with IANA; else it is ours."""


KINDS: Final[Mapping[Slug, Kind]] = MappingProxyType(
    {
        "address-not-allowed": Kind(422, "The address is not one that may be called"),
        "body-too-large": Kind(413, "The body is too large"),
        "batch-too-large": Kind(413, "The batch holds too many events"),
        "clinic-not-allowed": Kind(403, "The credential may not speak for this clinic"),
        "event-id-conflict": Kind(409, "Another event has this source and id"),
        "free-text-not-allowed": Kind(422, "Free text is accepted in a statement only"),
        "idempotency-key-reused": Kind(422, "The idempotency key was used for another request"),
        "identifier-required": Kind(422, "The resource bears no identifier"),
        "insufficient-scope": Kind(403, "The credential lacks the scope"),
        "internal": Kind(500, "Something went wrong here", retryable=True),
        "invalid-key": Kind(401, "The API key is missing or not valid"),
        "invalid-token": Kind(401, "The token is not valid"),
        "issuer-unavailable": Kind(503, "The issuer of the token cannot be asked at the moment", retryable=True),
        "malformed-json": Kind(400, "The body is not well-formed JSON"),
        "method-not-allowed": Kind(405, "The method is not allowed here"),
        "not-found": Kind(404, "There is nothing here"),
        "precondition-failed": Kind(412, "It has changed since it was read"),
        "precondition-required": Kind(428, "The request has to say which version it changes"),
        "projection-behind": Kind(503, "The view has not come to the position that was asked for", retryable=True),
        "quota-exceeded": Kind(
            429,
            "More events than the quota allows",
            retryable=True,
            type="https://iana.org/assignments/http-problem-types#quota-exceeded",
        ),
        "request-in-progress": Kind(409, "The same request is still being worked on", retryable=True),
        "request-refused": Kind(400, "The request cannot be answered"),
        "scale-not-listed": Kind(422, "The instrument has no such scale"),
        "score-mismatch": Kind(422, "The total is not the sum of the items"),
        "score-out-of-range": Kind(422, "A score lies outside its scale"),
        "source-not-allowed": Kind(403, "The credential may not speak for this source"),
        "statement-too-long": Kind(422, "The statement is too long"),
        "storage-unavailable": Kind(503, "The event log cannot be written at the moment", retryable=True),
        "temporary-reduced-capacity": Kind(503, "Too many events are waiting", retryable=True),
        "time-out-of-range": Kind(422, "A time lies outside what is accepted"),
        "token-expired": Kind(401, "The token has expired"),
        "unknown-event-type": Kind(422, "The event type is not accepted"),
        "unknown-instrument": Kind(422, "The instrument is not listed"),
        "unsupported-media-type": Kind(415, "The media type is not supported"),
        "validation": Kind(422, "The content does not fit its schema"),
    }
)


class Fault(NamedTuple):
    """Where and why: a JSON Pointer (RFC 6901) into what was sent, built of our names only, and a stable code."""

    pointer: str
    code: str


@dataclass(frozen=True, slots=True)
class Problem:
    """One refusal. ``detail`` is ours, and constant for its cause; ``instance`` names an entry of the server's log."""

    status: int
    slug: Slug
    title: str
    detail: str | None = None
    errors: tuple[Fault, ...] = ()
    retryable: bool = False
    headers: Mapping[str, str] = field(default_factory=dict)
    instance: str | None = None
    members: Mapping[str, object] = field(default_factory=dict)
    """What this kind has beside those of all problems (RFC 9457, section 3.2)."""

    def document(self) -> dict[str, object]:
        """The members of the problem document; ``type`` is relative to the service's root (RFC 9457, section 3.1.1)."""
        members: dict[str, object] = {
            "type": KINDS[self.slug].type or f"/v1/problems/{self.slug}",
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
            "instance": self.instance,
            "errors": [fault._asdict() for fault in self.errors],
            **self.members,
        }
        return {name: value for name, value in members.items() if value} | {"retryable": self.retryable}

    def body(self) -> bytes:
        return json.dumps(self.document(), separators=(",", ":")).encode()


def problem(
    slug: Slug,
    *errors: Fault,
    detail: str | None = None,
    headers: Mapping[str, str] | None = None,
    instance: str | None = None,
    status: int | None = None,
    members: Mapping[str, object] | None = None,
) -> Problem:
    """The problem of kind ``slug``; a retryable one says in ``Retry-After`` (seconds) when to come back."""
    kind = KINDS[slug]
    wait = {"Retry-After": "1"} if kind.status == 503 else {}
    return Problem(
        status=status or kind.status,
        slug=slug,
        title=kind.title,
        detail=detail,
        errors=errors,
        retryable=kind.retryable,
        headers=wait | dict(headers or {}),
        instance=instance,
        members=members or {},
    )


class Refused(Exception):  # an answer, not a defect
    """What was asked for is refused for the reason that ``problem`` gives."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.slug)
        self.problem = problem


def combined(found: Iterable[tuple[Slug, Fault]]) -> Problem:
    """One problem for all faults of one body: of their common kind where they agree, else ``validation``."""
    pairs = list(dict.fromkeys(found))
    slugs = {slug for slug, _ in pairs}
    return problem(slugs.pop() if len(slugs) == 1 else "validation", *(fault for _, fault in pairs))
