"""docs/webhooks.md is true: the numbers that it names are those of the code."""

import re
from datetime import timedelta
from pathlib import Path
from typing import get_args

import pytest

from services import roles
from services.webhooks import deliveries, endpoints, run, schedule, signing

PAGE = " ".join((Path(__file__).parent.parent.parent / "docs" / "webhooks.md").read_text("utf-8").split())
HOURS = sum(schedule.PAUSES, timedelta()) / timedelta(hours=1)


def short(pause: timedelta) -> str:
    seconds = int(pause.total_seconds())
    unit, size = next((unit, size) for unit, size in (("h", 3600), ("min", 60), ("s", 1)) if seconds % size == 0)
    return f"{seconds // size} {unit}"


@pytest.mark.parametrize(
    "sentence",
    [
        f"at most {endpoints.MOST} endpoints",
        f"An answer has {schedule.TIMEOUT_SECONDS:.0f} seconds",
        f"{schedule.LONGEST_THROTTLE / timedelta(hours=1):.0f} hours at most",
        f"left alone for up to {schedule.LONGEST_HOLD / timedelta(minutes=1):.0f} minutes",
        f"after {', '.join(map(short, schedule.PAUSES[:-1]))} and {short(schedule.PAUSES[-1])}",
        f"{len(schedule.PAUSES) + 1} attempts over {HOURS:.1f} hours",
        f"takes nothing for {schedule.DISABLED_AFTER / timedelta(hours=1):.0f} hours",
        f"After {schedule.WAS_DOWN} failures in a row",
        f"After more than {endpoints.FARTHEST_BACK.days} days it begins anew",
        f"sent again, for {deliveries.KEPT.days} days",
        f"Of a network {run.SENDERS} endpoints are called at once, by each process of role `alerts` {roles.SENDERS}",
        f"signs for {signing.BOTH_FOR / timedelta(hours=1):.0f} hours more",
    ],
)
def test_a_number_of_the_page_is_that_of_the_code(sentence: str) -> None:
    assert sentence in PAGE


def test_a_pause_is_up_to_a_fifth_longer() -> None:
    assert schedule.JITTER == 1 / 5


def test_every_outcome_is_explained_and_no_other() -> None:
    told = re.search(r"\| answer \| outcome \|(.*?)\*\*The schedule", PAGE)
    assert told is not None
    named = set(re.findall(r"`([a-z_]+)`", told[1]))
    assert named == set(get_args(schedule.Outcome))


def test_every_status_means_what_the_page_says() -> None:
    named = {410: "gone", **dict.fromkeys((429, 502, 503, 504), "throttled")}
    expected = {status: named.get(status, "delivered" if status < 300 else "refused") for status in range(200, 600)}
    assert {status: schedule.outcome_of(status) for status in range(200, 600)} == expected
