"""Norm sets: what the network's own cases of one kind let expect, and never borrowed from elsewhere.

A kind is an instrument, its version, which is the age band, and who answers. Where too few cases are known there is no
band and no growth model, and whoever asks is told so. The gain of a band is the smoothed one of
services/projections/change.py. How sets are fitted: services/figures/fitting.py.
"""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from math import inf

from contracts.events import NORMS_SOURCE, NormsAdopted
from contracts.norms import Curves, GrowthModel, KindNorms, NormsAdoptedData
from contracts.policies import Policy
from services.projections.course import Series
from services.projections.growth import Growth


@dataclass(frozen=True, slots=True)
class Band:
    """Quantiles of gain among ``n`` cases of one intake band at one session; in points, positive is better."""

    intake_from: float
    intake_below: float
    session: int
    n: int
    q10: float
    q25: float
    q50: float
    q75: float


@dataclass(frozen=True)
class NormSet:
    """Bands and growth models by kind. ``version`` is a digest of the content."""

    version: str
    effective_from: datetime
    last_session: int
    bands: dict[str, tuple[Band, ...]]
    growth: dict[str, Growth] = field(default_factory=dict)

    @property
    def is_empty(self) -> bool:
        """Whether it says nothing about any case."""
        return not self.growth and not any(self.bands.values())

    def growth_of(self, series: Series) -> Growth | None:
        """The growth model of such series; ``None`` where too few cases are known."""
        return self.growth.get(kind(series))

    def band(self, series: Series, session: int) -> Band | None:
        """The band for the case's first score at ``session``; ``None`` where too few cases are known."""
        cells = self._cells.get((kind(series), min(session, self.last_session)))
        if cells is None:
            return None
        starts, bands = cells
        intake = series.values[0]
        place = bisect_right(starts, intake) - 1
        return bands[place] if place >= 0 and intake < bands[place].intake_below else None

    @cached_property
    def _cells(self) -> dict[tuple[str, int], tuple[list[float], list[Band]]]:
        """The bands of a kind at a session, the lowest intake first, and where each starts."""
        found: dict[tuple[str, int], list[Band]] = defaultdict(list)
        for name, bands in self.bands.items():
            for band in bands:
                found[name, band.session].append(band)
        return {
            cell: ([band.intake_from for band in ordered], ordered)
            for cell, bands in found.items()
            for ordered in [sorted(bands, key=lambda band: band.intake_from)]
        }


def norm_set(data: NormsAdoptedData) -> NormSet:
    """The norm set that the log has so; the opposite of ``adopted``."""
    bands, growth = {}, {}
    for one in data.kinds:
        name = f"{one.instrument}/{one.version}/{one.respondent}"
        bands[name] = tuple(
            Band(
                -inf if curves.intake_from is None else curves.intake_from,
                inf if curves.intake_below is None else curves.intake_below,
                *cell,
            )
            for curves in one.bands
            for cell in zip(curves.sessions, curves.cases, curves.q10, curves.q25, curves.q50, curves.q75, strict=True)
        )
        if one.growth is not None:
            model = one.growth
            spread = (model.level_variance, model.covariance, model.pace_variance, model.error_variance)
            growth[name] = Growth(model.cases, model.level, model.pace, *spread)
    return NormSet(data.version, data.effective_from, data.last_session, bands, growth)


def adopted(norms: NormSet, policy: Policy, now: datetime) -> NormsAdopted:
    """``norms``, fitted under ``policy``, as the log keeps them; it takes a version once."""
    data = NormsAdoptedData(
        version=norms.version,
        effective_from=norms.effective_from,
        last_session=norms.last_session,
        policy=policy.key,
        policy_version=policy.version,
        kinds=tuple(_kind_norms(name, bands, norms.growth.get(name)) for name, bands in norms.bands.items()),
    )
    return NormsAdopted(source=NORMS_SOURCE, id=f"norms.{norms.version}", subject="network", time=now, data=data)


def _kind_norms(name: str, bands: Iterable[Band], growth: Growth | None) -> KindNorms:
    instrument, version, respondent = name.split("/")
    by_intake: dict[tuple[float, float], list[Band]] = defaultdict(list)
    for band in bands:
        by_intake[band.intake_from, band.intake_below].append(band)
    return KindNorms.model_validate(
        {
            "instrument": instrument,
            "version": version,
            "respondent": respondent,
            "bands": tuple(_curves(*edges, cells) for edges, cells in by_intake.items()),
            "growth": growth
            and GrowthModel(
                cases=growth.n,
                level=growth.level,
                pace=growth.pace,
                level_variance=growth.level_variance,
                covariance=growth.covariance,
                pace_variance=growth.pace_variance,
                error_variance=growth.error_variance,
            ),
        }
    )


def _curves(intake_from: float, intake_below: float, cells: Iterable[Band]) -> Curves:
    rows = [(one.session, one.n, one.q10, one.q25, one.q50, one.q75) for one in cells]
    sessions, cases, q10, q25, q50, q75 = zip(*rows, strict=True)
    return Curves(
        intake_from=None if intake_from == -inf else intake_from,
        intake_below=None if intake_below == inf else intake_below,
        sessions=sessions,
        cases=cases,
        q10=q10,
        q25=q25,
        q50=q50,
        q75=q75,
    )


def kind(series: Series) -> str:
    return f"{series.instrument.key}/{series.instrument.version}/{series.respondent}"


def in_force(norm_sets: Iterable[NormSet], start: datetime) -> NormSet | None:
    """The norm set that a case beginning at ``start`` keeps: the latest in force by then."""
    known = [one for one in norm_sets if one.effective_from <= start]
    return max(known, key=lambda one: (one.effective_from, one.version), default=None)
