"""A therapist's own figures: each view in a sentence with its interval, and nothing where it would be chance."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, NamedTuple

from fastapi import APIRouter, Request, Response

from contracts.instruments import catalogue
from services.figures.figure import Figure, Measure, Slope, Split, Summary
from services.figures.survival import Waiting
from services.pages.page import READ, PageRoute, page, signed_in
from services.pages.parts import Parts
from services.pages.words import counted

NAMES: Final[Mapping[Measure, str]] = MappingProxyType(
    {
        "outcome": "Outcome against what the first score lets expect",
        "deteriorated": "Cases that ended reliably worse",
        "unplanned_endings": "Clients who left on their own, outside the functional range",
        "alliance": "Alliance",
        "early_alliance": "Alliance in the first sessions",
        "alliance_growth": "Growth of the alliance",
        "ruptures_repaired": "Ruptures of the alliance that were repaired",
        "completeness": "Sessions with an outcome score",
    }
)
_GROUPS: Final[Mapping[str, tuple[Measure, ...]]] = MappingProxyType(
    {
        "Outcome and endings": ("outcome", "deteriorated", "unplanned_endings"),
        "Alliance": ("alliance", "early_alliance", "alliance_growth", "ruptures_repaired"),
        "Measuring": ("completeness",),
    }
)
_FORMATS: Final[Mapping[Measure, tuple[str, str]]] = MappingProxyType(
    {
        "outcome": ("{:+z.1f}", " points"),
        "alliance": ("{:.1f}", " points"),
        "early_alliance": ("{:.1f}", " points"),
        "alliance_growth": ("{:+z.2f}", " points a session"),
    }
)


class Line(NamedTuple):
    name: str
    told: str


def routes(parts: Parts) -> APIRouter:
    found = APIRouter(route_class=PageRoute, include_in_schema=False)

    @found.api_route("/figures", methods=READ)
    def figures(request: Request) -> Response:
        from services.figures.summary import summary  # numpy and scipy take long to import, and most pages need neither

        visitor = signed_in(parts, request)
        return page(
            parts, "figures.html", shown(summary(parts.views, visitor.ref, parts.policy, parts.clock()), parts), visitor
        )

    return found


def shown(summary: Summary, parts: Parts) -> dict[str, object]:
    """What the template lays out."""
    rules = parts.policy.therapist
    return {
        "floor": rules.floor,
        "groups": {
            title: [
                Line(_name(one), told(one, rules.therapists))
                for measure in measures
                for one in summary.figures
                if one.measure == measure
            ]
            for title, measures in _GROUPS.items()
        },
        "renegotiation": waited(summary.alerts, summary.renegotiation),
        "relation": None if summary.alliance_and_outcome is None else related(summary.alliance_and_outcome),
    }


def told(figure: Figure, therapists: int) -> str:
    """The figure in words; ``therapists`` is how many a comparison needs."""
    n = counted(figure.n, *(("rupture", "ruptures") if figure.measure == "ruptures_repaired" else _CASES))
    if figure.standing == "not_enough_data":
        return f"Not enough data: {n}."
    if figure.standing == "few_therapists":
        return f"{n}. No comparison: fewer than {therapists} therapists of this network have any."
    if figure.estimate is None or figure.interval95 is None or figure.funnel95 is None:
        return f"{n}. No comparison: no two cases of one therapist differ in this."
    pattern, unit = _FORMATS.get(figure.measure, ("{:.0%}", ""))
    value, low, high, network, least, most = (
        pattern.format(number).replace("%", " %")
        for number in (figure.estimate, *figure.interval95, figure.network, *figure.funnel95)
    )
    verdict = "Beyond what chance explains." if figure.distinguishable else "Within what chance explains."
    early = " Early: the interval is wide." if figure.standing == "early" else ""
    return (
        f"{value}{unit} (95 % interval {low} to {high}), {n}; network {network}. {verdict}{early} "
        f"Of therapists with so many, 95 in 100 are expected between {least} and {most}."
    )


_CASES: Final = ("closed case", "closed cases")


def waited(alerts: int, found: Waiting | None) -> str:
    """The time from an alert to a renegotiation in words."""
    n = counted(alerts, "case with an alert about a stall", "cases with an alert about a stall")
    if found is None:
        return f"Not enough data: {n}."
    if found.median is None:
        return f"Fewer than half renegotiated so far: {found.events} of {n}."
    low, high = ("longer than was seen" if end is None else f"{end:.0f}" for end in found.interval)
    median = f"Half within {found.median:.0f} days (95 % interval {low} to {high})"
    return f"{median}, {n}, {found.events} of them renegotiated."


def related(split: Split) -> str:
    """The relation of alliance and outcome in the network, in words."""
    outcome, alliance = (catalogue()[name].name for name in (split.outcome, split.alliance))
    return (
        f"{counted(split.cases, *_CASES)} of {split.therapists} therapists, {alliance} in the first sessions and last "
        f"{outcome}. Between the clients of one therapist, a point more alliance went with {_points(split.within)}; "
        f"between therapists, with {_points(split.between)}. Both are relations, not causes."
    )


def _points(slope: Slope) -> str:
    low, high = slope.interval95
    return f"{slope.value:+z.2f} points of outcome (95 % interval {low:+z.2f} to {high:+z.2f})"


def _name(figure: Figure) -> str:
    if figure.instrument is None or figure.version is None:
        return NAMES[figure.measure]
    return f"{NAMES[figure.measure]} ({catalogue()[figure.instrument, figure.version].name})"
