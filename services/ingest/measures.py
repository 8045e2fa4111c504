"""Does a measure fit its instrument: known scales, values within them, all items or none, a total that is their sum?"""

from collections.abc import Mapping
from typing import Final

from contracts.data import Score
from contracts.events import AnyEvent, MeasureCorrected, MeasureDeclined, MeasureRecorded
from contracts.instruments import Instrument, Scale
from services.access.problems import Fault, Slug

_TOLERANCE: Final = 1e-6
"""Far below the finest step of a scale, far above what adding decimal fractions in binary gets wrong."""

_MEASURES: Final = (MeasureRecorded, MeasureCorrected, MeasureDeclined)


def measure_faults(event: AnyEvent, catalogue: Mapping[tuple[str, str], Instrument]) -> list[tuple[Slug, Fault]]:
    """What is wrong with the measure that ``event`` tells of, if it tells of one."""
    if type(event) not in _MEASURES or not isinstance(event, _MEASURES):  # the latter alone is slow to say no
        return []
    use = event.data.instrument
    instrument = catalogue.get((use.key, use.version))
    if instrument is None:
        wrong = "version" if any(key == use.key for key, _ in catalogue) else "key"
        return [("unknown-instrument", Fault(f"/data/instrument/{wrong}", "enum"))]
    found: list[tuple[Slug, Fault]] = []
    if event.data.respondent not in instrument.respondents:
        found.append(("validation", Fault("/data/respondent", "enum")))
    if isinstance(event, (MeasureRecorded, MeasureCorrected)):
        found += _score_faults(event.data.scores, instrument)
    return found


def _score_faults(scores: tuple[Score, ...], instrument: Instrument) -> list[tuple[Slug, Fault]]:
    found: list[tuple[Slug, Fault]] = []
    if len(scores) == 1 and scores[0].scale == instrument.total.name and scores[0].value in instrument.total.points:
        return found  # as nearly all are
    places: dict[str, int] = {}
    for index, score in enumerate(scores):
        scale = instrument.scales.get(score.scale)
        if scale is None:
            found.append(("scale-not-listed", Fault(f"/data/scores/{index}/scale", "enum")))
        elif places.setdefault(score.scale, index) != index:
            found.append(("validation", Fault(f"/data/scores/{index}/scale", "duplicate")))
        elif not scale.minimum <= score.value <= scale.maximum:
            found.append(("score-out-of-range", Fault(f"/data/scores/{index}/value", "range")))
        elif not _on_a_step(score.value, scale):
            found.append(("score-out-of-range", Fault(f"/data/scores/{index}/value", "step")))
    return found + _sum_faults(scores, places, instrument)


def _sum_faults(
    scores: tuple[Score, ...], places: Mapping[str, int], instrument: Instrument
) -> list[tuple[Slug, Fault]]:
    total = places.get(instrument.total.name)
    items = [places[item.name] for item in instrument.items if item.name in places]
    if items and len(items) < len(instrument.items):
        return [("validation", Fault("/data/scores", "items_incomplete"))]
    if total is None:
        return [] if items or len(places) < len(scores) else [("validation", Fault("/data/scores", "total_missing"))]
    if items and abs(scores[total].value - sum(scores[item].value for item in items)) > _TOLERANCE:
        return [("score-mismatch", Fault(f"/data/scores/{total}/value", "mismatch"))]
    return []


def _on_a_step(value: float, scale: Scale) -> bool:
    if scale.step is None:
        return True
    steps = (value - scale.minimum) / scale.step
    return abs(steps - round(steps)) <= _TOLERANCE
