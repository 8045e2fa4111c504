"""The item of the feed and of webhooks: thin, closed, one spelling, and an id that never changes."""

import json

import pytest
from pydantic import ValidationError

from contracts.data import EventKey
from contracts.events import EVENT_TYPES
from contracts.feed import FEED_TYPES, FeedItem, item_id, spelling
from tests.story import day

ITEM = FeedItem(
    id=item_id(EventKey(source="urn:resonance:alerts", id="al_1234.raised")),
    type="resonance.alert.raised.v1",
    position=7,
    time=day(0),
    alert_ref="al_1234",
)


def test_every_event_about_an_alert_is_told_and_no_other() -> None:
    assert set(FEED_TYPES) == {name for name in EVENT_TYPES if name.startswith("resonance.alert.")}


def test_the_id_of_an_item_is_that_of_its_event_for_ever() -> None:
    assert ITEM.id == "fi_fafaf1b3101d0fe41dd5e63a"
    other = {item_id(EventKey(source=source, id=name)) for source, name in (("urn:a:b", "c:d"), ("urn:a:b:c", "d"))}
    assert len(other) == 2


def test_an_item_has_one_spelling_which_tells_nothing_but_which_alert_and_what() -> None:
    body = spelling(ITEM)
    assert json.loads(body) == {
        "id": ITEM.id,
        "type": "resonance.alert.raised.v1",
        "position": 7,
        "time": "2026-03-02T09:00:00Z",
        "alert_ref": "al_1234",
    }
    assert FeedItem.model_validate_json(body) == ITEM
    assert len(body) < 400


@pytest.mark.parametrize(
    "change", [{"clinic": "cl_north"}, {"type": "resonance.case.opened.v1"}, {"position": 0}, {"id": "al_1234.raised"}]
)
def test_an_item_is_closed(change: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        FeedItem.model_validate_json(json.dumps(json.loads(spelling(ITEM)) | change))
