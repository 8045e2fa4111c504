"""What became of alerts, in the views: once, in order, never below what was read, the same when made anew."""

from collections.abc import Iterator
from contextlib import closing

import pytest

from contracts.events import AnyEvent
from contracts.instruments import catalogue
from services.database.postgres import PostgresDatabase
from services.eventlog.ports import Recorded, Slice
from services.projections import tables
from services.projections.fresh import FreshViews
from services.projections.items import AlertPlace
from services.projections.views import Views
from tests.homes import Home, Schemas
from tests.parts import sliced
from tests.story import START, Story, stalled


def told(case_ref: str, alert_ref: str, clinic: str = "cl_north") -> list[AnyEvent]:
    """A case of which an alert was raised, acknowledged and resolved."""
    story = stalled(case_ref)
    story.clinic = clinic
    raised = {"alert_ref": alert_ref, "reason": "stalled", "policy": "default", "policy_version": 1}
    story.tell("alert.raised", raised)
    story.tell("alert.acknowledged", {"alert_ref": alert_ref, "by": "th_ada01", "action": "seen"})
    story.renegotiated(alert_ref=alert_ref)
    story.tell("alert.resolved", {"alert_ref": alert_ref, "how": "by_renegotiation"})
    return [*story.events]


def recorded(events: list[AnyEvent], start: int = 1) -> list[Recorded]:
    return [Recorded(position, START, event) for position, event in enumerate(events, start)]


@pytest.fixture
def views(home: Home) -> Iterator[Views]:
    found = home.views()
    yield found
    found.close()


def test_every_event_about_an_alert_is_an_item_and_no_other_is(views: Views) -> None:
    log = recorded(told("ca_one001", "al_one1"))
    views.apply(sliced(log))
    items = views.feed_items(0, views.position(), 100)
    assert [(item.position, item.type, item.time) for item in items] == [
        (one.position, one.event.type, one.event.time) for one in log if ".alert." in one.event.type
    ]
    assert [item.type.split(".")[2] for item in items] == ["raised", "acknowledged", "resolved"]
    assert {item.alert_ref for item in items} == {"al_one1"}
    assert views.alert_place("al_one1") == AlertPlace("ca_one001", "cl_north")
    assert views.alert_place("al_none") is None


def test_items_are_read_from_a_position_to_another_so_many_and_of_some_clinics(views: Views) -> None:
    events = [*told("ca_one001", "al_one1"), *told("ca_two001", "al_two1", "cl_south")]
    views.apply(sliced(recorded([*events, *told("ca_three1", "al_three1", "cl_west")])))
    whole = views.feed_items(0, views.position(), 100)
    assert len(whole) == 9
    assert views.feed_items(whole[1].position, whole[6].position, 100) == whole[2:7]
    assert views.feed_items(0, views.position(), 4) == whole[:4]
    assert views.feed_items(0, views.position(), 100, ["cl_south"]) == whole[3:6]
    assert views.feed_items(0, views.position(), 4, ["cl_west", "cl_north"]) == [*whole[:3], whole[6]]
    assert views.feed_items(0, views.position(), 100, []) == []


def test_an_item_of_a_source_that_is_ahead_waits_for_the_others(home: Home) -> None:
    views = Views(home.database("views", tables.SCHEMA), catalogue())
    views.add_sources(["kafka/0", "kafka/1"])
    ahead, behind = recorded(told("ca_one001", "al_one1"), 100), recorded(told("ca_two001", "al_two1"), 1)
    views.apply(Slice("kafka/0", 0, 0, ahead, ahead[-1].position))
    assert views.feed_items(0, views.position(), 100) == []
    views.apply(Slice("kafka/1", 1, 0, behind, 1_000))
    found = views.feed_items(0, views.position(), 100)
    assert [item.alert_ref for item in found] == ["al_two1"] * 3 + ["al_one1"] * 3
    views.close()


def test_items_made_anew_equal_those_that_grew(views: Views, home: Home) -> None:
    log = recorded([*told("ca_one001", "al_one1"), *told("ca_two001", "al_two1")])
    for one in log:
        views.apply(sliced([one]))
    grown = home.rows()
    assert len(grown["feed_item"]) == 6
    views.rebuild([log[:20], log[20:]])
    assert home.rows() == grown


def test_items_made_beside_the_live_ones_equal_those_that_grew(schemas: Schemas) -> None:
    log = recorded([*told("ca_one001", "al_one1"), *told("ca_two001", "al_two1")])
    with closing(schemas.views()) as live:
        live.apply(sliced(log))
    beside = schemas.another()
    database = beside.database("views", tables.SCHEMA)
    assert isinstance(database, PostgresDatabase)
    with closing(FreshViews(database, catalogue())) as fresh:
        fresh.add_sources(["log"])
        for start in range(0, len(log), 7):
            fresh.collect(log[start : start + 7])
        fresh.fold(fresh.unfolded("", 100), lambda _: 0)
    assert beside.rows()["feed_item"] == schemas.rows()["feed_item"]
    assert len(beside.rows()["feed_item"]) == 6


def test_a_retraction_takes_no_item_away(views: Views) -> None:
    story = Story("ca_one001").opened()
    story.tell("alert.acknowledged", {"alert_ref": "al_one1", "by": "th_ada01", "action": "seen"})
    story.retracted(story.last)
    views.apply(sliced(recorded([*story.events])))
    assert [item.type for item in views.feed_items(0, views.position(), 10)] == ["resonance.alert.acknowledged.v1"]
    assert views.alert_place("al_one1") is None  # it was never raised
