"""Views made anew beside the live ones, while events come in and readers read."""

import threading
from collections.abc import Iterator
from contextlib import closing

import pytest

from contracts.events import AnyEvent, CaseEvent
from services import rebuilding, storage
from services.database import postgres
from services.database.postgres import Lead
from services.eventlog.ports import Slice
from services.projections import tables
from services.projections.views import Views
from services.settings import Settings
from services.simulation.network import simulate
from services.simulation.spec import Spec
from tests.live import Live, installed
from tests.series import adoptions, norm_set
from tests.story import START, stalled


@pytest.fixture
def settings(request: pytest.FixtureRequest) -> Settings:
    return installed("postgres", request)


@pytest.fixture
def live(settings: Settings) -> Iterator[Live]:
    found = Live(settings)
    yield found
    found.close()


def simulated(seed: int) -> list[AnyEvent]:
    posts = simulate(Spec(seed=seed, clients=40, therapists=4)).posts
    return list({(post.event.source, post.event.id): post.event for post in posts}.values())


def test_new_views_equal_those_that_grew(settings: Settings, live: Live) -> None:
    live.log.append([*simulated(1), *adoptions([norm_set()])], START)
    live.follow()
    grown = live.rows()
    told: list[tuple[str, int, int]] = []

    made = rebuilding.rebuild(settings, settings.network, lambda *step: told.append(step), START)

    assert live.rows() == grown
    assert (made.position, made.cases) == (live.log.head(), len(grown))
    assert (made.compared, made.different) == (len(grown), 0)
    assert told[0][0] == "events"
    assert told[-1] == ("cases", len(grown), len(grown))
    assert live.views.norm_sets() == [norm_set()]


def test_while_events_come_in_none_is_lost_or_doubled_and_no_reader_sees_half_a_view(
    settings: Settings, live: Live
) -> None:
    events = simulated(2)
    half = len(events) // 2
    live.log.append(events[:half], START)
    live.follow()
    known = len(live.rows())
    over = threading.Event()
    seen: list[tuple[int, int]] = []

    def write() -> None:
        waiting = list(range(half, len(events), 50))
        with closing(Live(settings)) as writer:
            while waiting or not over.is_set():
                if waiting:
                    start = waiting.pop(0)
                    writer.log.append(events[start : start + 50], START)
                writer.follow()

    def read() -> None:
        with closing(storage.open_views(settings, settings.network)) as views:
            while not over.is_set():
                seen.append((views.counts()["cases"], views.position()))

    threads = [threading.Thread(target=work) for work in (write, read)]
    for thread in threads:
        thread.start()
    for _ in range(3):
        rebuilding.rebuild(settings, settings.network, lambda *_: None, START)
    over.set()
    for thread in threads:
        thread.join()
    live.follow()

    assert min(cases for cases, _ in seen) >= known
    assert [position for _, position in seen] == sorted(position for _, position in seen)
    grown = live.rows()
    rebuilding.rebuild(settings, settings.network, lambda *_: None, START)
    assert live.rows() == grown
    assert len(live.log.read(0, 1_000_000)) == len(events)


def test_nobody_is_writing_while_views_change_places(settings: Settings, live: Live) -> None:
    schemas = [storage.schema_of(settings.network, part) for part in ("views", "next", "old")]
    postgres.migrate(settings.database_url, schemas[1], tables.SCHEMA)
    replacing = threading.Event()

    def replace() -> None:
        with postgres.replacing(settings.database_url, *schemas):
            replacing.set()

    thread = threading.Thread(target=replace)
    with live.views._database.transaction():
        thread.start()
        assert not replacing.wait(1)
    assert replacing.wait(5)
    thread.join()
    live.views.add_sources(["new"])


def test_a_rebuild_that_was_ended_goes_on_where_it_was(
    settings: Settings, live: Live, monkeypatch: pytest.MonkeyPatch
) -> None:
    live.log.append(simulated(3), START)
    live.follow()
    grown = live.rows()
    monkeypatch.setattr(rebuilding, "EVENTS_AT_ONCE", 100)
    monkeypatch.setattr(rebuilding, "CASES_AT_ONCE", 7)

    def end(doing: str, done: int, whole: int) -> None:
        if doing == "cases" and done > 10:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        rebuilding.rebuild(settings, settings.network, end, START)
    assert live.rows() == grown
    told: list[tuple[str, int, int]] = []
    rebuilding.rebuild(settings, settings.network, lambda *step: told.append(step), START)

    assert {doing for doing, _, _ in told} == {"cases"}
    assert told[-1][1] == len(grown) - 14
    assert live.rows() == grown


def test_a_rebuild_that_was_ended_while_it_caught_up_goes_on_too(
    settings: Settings, live: Live, monkeypatch: pytest.MonkeyPatch
) -> None:
    events = simulated(4)
    live.log.append(events[:400], START)
    live.follow()
    apply, applied = Views.apply, iter(range(9))

    def until_the_ninth(views: Views, slice_: Slice) -> int:
        if next(applied, None) is None:
            raise KeyboardInterrupt
        return apply(views, slice_)

    def more(doing: str, done: int, whole: int) -> None:
        if doing == "cases" and done == whole:
            live.log.append(events[400:], START)
            monkeypatch.setattr(Views, "apply", until_the_ninth)

    with pytest.raises(KeyboardInterrupt):
        rebuilding.rebuild(settings, settings.network, more, START)
    monkeypatch.setattr(Views, "apply", apply)
    rebuilding.rebuild(settings, settings.network, lambda *_: None, START)
    made = live.rows()
    live.follow()

    assert live.rows() == made
    assert {one.position for one in live.log.read(0, 1_000_000) if isinstance(one.event, CaseEvent)} == (
        live.views.positions()
    )


def test_what_another_release_began_is_not_gone_on_with(
    settings: Settings, live: Live, monkeypatch: pytest.MonkeyPatch
) -> None:
    live.log.append(simulated(3), START)
    live.follow()
    grown = live.rows()
    with pytest.raises(KeyboardInterrupt):
        rebuilding.rebuild(settings, settings.network, _interrupted, START)
    monkeypatch.setattr(rebuilding, "RELEASE", "another")
    told: list[tuple[str, int, int]] = []
    rebuilding.rebuild(settings, settings.network, lambda *step: told.append(step), START)

    assert told[0][0] == "events"
    assert live.rows() == grown


def test_two_rebuilds_of_a_network_do_not_meet(settings: Settings, live: Live) -> None:
    live.log.append(stalled().events, START)
    live.follow()
    with closing(Lead(settings.database_url, f"rebuild of {settings.network}")) as other:
        assert other.held()
        with pytest.raises(ValueError, match="another rebuild"):
            rebuilding.rebuild(settings, settings.network, lambda *_: None, START)


def _interrupted(doing: str, done: int, whole: int) -> None:
    if doing == "cases":
        raise KeyboardInterrupt


def test_views_of_other_events_are_not_replaced(settings: Settings, live: Live) -> None:
    live.log.append(stalled().events, START)
    live.follow()
    with live.views._database.transaction() as connection:
        connection.execute("UPDATE fact SET state = ? WHERE position = (SELECT min(position) FROM fact)", (b"{}",))

    with pytest.raises(ValueError, match="are not those of the live views"):
        rebuilding.rebuild(settings, settings.network, lambda *_: None, START)


def test_an_unknown_network_has_no_views(settings: Settings) -> None:
    with pytest.raises(LookupError, match="there is no network nowhere"):
        rebuilding.rebuild(settings, "nowhere", lambda *_: None, START)
