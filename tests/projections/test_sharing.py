"""A log in several sources, applied by whoever comes: the views are those of the log read by one reader."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from random import Random
from zlib import crc32

import pytest

from services.eventlog.ports import Hole, Recorded, Slice
from services.projections.views import Views
from services.simulation.network import simulate
from services.simulation.spec import Spec
from tests.homes import Files, Home, Rows, Schemas
from tests.parts import sliced
from tests.projections.test_views import recorded
from tests.story import merge, stalled

SOURCES = [f"events/{number}" for number in range(12)]


def network(seed: int) -> list[Recorded]:
    """A small one whose clients were merged now and then, also round and round."""
    posts = simulate(Spec(seed=seed, clients=24, therapists=3)).posts
    events = list({(post.event.source, post.event.id): post.event for post in posts}.values())
    rng = Random(seed)
    for number in range(12):
        one, other = rng.sample(("c_anna01", "c_anna02", "c_anna03"), 2)
        events.insert(rng.randrange(len(events)), merge(one, other, number))
    return recorded(events)


def split(log: Sequence[Recorded], rng: Random) -> list[list[Slice]]:
    """By source, slices of any length; now and then one has nothing in it but the news that nothing was."""
    parts: list[list[Recorded]] = [[] for _ in SOURCES]
    for one in log:
        parts[crc32(one.event.subject.encode()) % len(SOURCES)].append(one)
    return [_slices(shard, events, log[-1].position, rng) for shard, events in enumerate(parts)]


def _slices(shard: int, events: Sequence[Recorded], end: int, rng: Random) -> list[Slice]:
    found, previous, start = [], 0, 0
    while start < len(events):
        some = events[start : start + rng.randrange(12)]
        start += len(some)
        following = events[start].position if start < len(events) else end + 1
        last = rng.randrange(some[-1].position if some else previous, following)
        found.append(Slice(SOURCES[shard], shard, previous, some, last, offset=start))
        previous = last
    return [*found, Slice(SOURCES[shard], shard, previous, [], end, offset=start)]


def interleaved(sources: Sequence[Sequence[Slice]], rng: Random) -> Iterator[Slice]:
    """All slices, those of one source in their order."""
    turns = [shard for shard, slices in enumerate(sources) for _ in slices]
    rng.shuffle(turns)
    waiting = [iter(slices) for slices in sources]
    return (next(waiting[shard]) for shard in turns)


def apply_all(views: Views, slices: Iterator[Slice]) -> None:
    for one in slices:
        views.apply(one)


def without_sources(rows: Rows) -> Rows:
    """What is the same however the log came."""
    cases = [(case_ref, *rest) for case_ref, _, *rest in rows["case_view"]]
    return {**rows, "case_view": cases, "tracking": []}


def applied_by_one(files: Files, log: Sequence[Recorded]) -> Rows:
    with closing(files.views()) as views:
        views.apply(sliced(log))
    return without_sources(files.rows())


@pytest.mark.parametrize("seed", range(4))
def test_the_views_are_the_same_embedded_in_one_source_and_shared_in_twelve(
    files: Files, schemas: Schemas, seed: int
) -> None:
    log, rng = network(seed), Random(seed)
    with closing(schemas.views()) as one, closing(schemas.views()) as other:
        one.add_sources(SOURCES)
        for slice_ in interleaved(split(log, rng), rng):
            rng.choice([one, other]).apply(slice_)
        marks = one.marks(SOURCES)
    assert {mark.position for mark in marks.values()} == {log[-1].position}
    assert without_sources(schemas.rows()) == applied_by_one(files, log)


@pytest.mark.parametrize("twice", [False, True])
def test_processes_that_apply_at_once_lose_nothing_and_apply_nothing_twice(
    files: Files, schemas: Schemas, twice: bool
) -> None:
    """Each has sources of its own; or one does not know yet that all it has are others' by now."""
    log, rng = network(9), Random(9)
    sources = split(log, rng)
    with ExitStack() as opened, ThreadPoolExecutor(3) as threads:
        shares = [sources] * 3 if twice else [sources[number::3] for number in range(3)]
        views = [opened.enter_context(closing(schemas.views())) for _ in shares]
        views[0].add_sources(SOURCES)
        given = [interleaved(share, Random(number)) for number, share in enumerate(shares)]
        list(threads.map(apply_all, views, given))
    assert without_sources(schemas.rows()) == applied_by_one(files, log)


def test_a_slice_that_comes_before_what_it_follows_is_refused_and_leaves_nothing(home: Home) -> None:
    log = recorded(stalled().events)
    with closing(home.views()) as views:
        views.add_sources(SOURCES)
        before = home.rows()
        with pytest.raises(Hole):
            views.apply(Slice("events/3", 3, previous=1, events=log[1:], last=len(log)))
        assert home.rows() == before
        views.apply(Slice("events/3", 3, previous=0, events=log[:1], last=1))
        views.apply(Slice("events/3", 3, previous=1, events=log[1:], last=len(log)))
        assert len(home.rows()["fact"]) == len(log)
