"""Letters leave at least once and are never lost, whatever the mail server, the log or the process itself does."""

import multiprocessing
import random
import time
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from itertools import pairwise
from multiprocessing.synchronize import Event

import pytest
from typing_extensions import override

from services.alerts.mail import LONGEST_SECONDS, Outcome, SmtpDelivery
from services.alerts.run import FIRST_PAUSE, GIVE_UP_AFTER, LONGEST_PAUSE, send_step
from services.eventlog.ports import Unavailable
from tests.alerts.smtp import Postbox, mail_server
from tests.alerts.workplace import FIVE, Workplace, several
from tests.homes import Home
from tests.story import day, stalled

LEASE = timedelta(seconds=LONGEST_SECONDS)


@pytest.fixture
def server() -> Iterator[Postbox]:
    with mail_server() as server:
        yield server


@pytest.fixture
def workplace(home: Home, server: Postbox) -> Iterator[Workplace]:
    """With a mail server, and a stalled case about which a letter is ready."""
    workplace = Workplace(home, SmtpDelivery(server.url)).hires("th_ada01")
    workplace.posts(stalled(scores=FIVE).events).decides()
    yield workplace
    workplace.closes()


def attempted(workplace: Workplace, outcome: Outcome) -> float | None:
    return workplace.registry.get_sample_value("resonance_alert_email_attempts_total", {"outcome": outcome})


def test_a_letter_goes_to_the_therapist_and_is_noted_on_the_log(workplace: Workplace, server: Postbox) -> None:
    assert send_step(workplace.office)
    assert [(sender, to) for sender, to, _ in server.taken] == [("notices@mail.example.org", ["th-ada01@example.org"])]
    assert workplace.happened("notified") == [("notified", "")]
    assert attempted(workplace, "sent") == 1
    assert not send_step(workplace.office)


@pytest.mark.parametrize("step, reply, outcome", [("RCPT", "450 busy", "deferred"), ("MAIL", "550 no", "refused_us")])
def test_a_letter_that_is_refused_for_now_is_sent_later_unchanged(
    workplace: Workplace, server: Postbox, step: str, reply: str, outcome: Outcome
) -> None:
    server.answers[step] = reply
    assert send_step(workplace.office)
    assert not send_step(workplace.office)
    server.answers.clear()
    workplace.now += FIRST_PAUSE
    assert send_step(workplace.office)
    assert len(server.taken) == 1
    assert attempted(workplace, outcome) == attempted(workplace, "sent") == 1


def test_the_pauses_grow_and_after_two_days_the_letter_is_given_up_and_that_is_noted(
    workplace: Workplace, server: Postbox
) -> None:
    server.answers["RCPT"] = "450 busy"
    began, attempts = workplace.now, []
    while workplace.now - began < GIVE_UP_AFTER + 2 * LONGEST_PAUSE:
        if send_step(workplace.office):
            attempts.append(workplace.now - began)
        workplace.now += timedelta(seconds=30)
    pauses = [later - earlier for earlier, later in pairwise(attempts)]
    assert pauses[:3] == [FIRST_PAUSE, 2 * FIRST_PAUSE, 4 * FIRST_PAUSE]
    assert max(pauses) == LONGEST_PAUSE
    assert GIVE_UP_AFTER <= attempts[-1] <= GIVE_UP_AFTER + LONGEST_PAUSE
    assert workplace.happened()[-1] == ("suppressed", "undeliverable")
    assert attempted(workplace, "deferred") == len(attempts)
    assert workplace.outbox.backlog().pending == 0


def test_letters_that_fail_together_come_back_spread(workplace: Workplace, server: Postbox) -> None:
    workplace.posts(stalled("ca_two", scores=FIVE).events, workplace.now).decides()
    server.answers["MAIL"] = "421 too much at once"
    chances = iter((0.0, 0.9))
    object.__setattr__(workplace.office, "chance", lambda: next(chances))
    assert send_step(workplace.office)
    assert send_step(workplace.office)
    server.answers.clear()
    workplace.now += FIRST_PAUSE / 2
    assert [send_step(workplace.office), send_step(workplace.office)] == [True, False]
    workplace.now += FIRST_PAUSE * 0.9
    assert send_step(workplace.office)


def test_an_address_that_is_refused_is_not_tried_again_and_that_is_noted(workplace: Workplace, server: Postbox) -> None:
    server.answers["RCPT"] = "550 5.1.1 no such user"
    assert send_step(workplace.office)
    workplace.now += timedelta(days=3)
    workplace.works()
    assert workplace.happened() == [("raised", "stalled"), ("suppressed", "undeliverable")]
    assert workplace.counted("stalled", "suppressed:undeliverable") == attempted(workplace, "recipient_refused") == 1


