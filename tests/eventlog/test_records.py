"""What stands on the topic: enough to order and to route an event, and nothing to learn from it."""

from datetime import UTC, datetime

import pytest

from contracts.events import canonical
from services.eventlog.ports import Unreadable
from services.eventlog.records import Record, Records, place
from services.eventlog.store import Codec, Row
from services.eventlog.topics import partition_of
from tests.eventlog.places import RECEIVED, SECRET, agreed


def row(position: int = 17, case: str = "ca_01") -> Row:
    entry = Codec(SECRET).entry(agreed(1, case=case))
    return Row(position, RECEIVED, entry.topic, entry.state, entry.stream, entry.key)


def records(secret: bytes = SECRET) -> Records:
    return Records("north", secret)


def opened(record: Record, **changed: bytes) -> Row:
    return records().row({**dict(record.headers), **changed}, record.value)


def test_a_row_comes_back_as_it_was() -> None:
    record = records().of_event(row(), previous=12)

    assert opened(record) == row()
    assert Codec(SECRET).recorded(opened(record)).event == agreed(1)
    assert record.partition == partition_of(row().stream)
    assert record.key == row().stream.encode()


def test_the_headers_are_those_of_cloudevents_and_all_pseudonymous() -> None:
    stream = row().stream.encode()

    assert records().of_event(row(), previous=12).headers == [
        ("content-type", b"application/octet-stream"),
        ("ce_specversion", b"1.0"),
        ("ce_id", row().key.hex().encode()),
        ("ce_type", b"resonance.task.agreed.v1"),
        ("ce_source", b"urn:resonance:log:north"),
        ("ce_time", b"2026-03-02T16:05:00.123456+00:00"),
        ("ce_subject", stream),
        ("ce_partitionkey", stream),
        ("ce_dataschema", b"urn:resonance:schema:resonance.task.agreed.v1"),
        ("ce_position", b"17"),
        ("ce_prevposition", b"12"),
    ]


def test_a_tick_says_only_how_far_its_partition_is() -> None:
    record = records().of_tick(3, 17, 12, datetime(2026, 3, 2, tzinfo=UTC))

    assert record == Record(
        3,
        b"north",
        None,
        [
            ("ce_specversion", b"1.0"),
            ("ce_id", b"tick-3-17"),
            ("ce_type", b"resonance.tick"),
            ("ce_source", b"urn:resonance:log:north"),
            ("ce_time", b"2026-03-02T00:00:00+00:00"),
            ("ce_position", b"17"),
            ("ce_prevposition", b"12"),
        ],
    )
    assert place(dict(record.headers)) == (17, 12, True)


def test_nothing_that_an_event_says_can_be_read_off_its_record() -> None:
    record = records().of_event(row(), previous=12)

    written = b" ".join([record.key, record.value or b"", *(value for _, value in record.headers)])
    for word in (b"ca_01", b"cl_07", b"ta_01", b"exposure", b"north-ehr", b'e1"', canonical(agreed(1))[:20]):
        assert word not in written


def test_a_value_is_sealed_to_its_place_its_case_and_its_type() -> None:
    record = records().of_event(row(), previous=12)
    other = row(case="ca_02").stream.encode()

    for changed in ({"ce_position": b"18"}, {"ce_subject": other}, {"ce_type": b"resonance.task.ended.v1"}):
        with pytest.raises(Unreadable):
            opened(record, **changed)
    with pytest.raises(Unreadable) as error:
        records(b"the secret of another network").row(dict(record.headers), record.value)
    assert error.value.position == 17
    assert error.value.__cause__ is None


def test_what_the_restored_log_puts_in_a_lost_events_place_tells_nothing_about_it() -> None:
    """The nonce is used twice then, which would let plain AES-GCM give away what differs."""
    first = records().of_event(row(), previous=12).value or b""
    second = records().of_event(row()._replace(state=row().state.replace(b"exposure", b"relaxing")), previous=12).value

    agreeing = sum(one == other for one, other in zip(first, second or b"", strict=True))
    assert agreeing < len(first) / 10


@pytest.mark.parametrize(
    "changed",
    [
        {"ce_position": b""},
        {"ce_position": b"-1"},
        {"ce_prevposition": b"many"},
        {"ce_time": b"noon"},
        {"ce_time": b"\xff"},
        {"ce_id": b"no hex"},
    ],
)
def test_what_is_no_record_of_ours_is_refused_without_a_word_about_it(changed: dict[str, bytes]) -> None:
    record = records().of_event(row(), previous=12)

    with pytest.raises(Unreadable, match=r"^the event at position -?\d+ cannot be read$"):
        opened(record, **changed)


@pytest.mark.parametrize("lacking", ["ce_type", "ce_position", "ce_prevposition", "ce_subject", "ce_time", "ce_id"])
def test_a_record_without_its_headers_is_refused(lacking: str) -> None:
    record = records().of_event(row(), previous=12)
    headers = dict(record.headers)
    del headers[lacking]

    with pytest.raises(Unreadable):
        records().row(headers, record.value)
    with pytest.raises(Unreadable):
        records().row(dict(record.headers), None)
