"""What another norm set would change: how far its lower quarter lies from the one before, and for whom that matters."""

from collections.abc import Iterable, Sequence
from statistics import fmean
from typing import NamedTuple

from services.projections.change import smoothed_gains
from services.projections.course import Series
from services.projections.norms import Band, NormSet, kind


class Shift(NamedTuple):
    """The lower quarter in one cell of the new set: in points, positive where more gain is asked for."""

    kind: str
    band: Band
    by: float | None
    """Mean over the known cases that begin in this band; ``None`` where the old set has no band for them."""


class Sides(NamedTuple):
    """Open cases that both sets have a band for, and how many lie below the lower quarter in only one of them."""

    cases: int
    newly_below: int
    no_longer_below: int


def shifts(old: NormSet, new: NormSet, series: Iterable[Series]) -> list[Shift]:
    """One entry for each band and session of ``new``."""
    known = list(series)
    return [
        Shift(name, band, _shift(old, band, [one for one in known if kind(one) == name]))
        for name, bands in new.bands.items()
        for band in bands
    ]


def sides(old: NormSet, new: NormSet, series: Iterable[Series]) -> Sides:
    """What becomes of ``series``, those of open cases, at their last score."""
    found = [(before, after) for one in series for before, after in _below(old, new, one)]
    return Sides(
        len(found),
        sum(after and not before for before, after in found),
        sum(before and not after for before, after in found),
    )


def _shift(old: NormSet, band: Band, series: Sequence[Series]) -> float | None:
    inside = [one for one in series if band.intake_from <= one.values[0] < band.intake_below]
    before = [found.q25 for one in inside if (found := old.band(one, band.session)) is not None]
    return round(band.q25 - fmean(before), 2) if before else None


def _below(old: NormSet, new: NormSet, series: Series) -> list[tuple[bool, bool]]:
    if len(series.points) < 2:
        return []
    gain = smoothed_gains(series.values, series.instrument.sign)[-1]
    session = series.points[-1].session
    before, after = old.band(series, session), new.band(series, session)
    return [(gain < before.q25, gain < after.q25)] if before is not None and after is not None else []
