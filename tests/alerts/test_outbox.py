"""The outbox: one letter per alert, leased by one at a time, kept until it is done; and what is due when."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from services.alerts.outbox import Backlog, Link, Outbox, Queued, Written
from tests.homes import REFUSED, Home
from tests.parts import record
from tests.story import day

LETTER = Written(
    alert_ref="al_one",
    case_ref="ca_one",
    clinic="cl_north",
    therapist_ref="th_ada01",
    reason="stalled",
    recipient="ada@example.org",
    message_id="<one@mail.example.org>",
    message=b"Subject: one\r\n\r\n",
    token="Zk3vQ0mJx7Lr2WbN5tYc8A",
    created=day(0),
    expires=day(30),
)


def letters(count: int) -> list[Written]:
    """Each written a minute after the one before, about a case of its own."""
    return [
        replace(
            LETTER,
            alert_ref=f"al_{number:03d}",
            case_ref=f"ca_{number:03d}",
            token=f"token-{number}",
            created=day(0) + timedelta(minutes=number),
        )
        for number in range(count)
    ]


@pytest.fixture
def outbox(home: Home) -> Iterator[Outbox]:
    outbox = home.outbox()
    yield outbox
    outbox.close()


def leased(outbox: Outbox, alert_ref: str, now: datetime = day(0) + timedelta(hours=1)) -> Queued:
    """The letter of this alert; those before it are leased as well."""
    while (queued := outbox.lease(now, 300)) is not None:
        if queued.alert_ref == alert_ref:
            return queued
    raise AssertionError(f"{alert_ref} cannot be leased")


def test_a_letter_is_leased_with_all_that_sending_it_needs(outbox: Outbox) -> None:
    record(outbox, 7, {}, [LETTER])
    queued = outbox.lease(day(0), 300)
    assert queued is not None
    assert (queued.alert_ref, queued.case_ref, queued.clinic, queued.reason) == (
        "al_one", "ca_one", "cl_north", "stalled",
    )  # fmt: skip
    assert (queued.recipient, queued.message_id, queued.message) == (
        "ada@example.org", "<one@mail.example.org>", b"Subject: one\r\n\r\n",
    )  # fmt: skip
    assert (queued.created, queued.attempts, queued.delivered) == (day(0), 1, None)


def test_a_leased_letter_is_nobody_elses_until_the_lease_is_over(outbox: Outbox) -> None:
    record(outbox, None, {}, [LETTER])
    assert outbox.lease(day(0), 300)
    assert outbox.lease(day(0) + timedelta(seconds=299), 300) is None
    again = outbox.lease(day(0) + timedelta(seconds=300), 300)
    assert again is not None
    assert again.attempts == 2
    assert again.message == LETTER.message


def test_the_letter_that_waits_longest_goes_first(outbox: Outbox) -> None:
    record(outbox, None, {}, list(reversed(letters(3))))
    found = [outbox.lease(day(1), 300) for _ in range(4)]
    assert [queued and queued.alert_ref for queued in found] == ["al_000", "al_001", "al_002", None]


def test_what_a_killed_process_was_sending_can_be_leased_once_the_next_one_has_started(outbox: Outbox) -> None:
    record(outbox, None, {}, letters(2))
    outbox.put_off(leased(outbox, "al_001", day(1)), day(2), "deferred")
    outbox.release()
    again = outbox.lease(day(1), 300)
    assert again is not None
    assert (again.alert_ref, again.attempts) == ("al_000", 2)
    assert outbox.lease(day(1), 300) is None  # a pause that was chosen goes on


def test_threads_that_lease_at_once_get_different_letters(outbox: Outbox) -> None:
    record(outbox, None, {}, letters(40))
    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(lambda _: outbox.lease(day(1), 300), range(40)))
    assert len({queued.alert_ref for queued in found if queued}) == 40


def test_a_letter_that_is_put_off_comes_back_when_its_time_has_come(outbox: Outbox) -> None:
    record(outbox, None, {}, [LETTER])
    outbox.put_off(leased(outbox, "al_one", day(0)), day(0) + timedelta(minutes=10), "deferred")
    assert outbox.lease(day(0) + timedelta(minutes=9), 300) is None
    assert outbox.lease(day(0) + timedelta(minutes=10), 300) is not None


def test_who_comes_back_after_its_lease_changes_nothing_of_the_next_ones_letter(outbox: Outbox) -> None:
    record(outbox, None, {}, [LETTER])
    late = leased(outbox, "al_one", day(0))
    assert outbox.is_ours(late)
    taken = leased(outbox, "al_one", day(1))
    assert (outbox.is_ours(late), outbox.is_ours(taken)) == (False, True)
    outbox.put_off(late, day(0), "deferred")
    outbox.gave_up(late, "recipient_refused")
    assert outbox.lease(day(1), 300) is None
    assert outbox.backlog().pending == 1


def test_a_letter_that_was_delivered_comes_back_until_the_log_says_so(outbox: Outbox) -> None:
    record(outbox, None, {}, [LETTER])
    outbox.lease(day(0), 300)
    outbox.delivered("al_one", day(0))
    again = outbox.lease(day(1), 300)
    assert again is not None
    assert again.delivered == day(0)
    outbox.sent("al_one")
    assert outbox.lease(day(2), 300) is None


@pytest.mark.parametrize("ending", ["sent", "failed"])
def test_a_letter_that_is_done_with_never_comes_back_and_its_words_are_gone(
    outbox: Outbox, home: Home, ending: str
) -> None:
    record(outbox, None, {}, [LETTER])
    queued = leased(outbox, "al_one")
    if ending == "sent":
        outbox.sent("al_one")
    else:
        outbox.gave_up(queued, "recipient_refused")
    record(outbox, None, {}, [LETTER])
    assert outbox.lease(day(9), 300) is None
    assert home.place("outbox").execute("SELECT state, message FROM letter") == [(ending, None)]


def test_an_alert_has_one_letter_and_that_letter_one_link(outbox: Outbox) -> None:
    record(outbox, None, {}, [LETTER])
    record(outbox, None, {}, [replace(LETTER, message=b"another", token="another")])
    queued = outbox.lease(day(0), 300)
    assert queued is not None
    assert queued.message == LETTER.message
    assert outbox.link("another") is None


def test_a_link_is_found_by_its_token_which_is_not_kept(outbox: Outbox, home: Home) -> None:
    record(outbox, None, {}, [LETTER])
    assert outbox.link(LETTER.token) == Link("al_one", "ca_one", "th_ada01", day(30))
    assert outbox.link(LETTER.token[:-1] + "B") is None
    [link] = home.place("outbox").execute("SELECT * FROM link")
    assert LETTER.token not in repr(link)


def test_what_is_recorded_together_holds_together_or_not_at_all(outbox: Outbox, home: Home) -> None:
    with home.stuck("outbox", "checkpoint"), pytest.raises(REFUSED):
        record(outbox, 7, {"ca_one": day(28)}, [LETTER])
    assert (outbox.positions()[0], outbox.due(0, day(99), 10), outbox.lease(day(0), 300)) == (0, [], None)
    assert outbox.link(LETTER.token) is None


def test_the_checkpoint_outlives_a_restart_and_never_goes_back(outbox: Outbox, home: Home) -> None:
    assert outbox.positions()[0] == 0
    record(outbox, 7, {}, [])
    record(outbox, 5, {}, [])
    record(outbox, None, {}, [])
    with closing(home.outbox()) as again:
        assert again.positions()[0] == 7


def test_cases_are_due_from_their_instant_on_the_longest_due_first(outbox: Outbox) -> None:
    record(outbox, None, {"ca_b": day(2), "ca_a": day(3), "ca_c": day(1.5)}, [])
    assert outbox.due(0, day(1), 10) == []
    assert outbox.due(0, day(2), 10) == ["ca_c", "ca_b"]
    assert outbox.due(0, day(9), 2) == ["ca_c", "ca_b"]


def test_a_case_is_due_once_at_the_instant_noted_last(outbox: Outbox) -> None:
    record(outbox, None, {"ca_a": day(1), "ca_b": day(1)}, [])
    record(outbox, None, {"ca_a": day(5), "ca_b": None}, [])
    assert outbox.due(0, day(4), 10) == []
    assert outbox.due(0, day(5), 10) == ["ca_a"]


def test_a_week_of_letters_counts_those_on_their_way_and_not_those_given_up(outbox: Outbox) -> None:
    record(outbox, None, {}, [*letters(3), replace(LETTER, therapist_ref="th_bob01")])
    outbox.sent("al_000")
    outbox.gave_up(leased(outbox, "al_001"), "recipient_refused")
    assert outbox.mails_since("th_ada01", day(-1)) == 2
    assert outbox.mails_since("th_ada01", day(0)) == 1  # al_000 was written at that very instant
    assert outbox.mails_since("th_bob01", day(-1)) == 1


def test_the_letters_about_a_case_are_known_by_their_alerts(outbox: Outbox) -> None:
    record(outbox, None, {}, letters(3))
    assert outbox.letters_of("ca_001") == {"al_001": day(0) + timedelta(minutes=1)}
    outbox.gave_up(leased(outbox, "al_001"), "recipient_refused")
    assert outbox.letters_of("ca_001") == {}


def test_the_backlog_is_what_waits_and_the_age_of_the_oldest(outbox: Outbox) -> None:
    assert outbox.backlog() == Backlog(0, None)
    record(outbox, None, {}, letters(3))
    outbox.sent("al_000")
    assert outbox.backlog() == Backlog(2, day(0) + timedelta(minutes=1))
