"""Problems as FHIR tells them: an OperationOutcome with codes of the required binding, and nothing of what was sent.

Source: FHIR R4, https://hl7.org/fhir/R4/operationoutcome.html and https://hl7.org/fhir/R4/valueset-issue-type.html
"""

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final, TypeAlias

from services.access.problems import Fault, Problem, Slug

Resource: TypeAlias = dict[str, Any]
"""A resource, or a part of one, as JSON."""

SYSTEM: Final = "urn:resonance:problem"
"""The code system of our problems: ``/v1/problems/<code>`` explains each."""
FAULTS: Final = "urn:resonance:fault"
"""The code system of what is wrong with one place: the codes of the native API's faults."""

CODES: Final[Mapping[Slug, str]] = MappingProxyType(
    {
        "address-not-allowed": "business-rule",
        "batch-too-large": "too-costly",
        "body-too-large": "too-long",
        "clinic-not-allowed": "forbidden",
        "event-id-conflict": "conflict",
        "free-text-not-allowed": "business-rule",
        "idempotency-key-reused": "business-rule",
        "identifier-required": "required",
        "insufficient-scope": "forbidden",
        "internal": "exception",
        "invalid-key": "login",
        "invalid-token": "login",
        "issuer-unavailable": "transient",
        "malformed-json": "structure",
        "method-not-allowed": "not-supported",
        "not-found": "not-found",
        "precondition-failed": "conflict",
        "precondition-required": "required",
        "projection-behind": "incomplete",
        "quota-exceeded": "throttled",
        "request-in-progress": "lock-error",
        "request-refused": "processing",
        "scale-not-listed": "code-invalid",
        "score-mismatch": "business-rule",
        "score-out-of-range": "value",
        "source-not-allowed": "forbidden",
        "statement-too-long": "too-long",
        "storage-unavailable": "no-store",
        "temporary-reduced-capacity": "throttled",
        "time-out-of-range": "value",
        "token-expired": "expired",
        "unknown-event-type": "not-supported",
        "unknown-instrument": "code-invalid",
        "unsupported-media-type": "not-supported",
        "validation": "invalid",
    }
)
"""The issue type of each problem."""

_OF_FAULTS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "duplicate": "duplicate",
        "enum": "code-invalid",
        "missing": "required",
        "not_supported": "not-supported",
        "several": "multiple-matches",
        "several_cases": "multiple-matches",
        "type": "structure",
        "unknown_property": "structure",
    }
)
"""What a fault's own code says more exactly than ``invalid`` or ``not-found`` do."""
_CHOICE: Final = re.compile(r"(value|effective)[A-Z]\w*")
"""Elements that come in several types, which JSON names with the type and FHIRPath without."""
_VAGUE: Final = frozenset({"invalid", "not-found", "conflict"})


def outcome(*problems: tuple[Problem, str]) -> Resource:
    """Problems as one resource: an issue for each place that is at fault.

    Each problem comes with the place that its pointers start from: ``Observation``, ``Bundle.entry[3].resource``, or
    nothing where it is not about a resource.
    """
    issues = [
        _issue(problem, fault, place) for problem, place in problems for fault in problem.errors or (Fault("", ""),)
    ]
    return {"resourceType": "OperationOutcome", "issue": issues}


def informational(text: str) -> Resource:
    """Nothing is wrong, and yet there is something to say: ``text`` is ours, and constant for its cause."""
    issue = {"severity": "information", "code": "informational", "details": {"text": text}}
    return {"resourceType": "OperationOutcome", "issue": [issue]}


def _issue(problem: Problem, fault: Fault, place: str) -> Resource:
    code = CODES[problem.slug]
    if code in _VAGUE:
        code = _OF_FAULTS.get(fault.code, code)
    coding = [{"system": SYSTEM, "code": problem.slug}]
    if fault.code:
        coding.append({"system": FAULTS, "code": fault.code})
    issue: Resource = {
        "severity": "fatal" if problem.status >= 500 else "error",
        "code": code,
        "details": {"coding": coding, "text": problem.title},
    }
    if problem.detail or problem.instance:
        issue["diagnostics"] = " ".join(filter(None, (problem.detail, problem.instance)))
    if place and (problem.errors or "[" in place) and problem.slug != "malformed-json":
        issue["expression"] = [expression(place, fault.pointer)]
    return issue


def expression(place: str, pointer: str) -> str:
    """The FHIRPath of a JSON Pointer below ``place``: ``/component/0/valueQuantity`` is ``….component[0].value``."""
    steps = (_CHOICE.sub(r"\1", step) for step in pointer.split("/")[1:])
    return place + "".join(f"[{step}]" if step.isdigit() else f".{step}" for step in steps)
