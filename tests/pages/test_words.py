"""Each name that an event can bear has words on the pages, and no more names than that."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_args

import pytest

from contracts import agreement, alerts, data
from contracts.instruments import Theme, catalogue
from contracts.preferences import inventory
from services.alerts.decide import Moment, Route
from services.alerts.standing import SeriesStatus
from services.pages import words
from services.projections.agreement import Observation
from services.projections.course import Flag


def choices(model: type[data.Closed], field: str) -> set[str]:
    """The members of a closed set, as the schema lists them."""
    found: dict[str, Any] = model.model_json_schema()["properties"][field]
    return set(found["enum"])


def choices_or_none(model: type[data.Closed], field: str) -> set[str]:
    """The members of a closed set that may be left out."""
    found: dict[str, Any] = model.model_json_schema()["properties"][field]
    return set(found["anyOf"][0]["enum"])


@pytest.mark.parametrize(
    "told, names",
    [
        (words.ALERTS, set(get_args(data.AlertReason))),
        (words.ADVICE, set(get_args(data.AlertReason))),
        (words.STANDINGS, set(get_args(SeriesStatus)) | {"closed"}),
        (words.MOMENTS, set(get_args(Moment))),
        (words.ROUTES, set(get_args(Route))),
        (words.ANSWERS, choices(alerts.AlertAcknowledgedData, "action")),
        (words.UNTOLD, choices(alerts.AlertSuppressedData, "why")),
        (words.RESOLUTIONS, choices(alerts.AlertResolvedData, "how")),
        (words.CHANGES, choices(agreement.TaskRenegotiatedData, "change")),
        (words.INITIATORS, choices(agreement.TaskRenegotiatedData, "initiated_by")),
        (words.TRIGGERS, choices(agreement.TaskRenegotiatedData, "trigger")),
        (words.ENDS, choices(agreement.TaskEndedData, "reason") | {"drop", "replace"}),
        (words.MISSED, choices(data.SessionMissedData, "kind")),
        (words.ENDINGS, choices(data.CaseClosedData, "ending")),
        (words.DOMAINS, choices(agreement.PreferenceRecordedData, "domain")),
        (words.FLAGS, set(get_args(Flag))),
        (words.DOUBTS, set(get_args(Flag))),
        (words.THEMES, set(get_args(Theme))),
        (words.ITEMS, {item.name for item in catalogue()["srs", "adult"].items}),
        (words.ASPECTS, {aspect for aspects in agreement.ASPECTS.values() for aspect in aspects}),
        (words.ASPECTS, choices_or_none(agreement.PreferenceRecordedData, "aspect")),
        (words.REASONS, choices_or_none(agreement.TaskRenegotiatedData, "reason")),
        (words.AGREED_BY, choices(agreement.TaskAgreedData, "agreed_by")),
        (words.OBSERVATIONS, set(get_args(Observation))),
        (words.ENDS_OF_SCALES, {end for one in inventory().scales for end in (one.positive, one.negative)}),
        (words.AREAS, {item.name for item in catalogue()["ors", "adult"].items}),
    ],
)
def test_every_name_has_its_words(told: Mapping[str, str], names: set[str]) -> None:
    assert set(told) == names


def test_every_alert_has_its_place_in_the_order_of_severity() -> None:
    assert sorted(words.SEVERITY) == sorted(get_args(data.AlertReason))


def test_no_word_promises_what_cannot_be_known() -> None:
    told = Path(words.__file__).read_text("utf-8").lower()
    assert "effect" not in told
    assert "caused" not in told


@pytest.mark.parametrize(
    "numbers, told",
    [
        ([3], "session 3"),
        ([1, 2], "sessions 1 and 2"),
        ([2, 4, 5, 6, 9], "sessions 2, 4 to 6 and 9"),
        ([4, 4], "session 4"),
    ],
)
def test_sessions_are_listed_briefly(numbers: list[int], told: str) -> None:
    assert words.sessions(numbers) == told
