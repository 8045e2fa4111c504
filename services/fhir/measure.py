"""A measure, from whichever resource its scores came; and its correction, where another one is on record already."""

from functools import cache
from typing import Any, NamedTuple

from contracts.data import InstrumentUse, Score
from contracts.events import AnyCaseEvent, MeasureCorrected, MeasureRecorded
from services.fhir.context import Context
from services.fhir.making import charted, following, made
from services.fhir.origin import Origin, Sender, origin, placed
from services.fhir.values import Moment


class Scores(NamedTuple):
    """What was scored: the instrument, and scale, value and pointer of each score."""

    instrument: str
    version: str
    values: list[tuple[str, float, str]]


def recorded(
    scores: Scores, sender: Sender, when: tuple[Moment, str], context: Context, *, amended: bool
) -> AnyCaseEvent:
    """``measure.recorded``; ``measure.corrected`` where the resource was ``amended`` after it had been recorded.

    What was never sent before is simply recorded.
    """
    whence = origin(sender, context)
    whence = whence._replace(places={**whence.places, **_places(scores, when[1])})
    content = _content(scores, sender, when[0], whence, context)
    at, written = (when[0].at, when[1]), charted(sender.resource, amended=amended)
    first = made(MeasureRecorded, content, whence, at, context, written)
    key = following(first, sender.resource, context) if amended else None
    if key is None:
        return first
    content |= {"supersedes": whence.key}
    return made(MeasureCorrected, content, placed(whence, context)._replace(key=key), at, context, written)


@cache
def instrument_use(key: str, version: str) -> InstrumentUse:
    """The version of an instrument, as events name it."""
    return InstrumentUse(key=key, version=version)


def _content(scores: Scores, sender: Sender, when: Moment, whence: Origin, context: Context) -> dict[str, Any]:
    instrument = context.catalogue[scores.instrument, scores.version]
    return {
        "measurement_ref": context.pseudonym("Observation", f"{whence.key.source}|{whence.key.id}"),
        "session_ref": sender.encounter,
        "client_ref": sender.client,
        "instrument": instrument_use(scores.instrument, scores.version),
        "timing": "after_session" if instrument.construct == "alliance" else "before_session",
        "respondent": instrument.respondents[0],
        "scores": tuple(Score(scale=scale, value=value) for scale, value, _ in scores.values),
        "occurred_on": when.day,
        "time_precision": "day" if when.day else None,
    }


def _places(scores: Scores, when: str) -> dict[str, str]:
    found = {f"/data/scores/{index}": place for index, (_, _, place) in enumerate(scores.values)}
    return found | {"/data/occurred_on": when}
