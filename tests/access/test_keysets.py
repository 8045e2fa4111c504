"""For how long a key set is kept, as its issuer says and within bounds of our own."""

from datetime import timedelta

import pytest

from services.access.keysets import kept_for

MINUTE = timedelta(minutes=1)


@pytest.mark.parametrize(
    "header, time",
    [
        ("", 10 * MINUTE),
        ("public", 10 * MINUTE),
        ("max-age=900", 15 * MINUTE),
        ("public, MAX-AGE=900, must-revalidate", 15 * MINUTE),
        ('max-age="900"', 15 * MINUTE),
        ("s-maxage=7, max-age=900", 15 * MINUTE),
        ("max-age=86400", 60 * MINUTE),
        ("max-age=999999999", 60 * MINUTE),
        ("max-age=99999999999999999999", 60 * MINUTE),
        ("max-age=0", MINUTE),
        ("max-age=-1", 10 * MINUTE),
        ("max-age=soon", 10 * MINUTE),
        ("no-store", MINUTE),
        ("no-cache, max-age=900", MINUTE),
    ],
)
def test_a_key_set_is_kept_as_it_says_for_a_minute_at_least_and_an_hour_at_most(header: str, time: timedelta) -> None:
    assert kept_for(header) == time
