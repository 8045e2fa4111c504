"""How a made-up record system posts what was charted: mostly soon, sometimes late, sometimes twice, never in order."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from random import Random
from typing import NamedTuple

from contracts.events import AnyEvent, CaseOpened
from services.simulation.spec import Spec


class Post(NamedTuple):
    posted_at: datetime
    event: AnyEvent


def posted(rng: Random, events: Iterable[AnyEvent], spec: Spec) -> list[Post]:
    """``events`` as they are posted before the end of the window, in no special order.

    Each is posted some minutes after it was charted. ``spec.late_share`` of them are charted one to four days after
    they happened, and say so in ``recordedtime``; openings never are, so that every case is known by the end.
    ``spec.duplicate_share`` are posted a second time, byte for byte.
    """
    posts: list[Post] = []
    for event in events:
        at = (event.recordedtime or event.time) + timedelta(seconds=5 + int(rng.expovariate(1 / 900)))
        sent = event
        if not isinstance(event, CaseOpened) and rng.random() < spec.late_share:
            charted = at + timedelta(days=rng.randint(1, 4))
            sent, at = event.model_copy(update={"recordedtime": charted}), charted + timedelta(seconds=5)
        posts.append(Post(at, sent))
        if rng.random() < spec.duplicate_share:
            posts.append(Post(at + timedelta(seconds=rng.randint(10, 48 * 3600)), sent))
    return [post for post in posts if post.posted_at < spec.end]
