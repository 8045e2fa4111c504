"""What an append promises, on every database: an answer per event, all or nothing, once and for ever."""

import hmac
import random
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from psycopg.conninfo import make_conninfo

from contracts.agreement import TaskRenegotiatedData
from contracts.data import EventKey
from contracts.events import AnyEvent, TaskRenegotiated, canonical
from services.eventlog.ports import Appended, Conflicting, Log, Recorded, Rejected, Unavailable
from tests.eventlog.places import RECEIVED, SECRET, Place, PostgresPlace, SQLitePlace, agreed


def mark(message: bytes) -> bytes:
    return hmac.digest(SECRET, message, "sha256")[:16]


def everything(log: Log) -> list[Recorded]:
    return log.read(0, 100_000)


def events(log: Log) -> list[AnyEvent]:
    return [recorded.event for recorded in everything(log)]


def test_a_new_event_is_stored_and_read_back_as_it_was(log: Log) -> None:
    [answer] = log.append([agreed(1)], RECEIVED)

    assert answer == Appended(answer.position, duplicate=False, conflict=False)
    assert log.read(0, 10) == [Recorded(answer.position, RECEIVED, agreed(1))]


def test_an_event_sent_again_is_a_duplicate_at_its_first_position(log: Log) -> None:
    [first] = log.append([agreed(1)], RECEIVED)

    [again] = log.append([agreed(1)], RECEIVED + timedelta(days=1))

    assert again == Appended(first.position, duplicate=True, conflict=False)
    assert everything(log) == [Recorded(first.position, RECEIVED, agreed(1))]


def test_other_content_under_a_used_key_is_a_conflict_and_is_not_stored(log: Log) -> None:
    [first] = log.append([agreed(1)], RECEIVED)

    [other] = log.append([agreed(1, "relaxation")], RECEIVED)

    assert other == Appended(first.position, duplicate=False, conflict=True)
    assert events(log) == [agreed(1)]


def test_repeats_within_one_batch_are_answered_each_for_itself(log: Log) -> None:
    batch = [agreed(1), agreed(2), agreed(1), agreed(1, "relaxation"), agreed(3), agreed(3)]

    one, two, again, other, three, last = log.append(batch, RECEIVED)

    assert [one, two, three] == [Appended(answer.position, False, False) for answer in (one, two, three)]
    assert again == Appended(one.position, duplicate=True, conflict=False)
    assert other == Appended(one.position, duplicate=False, conflict=True)
    assert last == Appended(three.position, duplicate=True, conflict=False)
    assert events(log) == [agreed(1), agreed(2), agreed(3)]


def test_a_batch_of_new_and_known_events_stores_the_new_ones(log: Log) -> None:
    [known] = log.append([agreed(2)], RECEIVED)

    answers = log.append([agreed(1), agreed(2), agreed(2, "relaxation"), agreed(3)], RECEIVED)

    assert [(answer.duplicate, answer.conflict) for answer in answers] == [
        (False, False),
        (True, False),
        (False, True),
        (False, False),
    ]
    assert answers[1].position == answers[2].position == known.position
    assert events(log) == [agreed(2), agreed(1), agreed(3)]


def test_what_is_to_be_stored_whole_is_stored_and_told_as_any_batch(log: Log) -> None:
    [known] = log.append([agreed(2)], RECEIVED)

    one, two, again = log.append([agreed(1), agreed(2), agreed(1)], RECEIVED, whole=True)

    assert (two, again) == (Appended(known.position, True, False), Appended(one.position, True, False))
    assert events(log) == [agreed(2), agreed(1)]


def test_of_what_is_to_be_stored_whole_nothing_is_stored_where_one_conflicts(log: Log) -> None:
    [known] = log.append([agreed(2)], RECEIVED)

    with pytest.raises(Conflicting) as error:
        log.append([agreed(1), agreed(2, "relaxation"), agreed(3)], RECEIVED, whole=True)

    assert error.value.places == [1]
    assert everything(log) == [Recorded(known.position, RECEIVED, agreed(2))]
    assert log.find(agreed(1).key) is None
    [later] = log.append([agreed(3)], RECEIVED)
    assert not later.duplicate
    assert later.position > known.position


