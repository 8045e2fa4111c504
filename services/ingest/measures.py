"""Does a measure fit its instrument: known scales, values within them, all items or none, a total that is their sum?"""

from collections.abc import Iterator, Mapping
from typing import Final

from contracts.data import Score
from contracts.events import AnyEvent, MeasureCorrected, MeasureDeclined, MeasureRecorded
from contracts.instruments import Instrument, Scale
from services.access.problems import Fault, Slug

_TOLERANCE: Final = 1e-6
"""Far below the finest step of a scale, far above what adding decimal fractions in binary gets wrong."""


def measure_faults(event: AnyEvent, catalogue: Mapping[tuple[str, str], Instrument]) -> Iterator[tuple[Slug, Fault]]:
    """What is wrong with the measure that ``event`` tells of, if it tells of one."""
    if not isinstance(event, MeasureRecorded | MeasureCorrected | MeasureDeclined):
        return
    use = event.data.instrument
    instrument = catalogue.get((use.key, use.version))
    if instrument is None:
        wrong = "version" if any(key == use.key for key, _ in catalogue) else "key"
        yield "unknown-instrument", Fault(f"/data/instrument/{wrong}", "enum")
        return
    if event.data.respondent not in instrument.respondents:
        yield "validation", Fault("/data/respondent", "enum")
    if not isinstance(event, MeasureDeclined):
        yield from _score_faults(event.data.scores, instrument)


def _score_faults(scores: tuple[Score, ...], instrument: Instrument) -> Iterator[tuple[Slug, Fault]]:
    scales = {scale.name: scale for scale in (instrument.total, *instrument.items, *instrument.subscales)}
    places: dict[str, int] = {}
    for index, score in enumerate(scores):
        scale = scales.get(score.scale)
        if scale is None:
            yield "scale-not-listed", Fault(f"/data/scores/{index}/scale", "enum")
        elif places.setdefault(score.scale, index) != index:
            yield "validation", Fault(f"/data/scores/{index}/scale", "duplicate")
        elif not scale.minimum <= score.value <= scale.maximum:
            yield "score-out-of-range", Fault(f"/data/scores/{index}/value", "range")
        elif not _on_a_step(score.value, scale):
            yield "score-out-of-range", Fault(f"/data/scores/{index}/value", "step")
    yield from _sum_faults(scores, places, instrument)


def _sum_faults(
    scores: tuple[Score, ...], places: Mapping[str, int], instrument: Instrument
) -> Iterator[tuple[Slug, Fault]]:
    total = places.get(instrument.total.name)
    items = [places[item.name] for item in instrument.items if item.name in places]
    if items and len(items) < len(instrument.items):
        yield "validation", Fault("/data/scores", "items_incomplete")
    elif total is None and not items and len(places) == len(scores):
        yield "validation", Fault("/data/scores", "total_missing")
    elif total is not None and items:
        difference = scores[total].value - sum(scores[item].value for item in items)
        if abs(difference) > _TOLERANCE:
            yield "score-mismatch", Fault(f"/data/scores/{total}/value", "mismatch")


def _on_a_step(value: float, scale: Scale) -> bool:
    if scale.step is None:
        return True
    steps = (value - scale.minimum) / scale.step
    return abs(steps - round(steps)) <= _TOLERANCE
