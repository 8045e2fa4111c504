"""What must never get in: each body with the answer that it deserves. What could tell who a client is says canary."""

import copy
import json
from typing import Any, NamedTuple

from tests.ingest.conftest import measured, told

POLICY = {"policy": "default", "policy_version": 1}
SCORE = "/data/scores/0/value"
RENEGOTIATED = told(
    "task.renegotiated", {"task_ref": "ta_12", "initiated_by": "client", "change": "add", "trigger": "score"}
)
NORMS = told(
    "norms.adopted",
    {"version": "5f0c9b1e7a24", "effective_from": "2026-03-02T09:00:00Z", "last_session": 15, "kinds": []} | POLICY,
) | {"subject": "network", "rsnclinic": None}
RESERVED = [
    told("alert.raised", {"alert_ref": "al_12", "reason": "stalled", "therapist_ref": "th_12"} | POLICY),
    told("alert.notified", {"alert_ref": "al_12", "channel": "email", "message_id": "<canary@example.org>"}),
    told("alert.suppressed", {"alert_ref": "al_12", "why": "told_recently"}),
    told("alert.escalated", {"alert_ref": "al_12", "to": "th_12"}),
    told("alert.resolved", {"alert_ref": "al_12", "how": "by_score"}),
    NORMS,
]
HOPE = told("preference.recorded", {"kind": "theory_of_change", "domain": "hope", "aspect": "hope", "strength": 6})
MERGED = told("client.merged", {"from_ref": "c_canary", "into_ref": "c_12"}) | {"subject": "client/c_canary"}


class Hostile(NamedTuple):
    name: str
    body: bytes
    status: int
    slug: str
    pointer: str
    code: str


def _set(event: dict[str, Any], pointer: str, value: Any) -> bytes:
    """The event with ``value`` put at ``pointer``; the value ``...`` takes away what is there."""
    event = copy.deepcopy(event)
    *steps, last = pointer.removeprefix("/").split("/")
    at: Any = event
    for step in steps:
        at = at[int(step) if step.isdigit() else step]
    if value is ...:
        del at[last]
    else:
        at[int(last) if last.isdigit() else last] = value
    return json.dumps(event).encode()


def _spelt(text: str) -> bytes:
    """The event with its score spelt as ``text``."""
    return json.dumps(measured()).replace("17.4", text).encode()


def _invalid(
    name: str,
    pointer: str,
    value: Any,
    code: str,
    slug: str = "validation",
    at: str | None = None,
    event: dict[str, Any] | None = None,
) -> Hostile:
    return Hostile(name, _set(event or measured(), pointer, value), 422, slug, pointer if at is None else at, code)


def _malformed(name: str, body: bytes, code: str) -> Hostile:
    return Hostile(name, body, 400, "malformed-json", "", code)


def _scores(
    name: str, scores: dict[str, float], pointer: str, code: str, slug: str, instrument: str = "ors"
) -> Hostile:
    listed = [{"scale": scale, "value": value} for scale, value in scores.items()]
    event = measured(scores=listed, instrument={"key": instrument, "version": "adult"})
    return Hostile(name, json.dumps(event).encode(), 422, slug, pointer, code)


BROKEN_TEXT = [
    _malformed("nothing", b"", "syntax"),
    _malformed("no JSON", b"canary", "syntax"),
    _malformed("cut off", _spelt("17.4")[:-1], "syntax"),
    _malformed("more behind it", _spelt("17.4") + b"{}", "syntax"),
    _malformed("no UTF-8", _spelt("17.4").replace(b"ca_8d2fQ4", b"can\xe4ry"), "encoding"),
    _malformed("a byte order mark", b"\xef\xbb\xbf" + _spelt("17.4"), "syntax"),
    _malformed("a raw NUL", _spelt("17.4").replace(b"ms_1029", b"canary\0"), "syntax"),
    _malformed("nested 10,000 deep", _spelt("[" * 10_000 + "]" * 10_000), "depth"),
    _malformed("objects nested 10,000 deep", _spelt('{"canary":' * 5_000 + "1" + "}" * 5_000), "depth"),
]
"""A batch that holds one of these cannot be told apart into events."""