def test_two_that_differ_under_one_key_are_not_stored_whole(log: Log) -> None:
    with pytest.raises(Conflicting) as error:
        log.append([agreed(1), agreed(4), agreed(4, "relaxation")], RECEIVED, whole=True)

    assert error.value.places == [2]
    assert everything(log) == []


def test_an_empty_batch_has_no_answers(log: Log) -> None:
    assert log.append([], RECEIVED) == []
    assert log.head() == 0


def test_positions_rise_in_the_order_of_the_batch(log: Log) -> None:
    numbers = random.Random(1).sample(range(1000), 300)
    batch = [agreed(n, case=f"ca_{n % 7:02}") for n in numbers]

    positions = [answer.position for answer in log.append(batch, RECEIVED)]

    assert positions == sorted(set(positions))
    assert [(r.position, r.event) for r in everything(log)] == list(zip(positions, batch, strict=True))


def test_versions_follow_each_other_within_a_case(place: Place, log: Log) -> None:
    for numbers in ([1, 2, 3, 4], [3, 4, 5, 6], [6, 7]):
        log.append([agreed(n, case=f"ca_{n % 2:02}") for n in numbers], RECEIVED)

    rows = place.execute("SELECT originator_id, originator_version FROM stored_events ORDER BY received, topic")

    streams: dict[object, list[int]] = {}
    for stream, version in rows:
        streams.setdefault(stream, []).append(version)
    assert sorted(map(sorted, streams.values())) == [[1, 2, 3], [1, 2, 3, 4]]


def test_the_instant_of_receipt_is_kept_in_utc(log: Log) -> None:
    log.append([agreed(1)], RECEIVED.astimezone(timezone(timedelta(hours=5))))

    [recorded] = everything(log)

    assert recorded.received == RECEIVED
    assert recorded.received.utcoffset() == timedelta(0)


def test_the_instant_of_receipt_is_in_utc_whatever_zone_the_server_keeps(postgres_place: PostgresPlace) -> None:
    postgres_place.migrate()
    elsewhere = make_conninfo(postgres_place.url, options="-c timezone=Asia/Tokyo")
    log = PostgresPlace(elsewhere, postgres_place.schema).open()
    log.append([agreed(1)], RECEIVED)

    [recorded] = everything(log)

    assert recorded.received == RECEIVED
    assert recorded.received.utcoffset() == timedelta(0)
    log.close()


def test_a_receipt_without_a_zone_is_a_mistake(log: Log) -> None:
    with pytest.raises(ValueError, match="zone"):
        log.append([agreed(1)], datetime(2026, 3, 2))  # noqa: DTZ001  # this is what is refused


def test_racing_writers_store_each_event_once_and_all_learn_its_position(place: Place, log: Log) -> None:
    numbers = range(60)
    answers: dict[int, list[Appended]] = {number: [] for number in numbers}
    start = threading.Barrier(4)

    def write(seed: int) -> None:
        chance = random.Random(seed)
        own = place.open()
        start.wait()
        for _ in range(12):
            batch = chance.sample(numbers, 15)
            for number, answer in zip(batch, own.append([agreed(n) for n in batch], RECEIVED), strict=True):
                answers[number].append(answer)
        own.close()

    with ThreadPoolExecutor(4) as writers:
        list(writers.map(write, range(4)))

    told = {number: given for number, given in answers.items() if given}
    assert all(len({answer.position for answer in given}) == 1 for given in told.values())
    assert all([answer.duplicate for answer in given].count(False) == 1 for given in told.values())
    assert not any(answer.conflict for given in told.values() for answer in given)
    assert sorted((given[0].position, f"e{number}") for number, given in told.items()) == [
        (recorded.position, recorded.event.id) for recorded in everything(log)
    ]


def test_where_one_event_is_refused_nothing_of_its_batch_is_stored(place: Place, log: Log) -> None:
    refused = TaskRenegotiated(
        **agreed(2).model_dump(exclude={"type", "data"}),
        data=TaskRenegotiatedData(task_ref="ta_01", initiated_by="client", change="focus", trigger="score"),
    )
    place.refuse("resonance.task.renegotiated.v1")

    with pytest.raises(Rejected) as error:
        log.append([agreed(1), refused, agreed(3)], RECEIVED)

    assert everything(log) == []
    assert "ca_01" not in str(error.value)
    assert error.value.__cause__ is None
    [one] = log.append([agreed(1)], RECEIVED)
    [three] = log.append([agreed(3)], RECEIVED)
    assert 0 < one.position < three.position
    assert events(log) == [agreed(1), agreed(3)]


