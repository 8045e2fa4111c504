"""When the events of a made-up network are posted: not in order, some late, some twice."""

from collections import defaultdict
from datetime import datetime, timedelta

from contracts.events import (
    AnyEvent,
    canonical,
)
from services.simulation.network import Network, simulate
from services.simulation.spec import Spec


def test_posts_come_in_the_order_of_posting_and_not_in_that_of_happening(network: Network) -> None:
    instants = [post.posted_at for post in network.posts]
    assert instants == sorted(instants)
    latest: dict[str, datetime] = {}
    overtaken = 0
    for post in network.posts:
        seen = latest.get(post.event.subject, post.event.time)
        overtaken += post.event.time < seen
        latest[post.event.subject] = max(seen, post.event.time)
    assert overtaken > 0.05 * len(network.posts)


def test_about_as_many_events_are_charted_late_as_stated(events: list[AnyEvent]) -> None:
    waits = [(event.recordedtime or event.time) - event.time for event in events]
    late = [wait for wait in waits if wait > timedelta(hours=12)]
    assert 0.06 < len(late) / len(waits) < 0.09
    assert max(late) < timedelta(days=5, hours=12)


def test_about_as_many_events_are_posted_twice_as_stated(network: Network) -> None:
    bodies: dict[str, list[bytes]] = defaultdict(list)
    for post in network.posts:
        bodies[post.event.id].append(canonical(post.event))
    twice = [copies for copies in bodies.values() if len(copies) == 2]
    assert 0.015 < len(twice) / len(bodies) < 0.025
    assert all(first == second for first, second in twice)
    assert max(len(copies) for copies in bodies.values()) == 2


def test_nothing_is_late_or_doubled_where_none_of_it_is_asked_for() -> None:
    posts = simulate(Spec(seed=2, clients=60, late_share=0, duplicate_share=0)).posts
    assert len({post.event.id for post in posts}) == len(posts)
    assert max(post.posted_at - post.event.time for post in posts) < timedelta(hours=12)
