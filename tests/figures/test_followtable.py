"""What followed renegotiations as text: counts, intervals, and what is not known."""

from dataclasses import replace

import pytest

from services.figures.comparison import Comparison, Followed, Side
from services.figures.followtable import table
from services.figures.survival import Waiting

SEEN = Comparison(
    "outcome",
    "ors/adult/client",
    1,
    Side(80, 80, {"closed": 12}, 12.44, 12.27, 0.88),
    Side(147, 285, {"renegotiated": 3, "closed": 103}, 12.56, None, 0.82),
    0.06,
    (-1.18, 1.29),
)
SMALL = Comparison("outcome", "ors/adult/client", 3, Side(7, 7, {}), Side(30, 35, {}))
FOLLOWED = Followed(446, 338, 100, 99, (SEEN, SMALL), 120, Waiting(120, 70, 21.3, (14.0, None), ()))


def test_counts_means_and_intervals_stand_in_a_table() -> None:
    assert list(table(FOLLOWED)) == [
        "446 renegotiations in 338 cases",
        "the first found 100 of these stalled; 99 have comparable cases beside them",
        (
            "from the alert about a stall to a renegotiation: 70 of 120 came to one"
            "; half within 21 days (95 % interval: 14 to not reached)"
        ),
        "outcome, ors/adult/client: cases, mean before, at and its change, in points; a positive change is better",
        "  sessions after              renegotiated                    beside   difference, 95 % interval",
        "               1      80  12.4  12.3  +0.9        147  12.6  –  +0.8         +0.1 (-1.2 to +1.3)",
        "    left out, renegotiated: 12 closed before",
        "    left out, beside: 3 renegotiated meanwhile, 103 closed before",
        "               3                         7                        30               too few cases",
        "shown beside, not because of: who was renegotiated was not drawn by lot",
    ]


@pytest.mark.parametrize(
    "waiting, told",
    [
        (None, "too few cases, 7"),
        (Waiting(9, 2, None, (5.0, None), ()), "2 of 9 came to one, fewer than half by the longest time seen"),
    ],
)
def test_a_median_that_is_not_reached_is_not_made_up(waiting: Waiting | None, told: str) -> None:
    lines = list(table(replace(FOLLOWED, alerts=waiting.n if waiting else 7, waiting=waiting)))
    assert lines[2] == f"from the alert about a stall to a renegotiation: {told}"
