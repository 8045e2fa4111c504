"""Each name that an event can bear has words on the pages, and no more names than that."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_args

import pytest

from contracts import data
from services.alerts.decide import Status
from services.pages import words


def choices(model: type[data.Closed], field: str) -> set[str]:
    """The members of a closed set, as the schema lists them."""
    found: dict[str, Any] = model.model_json_schema()["properties"][field]
    return set(found["enum"])


@pytest.mark.parametrize(
    "told, names",
    [
        (words.ALERTS, set(get_args(data.AlertReason))),
        (words.ADVICE, set(get_args(data.AlertReason))),
        (words.STANDINGS, set(get_args(Status))),
        (words.ANSWERS, choices(data.AlertAcknowledgedData, "action")),
        (words.UNTOLD, choices(data.AlertSuppressedData, "why")),
        (words.RESOLUTIONS, choices(data.AlertResolvedData, "how")),
        (words.CHANGES, choices(data.TaskRenegotiatedData, "change")),
        (words.INITIATORS, choices(data.TaskRenegotiatedData, "initiated_by")),
        (words.TRIGGERS, choices(data.TaskRenegotiatedData, "trigger")),
        (words.ENDS, choices(data.TaskEndedData, "reason") | {"drop", "replace"}),
        (words.MISSED, choices(data.SessionMissedData, "kind")),
        (words.ENDINGS, choices(data.CaseClosedData, "ending")),
        (words.DOMAINS, choices(data.PreferenceRecordedData, "domain")),
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
