"""Norm sets, their back-tests and what a switch changes, as text for a terminal."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from math import inf
from typing import Final

from contracts.policies import Norms
from services.figures.backtest import Backtest, Margin
from services.figures.fitting import SHARES
from services.figures.switch import Shift, Sides
from services.projections.norms import Band, NormSet

_HEAD: Final = "  ".join(f"{share:5.0%}" for share in SHARES)


def outline(norms: NormSet) -> Iterator[str]:
    """Per kind: its intake bands, how far their sessions reach, and whether there is a growth model."""
    for kind, bands in norms.bands.items():
        growth = norms.growth.get(kind)
        told = f"growth model of {growth.n} cases" if growth else "no growth model: too few cases, or no fit"
        yield f"{kind}: {told}"
        if not bands:
            yield "  no band: too few cases"
        for edges, cells in _by_intake(bands):
            sessions = [cell.session for cell in cells]
            least = min(cell.n for cell in cells)
            missing = norms.last_session - 1 - len(sessions)
            without = f"; {missing} sessions without a band" if missing else ""
            yield f"  first score {edges}: sessions {_spans(sessions)}, at least {least} cases{without}"


def whole(norms: NormSet) -> Iterator[str]:
    """Every number of a set."""
    for kind, bands in norms.bands.items():
        yield kind
        growth = norms.growth.get(kind)
        if growth is not None:
            yield f"  growth model of {growth.n} cases: level {growth.level:.2f}, {growth.pace:.2f} per ln(session)"
            spread = (growth.level_variance, growth.covariance, growth.pace_variance, growth.error_variance)
            yield "  variances: level {:.2f}, with pace {:.2f}, pace {:.2f}, error {:.2f}".format(*spread)
        if not bands:
            yield "  no band: too few cases"
        for edges, cells in _by_intake(bands):
            yield f"  first score {edges}: gain below which so many lie"
            yield f"    session   cases  {_HEAD}"
            for cell in cells:
                last = "+" if cell.session == norms.last_session else " "
                curves = "  ".join(f"{curve:5.1f}" for curve in (cell.q10, cell.q25, cell.q50, cell.q75))
                yield f"    {cell.session:6}{last}  {cell.n:6}  {curves}"


def tested(found: Backtest, rules: Norms) -> Iterator[str]:
    """The shares of held-out scores below each curve, of cases enough to tell; what is off is marked."""
    off = found.off(rules.calibration_within, rules.smallest_cell)
    tried = False
    for name, margins in (
        ("each fold against the norms of the others", found.folds),
        ("the cases that began last against the norms of those before", found.later),
    ):
        large = [margin for margin in margins if margin.cases >= rules.smallest_cell]
        if large:
            tried = True
            yield f"back-test, {name}: share below the curves of {_HEAD}"
        for margin in large:
            shares = "  ".join(f"{share:5.1%}" for share in margin.shares)
            mark = "  off" if margin in off else ""
            yield f"  {_where(margin):46} {margin.scores:7} scores of {margin.cases:6} cases  {shares}{mark}"
    if not tried:
        yield "nothing could be tested"
        return
    verdict = f"{len(off)} are off" if off else "none is off"
    yield f"{verdict} by more than {rules.calibration_within:.0%} and more than chance makes likely"


def switched(found: Sequence[Shift], cases: Sides) -> Iterator[str]:
    """How the lower quarter moves, by band and session, and the open cases that it would move past."""
    yield "lower quarter, in points: positive where more gain is asked for than before"
    for kind, of_kind in groupby(found, key=lambda shift: shift.kind):
        yield kind
        for edges, cells in groupby(of_kind, key=lambda shift: _edges(shift.band)):
            told = ", ".join(
                f"{cell.band.session}: {'new' if cell.by is None else f'{cell.by:+.1f}'}" for cell in cells
            )
            yield f"  first score {edges}: {told}"
    yield (
        f"of {cases.cases} open cases with a band in both, {cases.newly_below} would come to lie below it"
        f" and {cases.no_longer_below} no longer; each keeps the set that it began with"
    )


def _by_intake(bands: Iterable[Band]) -> Iterator[tuple[str, list[Band]]]:
    ordered = sorted(bands, key=lambda band: (band.intake_from, band.session))
    for edges, cells in groupby(ordered, key=_edges):
        yield edges, list(cells)


def _edges(band: Band) -> str:
    if band.intake_from == -inf:
        return "any" if band.intake_below == inf else f"below {band.intake_below:g}"
    if band.intake_below == inf:
        return f"from {band.intake_from:g}"
    return f"from {band.intake_from:g} to below {band.intake_below:g}"


def _spans(sessions: Sequence[int]) -> str:
    """As ``2 to 9``, ``2 to 5, 7``."""
    spans: list[list[int]] = []
    for session in sessions:
        if spans and session == spans[-1][-1] + 1:
            spans[-1].append(session)
        else:
            spans.append([session])
    return ", ".join(f"{span[0]} to {span[-1]}" if len(span) > 1 else str(span[0]) for span in spans)


def _where(margin: Margin) -> str:
    if margin.by == "session":
        return f"{margin.kind}, session {margin.start:g}"
    band = "lowest first scores" if margin.start == -inf else f"first score from {margin.start:g}"
    return f"{margin.kind}, {band}"