def test_a_letter_that_reached_nobody_does_not_hold_back_the_next_one(workplace: Workplace, server: Postbox) -> None:
    server.answers["RCPT"] = "550 5.1.1 no such user"
    workplace.works()
    server.answers.clear()
    story = stalled(scores=(*FIVE, 16, 15))
    workplace.posts(story.events).works()
    assert workplace.happened()[-2:] == [("raised", "stalled_not_renegotiated"), ("notified", "")]
    assert len(server.taken) == 1


def test_a_letter_given_up_is_logged_without_an_address(
    workplace: Workplace, server: Postbox, caplog: pytest.LogCaptureFixture
) -> None:
    server.answers["RCPT"] = "550 5.1.1 no such user th-ada01@example.org"
    send_step(workplace.office)
    [record] = [record for record in caplog.records if record.name == "services.alerts.run"]
    assert (record.levelname, vars(record)["outcome"], vars(record)["attempts"]) == ("ERROR", "recipient_refused", 1)
    assert "ada" not in str(vars(record))


def test_a_delivered_letter_is_not_sent_again_when_the_log_was_out_of_reach(
    workplace: Workplace, server: Postbox
) -> None:
    workplace.log.close()
    with pytest.raises(Unavailable):
        send_step(workplace.office)
    again = Workplace(workplace.home, SmtpDelivery(server.url))
    again.now = workplace.now + LEASE
    again.works()
    assert again.happened() == [("raised", "stalled"), ("notified", "")]
    assert len(server.taken) == 1
    again.closes()


class PowerCut(Exception):
    """Everything ends here."""


class LastAct(SmtpDelivery):
    """Delivers, and then everything ends."""

    @override
    def deliver(self, sender: str, recipient: str, message: bytes) -> Outcome:
        super().deliver(sender, recipient, message)
        raise PowerCut


def test_a_letter_whose_delivery_could_not_be_noted_is_sent_again_as_the_same_message(
    home: Home, server: Postbox
) -> None:
    workplace = Workplace(home, LastAct(server.url)).hires("th_ada01")
    workplace.posts(stalled(scores=FIVE).events).decides()
    with pytest.raises(PowerCut):
        send_step(workplace.office)
    workplace.closes()
    again = Workplace(home, SmtpDelivery(server.url))
    again.now = workplace.now + LEASE - timedelta(seconds=1)
    assert not send_step(again.office)
    again.now += timedelta(seconds=1)
    again.works()
    first, second = server.taken
    assert first == second
    assert again.happened() == [("raised", "stalled"), ("notified", "")]
    again.closes()


CASES, THERAPISTS, KILLS = 40, 10, 10


def work(home: Home, run: int, began: Event) -> None:
    """What a process does from its start until it is killed; each later start finds the leases of the last over."""
    workplace = Workplace(home)
    workplace.now = day(29) + run * LEASE
    began.set()
    workplace.works()


def test_no_letter_is_lost_and_none_has_two_identities_when_the_process_is_killed_again_and_again(
    home: Home,
) -> None:
    """At random instants: nothing may depend on which they are."""
    workplace = Workplace(home).hires(*(f"th_no{number:02d}" for number in range(THERAPISTS)))
    stories = [stalled(f"ca_no{n:02d}", f"th_no{n % THERAPISTS:02d}", scores=FIVE) for n in range(CASES)]
    workplace.posts(several(story.events for story in stories)).catches_up()
    workplace.closes()
    processes = multiprocessing.get_context("forkserver")  # a fork of a process that has threads may hang
    processes.set_forkserver_preload(["tests.alerts.workplace"])
    for run in range(KILLS):
        began = processes.Event()
        process = processes.Process(target=work, args=(home, run, began))
        process.start()
        began.wait()
        time.sleep(random.uniform(0, 0.12))
        process.kill()
        process.join()
    again = Workplace(home)
    again.now = day(29) + KILLS * LEASE
    again.works()
    assert Counter(again.happened()) == {("raised", "stalled"): CASES, ("notified", ""): CASES}
    assert len(again.mails()) == CASES  # by Message-ID: a letter that arrived twice counts once
    noted = [r.event.data.model_dump() for r in again.log.read(0, 10_000) if r.event.type.endswith("notified.v1")]
    assert {mail.message_id for mail in again.mails()} == {data["message_id"] for data in noted}
    assert again.outbox.backlog().pending == 0
    again.closes()