BROKEN_EVENTS = [
    _malformed("NaN", _spelt("NaN"), "not_a_number"),
    _malformed("Infinity", _spelt("Infinity"), "not_a_number"),
    _malformed("-Infinity", _spelt("-Infinity"), "not_a_number"),
    _malformed("a whole number of 5,000 digits", _spelt("9" * 5_000), "number"),
    _malformed("a name twice", _spelt('17.4, "value": 12'), "duplicate_key"),
    _malformed("an unknown name twice", _spelt('17.4, "canary": 1, "canary": 2'), "duplicate_key"),
    _malformed("a lone surrogate", _set(measured(), "/data/measurement_ref", "canary\ud800"), "unreadable"),
    _malformed("a lone surrogate as a name", _set(measured(), "/canary\ud800", 1), "unreadable"),
    _malformed("nested 500 deep", _spelt("[" * 500 + "]" * 500), "unreadable"),
]

UNFIT = [
    _invalid("no value", SCORE, ..., "missing"),
    Hostile("1e999", _spelt("1e999"), 422, "validation", SCORE, "range"),
    _invalid("true for a number", SCORE, True, "type"),
    _invalid("a number in quotation marks", SCORE, "12", "type"),
    _invalid("words for a number", SCORE, "canary", "type"),
    _invalid("null for a number", SCORE, None, "type"),
    _invalid("an unknown attribute", "/canary", 1, "unknown_property", at=""),
    _invalid("an unknown property", "/data/canary", 1, "unknown_property", at="/data"),
    _invalid("an unknown property deep down", "/data/scores/0/canary", 1, "unknown_property", at="/data/scores/0"),
    _invalid("a name of a client as a property", "/data/Canary Smith~1", 1, "unknown_property", at="/data"),
    _invalid("no id", "/id", ..., "missing"),
    _invalid("no source", "/source", ..., "missing"),
    _invalid("no type", "/type", ..., "missing"),
    _invalid("no subject", "/subject", ..., "missing"),
    _invalid("no clinic", "/rsnclinic", ..., "missing"),
    _invalid("no time", "/time", ..., "missing"),
    _invalid("no data", "/data", ..., "missing"),
    _invalid("no specversion", "/specversion", ..., "missing"),
    _invalid("another specversion", "/specversion", "0.3", "enum"),
    _invalid("a NUL in an id", "/id", "canary\0", "pattern"),
    _invalid("an id that ends in a newline", "/id", "canary\n", "pattern"),
    _invalid("an id of another script", "/id", "canary١", "pattern"),
    _invalid("a name for a reference", "/data/measurement_ref", "Canary", "pattern"),
    _invalid("a mail address for a client", "/data/client_ref", "canary@example.org", "pattern"),
    _invalid("a client as the subject of a case", "/subject", "client/c_canary", "pattern"),
    _invalid("a list for data", "/data", ["canary"], "type"),
    _invalid("an object for the scores", "/data/scores", {"canary": 1}, "type"),
    _invalid("text for a score", "/data/scores/0", "canary", "type"),
    _invalid("no scores", "/data/scores", [], "length"),
    _invalid("a time without an offset", "/time", "2026-03-02T16:05:00", "timezone_missing"),
    _invalid("a date for a time", "/time", "2026-03-02", "timezone_missing"),
    _invalid("seconds since 1970", "/time", 1_772_467_500, "type"),
    _invalid("seconds since 1970 in quotation marks", "/time", "1772467500", "date_time"),
    _invalid("30 February", "/time", "2026-02-30T10:00:00Z", "date_time"),
    _invalid("a time outside the calendar", "/time", "9999-12-31T23:59:59-14:00", "date_time"),
    _invalid("a time for a day", "/data/occurred_on", "2026-03-02T10:00:00Z", "date_time"),
    _invalid("an unknown word", "/data/timing", "canary", "enum"),
    _invalid("the wrong respondent", "/data/respondent", "teacher", "enum"),
    _invalid("a NUL in a statement", "/data/statement", "canary\0", "control_character", event=RENEGOTIATED),
    _invalid(
        "an escape sequence in a statement",
        "/data/statement",
        "\x1b[31mcanary",
        "control_character",
        event=RENEGOTIATED,
    ),
    _invalid("a time without seconds", "/time", "2026-03-02T16:05Z", "date_time"),
    _invalid("a client merged into itself", "/data/into_ref", "c_canary", "same_reference", at="/data", event=MERGED),
    _invalid("an aspect of another domain", "/data/aspect", "people", "enum", event=HOPE),
    _invalid("an empty statement", "/data/statement", "", "length", event=RENEGOTIATED),
    _invalid(
        "a statement too long", "/data/statement", "canary " * 300, "length", "statement-too-long", event=RENEGOTIATED
    ),
    _invalid("prose for a code", "/data/instrument/key", "canary felt low", "pattern", "free-text-not-allowed"),
    _invalid("prose for a word", "/data/timing", "after canary cried", "enum", "free-text-not-allowed"),
    _invalid("a note", "/data/note", "canary felt low", "unknown_property", "free-text-not-allowed", at="/data"),
    _invalid("an unknown type", "/type", "resonance.canary.seen.v1", "enum", "unknown-event-type"),
    _invalid("a number for a type", "/type", 12, "enum", "unknown-event-type"),
    _invalid("an unknown instrument", "/data/instrument/key", "canary", "enum", "unknown-instrument"),
    _invalid("an unknown version", "/data/instrument/version", "canary", "enum", "unknown-instrument"),
    _invalid("an unknown scale", "/data/scores/0/scale", "canary", "enum", "scale-not-listed"),
    _invalid("above the range", SCORE, 40.1, "range", "score-out-of-range"),
    _invalid("below the range", SCORE, -0.1, "range", "score-out-of-range"),
    _invalid("between two steps", SCORE, 17.45, "step", "score-out-of-range"),
    _invalid("more than 24 hours ahead", "/time", "2026-03-04T12:00:01Z", "in_the_future", "time-out-of-range"),
    _invalid("charted in the future", "/recordedtime", "2026-03-05T12:00:00Z", "in_the_future", "time-out-of-range"),
    _invalid("in the last century", "/time", "1989-12-31T23:59:59Z", "before_1990", "time-out-of-range"),
    _invalid("on a day to come", "/data/occurred_on", "2026-03-07", "in_the_future", "time-out-of-range"),
    _invalid(
        "on a day that its time is not part of", "/data/occurred_on", "2026-02-28", "another_day", "time-out-of-range"
    ),
    _invalid("on a day of the last century", "/data/occurred_on", "1989-12-31", "before_1990", "time-out-of-range"),
    _scores("neither total nor items", {"symptom_distress": 4}, "/data/scores", "total_missing", "validation", "oq45"),
    _scores("some items", {"individual": 4, "social": 4}, "/data/scores", "items_incomplete", "validation"),
    _scores(
        "items that do not sum to the total",
        {"individual": 4, "interpersonal": 4, "social": 4, "overall": 4, "total": 16.1},
        "/data/scores/4/value",
        "mismatch",
        "score-mismatch",
    ),
    _scores(
        "an item of the PHQ-9", {"total": 12, "item9": 3}, "/data/scores/1/scale", "enum", "scale-not-listed", "phq9"
    ),
    Hostile(
        "a scale twice",
        json.dumps(measured(scores=[{"scale": "total", "value": 4}] * 2)).encode(),
        422,
        "validation",
        "/data/scores/1/scale",
        "duplicate",
    ),
    Hostile("an array", b'["canary"]', 422, "validation", "", "type"),
    Hostile("a text", b'"canary"', 422, "validation", "", "type"),
    Hostile("null", b"null", 422, "validation", "", "type"),
    Hostile(
        "6,000 unknown properties",
        json.dumps(measured() | {f"canary{number}": 1 for number in range(3_000)}).encode(),
        422,
        "validation",
        "",
        "too_many_faults",
    ),
    *(
        _invalid(f"{event['type']} from outside", "/type", event["type"], "reserved", "unknown-event-type", event=event)
        for event in RESERVED
    ),
    *(
        Hostile(
            f"an event in the name of {source}",
            _set(measured(), "/source", source),
            403,
            "source-not-allowed",
            "/source",
            "not_allowed",
        )
        for source in ("urn:resonance:alerts", "urn:resonance:norms")
    ),
]

HOSTILE = BROKEN_TEXT + BROKEN_EVENTS + UNFIT