def test_no_position_is_used_twice_even_where_rows_were_deleted(place: Place, log: Log) -> None:
    last = log.append([agreed(n) for n in range(5)], RECEIVED)[-1].position
    place.execute("DELETE FROM stored_events WHERE originator_version > 3")

    answers = log.append([agreed(n) for n in range(2, 7)], RECEIVED)

    assert [answer.duplicate for answer in answers] == [True, False, False, False, False]
    assert all(answer.position > last for answer in answers[1:])


def test_odd_characters_and_sql_come_back_as_they_went_in(log: Log) -> None:
    said = "'); DROP TABLE stored_events; -- %s {schema} \\ \N{SNOWMAN}\n\U0001f600 \\u0000"
    event = TaskRenegotiated(
        **agreed(1).model_dump(exclude={"type", "data"}),
        data=TaskRenegotiatedData(
            task_ref="ta_01", initiated_by="client", change="focus", trigger="score", statement=said
        ),
    )

    log.append([event], RECEIVED)

    assert events(log) == [event]


def test_keys_digests_and_streams_are_what_they_were_in_every_release(place: Place, log: Log) -> None:
    """Keys decide for ever: made in another way, everything that is sent again would pass as new."""
    log.append([agreed(1)], RECEIVED)

    [[key, digest, stream]] = place.execute("SELECT ingest_key, digest, originator_id FROM stored_events")

    assert bytes(key) == mark(b"urn:resonance:source:north-ehr\x1fe1")
    assert bytes(digest) == mark(canonical(agreed(1)))
    assert UUID(str(stream)) == UUID(bytes=mark(b"case/ca_01"))


def test_whatever_a_key_holds_it_can_be_asked_for(log: Log) -> None:
    foul = EventKey.model_construct(source="urn:resonance:\x00", id="' OR 1=1")  # what EventKey itself would refuse

    assert log.find(foul) is None


def test_keys_and_streams_are_told_by_the_networks_secret_alone(place: Place, log: Log) -> None:
    other = place.open(b"the secret of another network")
    log.append([agreed(1)], RECEIVED)

    assert other.find(agreed(1).key) is None
    other.append([agreed(1)], RECEIVED)
    other.close()

    for column in ("ingest_key", "digest", "originator_id"):
        assert place.execute(f"SELECT count(DISTINCT {column}) FROM stored_events") == [(2,)]


def test_a_closed_log_is_unavailable(place: Place) -> None:
    place.migrate()
    log = place.open()
    log.close()

    with pytest.raises(Unavailable):
        log.append([agreed(1)], RECEIVED)
    with pytest.raises(Unavailable):
        log.head()


@given(
    numbers=st.lists(st.tuples(st.integers(0, 9), st.sampled_from(["exposure", "relaxation"])), max_size=25),
    cuts=st.sets(st.integers(0, 25)),
)
def test_however_a_list_is_cut_into_batches_the_log_is_the_same(numbers: list[tuple[int, str]], cuts: set[int]) -> None:
    sent = [agreed(number, code, case=f"ca_{number % 3:02}") for number, code in numbers]
    first: dict[str, AnyEvent] = {}
    for event in sent:
        first.setdefault(event.id, event)

    with TemporaryDirectory() as folder:
        place = SQLitePlace(Path(folder) / "log.db")
        place.migrate()
        log = place.open()
        bounds = [0, *sorted(cuts), len(sent)]
        answers = [answer for start, end in pairwise(bounds) for answer in log.append(sent[start:end], RECEIVED)]
        kept = everything(log)
        log.close()

    assert [recorded.event for recorded in kept] == list(first.values())
    at = {recorded.event.id: recorded.position for recorded in kept}
    seen: set[str] = set()
    for event, answer in zip(sent, answers, strict=True):
        known, same = event.id in seen, event == first[event.id]
        assert answer == Appended(at[event.id], duplicate=known and same, conflict=not same)
        seen.add(event.id)
