"""Many who send the same at once: it is stored once, and everybody is told the same place."""

import asyncio
import json
from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx

from tests.fhir.conftest import FHIR, Door, bundle, statuses
from tests.fhir.sent import SOURCE, identifier, observation, without
from tests.running import Running


def at_once(door: Door, posts: list[tuple[str, dict[str, Any], dict[str, str]]]) -> list[httpx.Response]:
    async def send() -> list[httpx.Response]:
        client = door.running.client
        return await asyncio.gather(
            *(
                client.post(
                    f"/fhir{path}",
                    content=json.dumps(resource),
                    headers={"Authorization": f"Bearer {door.key}", "Content-Type": FHIR} | headers,
                )
                for path, resource, headers in posts
            )
        )

    return door.running.run(send())


def test_the_same_resource_sent_by_many_is_stored_once(door: Door) -> None:
    answers = at_once(door, [("/Observation", observation(), {})] * 50)

    assert Counter(answer.status_code for answer in answers) == {201: 1, 200: 49}
    assert len({answer.headers["location"] for answer in answers}) == 1
    assert len(door.events()) == 1


def test_of_many_who_create_on_one_condition_the_first_does_and_all_are_shown_that(door: Door) -> None:
    bare = without(observation(), "identifier")
    unless = {"If-None-Exist": f"identifier={SOURCE}|o-1"}

    answers = at_once(door, [("/Observation", bare | {"valueInteger": number % 20}, unless) for number in range(40)])

    assert Counter(answer.status_code for answer in answers) == {201: 1, 200: 39}
    assert len({answer.text for answer in answers}) == 1
    assert len(door.events()) == 1


class Ticking(Running):
    """Its clock never tells the same instant twice."""

    @property  # type: ignore[explicit-override] # which is not seen on what also has a setter
    def now(self) -> datetime:
        self._ticks += timedelta(milliseconds=1)
        return self._ticks

    @now.setter
    def now(self, value: datetime) -> None:
        self._ticks = value


def test_what_bears_the_instant_at_which_it_was_told_is_stored_once_as_well(tmp_path: Path) -> None:
    running = Ticking(tmp_path)
    door = Door(running)
    gone = observation(status="entered-in-error")

    single = at_once(door, [("/Observation", gone, {})] * 20)
    others = [bundle(how, gone | {"identifier": [identifier("o-2")]}) for how in ("transaction", "batch")]
    bundled = at_once(door, [("", others[number % 2], {}) for number in range(20)])

    assert Counter(answer.status_code for answer in single) == {201: 1, 200: 19}
    assert Counter(statuses(answer)[0] for answer in bundled) == {"201": 1, "200": 19}
    assert len(door.events()) == 2
    running.close()


def test_of_transactions_that_exclude_each_other_one_is_stored_whole(door: Door) -> None:
    """All want the first identity, each with another score, and each has a second resource of its own."""
    wholes = [
        bundle(
            "transaction",
            observation(identifier=[identifier(f"own-{number}")]),
            observation(identifier=[identifier("shared")], valueInteger=number),
        )
        for number in range(20)
    ]

    answers = at_once(door, [("", whole, {}) for whole in wholes])

    assert Counter(answer.status_code for answer in answers) == {200: 1, 409: 19}
    own, shared = door.events()
    assert own.id == f"own-{shared.data.scores[0].value:.0f}"
