"""Norm sets are fitted on what a network knows, tested, adopted by an event on the log, looked at and compared."""

import random
import re
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from contracts.events import AnyEvent, NormsAdopted
from contracts.policies import Policy, policy
from services import adoption, storage
from services.__main__ import main
from services.figures import normtable
from services.settings import Settings
from tests.live import Live, installed
from tests.series import adoptions, norm_set
from tests.story import START, Story, day

SIZES = {"smallest_band": 40, "smallest_cell": 40, "smallest_model": 100_000, "folds": 2}
NOW = day(300)


@pytest.fixture(params=["files", "postgres"])
def settings(request: pytest.FixtureRequest) -> Settings:
    return installed(request.param, request)


@pytest.fixture
def live(settings: Settings) -> Iterator[Live]:
    found = Live(settings)
    yield found
    found.close()


def rules() -> Policy:
    found = policy()
    return found.model_copy(update={"norms": found.norms.model_copy(update=SIZES)})


def cases(count: int, gain: float = 4, *, withdrawn: bool = False, name: str = "n", after: float = 0) -> list[AnyEvent]:
    """Cases of 12 points at first, all open, whose two further scores are that much higher, give or take 3."""
    rng = random.Random(count)
    found: list[AnyEvent] = []
    for number in range(count):
        story = Story(f"ca_{name}{number:04}").after(after).opened().session(ors=12)
        for _ in range(2):
            story.session(ors=round(12 + rng.gauss(gain, 3), 1))
        if withdrawn:
            data = {"purpose": "quality", "state": "withdrawn", "effective_from": story.now.isoformat()}
            story.tell("consent.changed", data)
        found += story.events
    return found


def proposed(settings: Settings) -> adoption.Proposed:
    return adoption.propose(settings, settings.network, rules(), lambda: NOW, lambda *_: None)


def test_a_set_is_fitted_on_open_and_closed_cases_and_holds_from_now_on(settings: Settings, live: Live) -> None:
    live.log.append(cases(60), START)
    live.follow()
    found = proposed(settings)
    assert not found.norms.is_empty
    assert found.norms.effective_from == NOW
    assert [(band.session, band.n) for band in found.norms.bands["ors/adult/client"]] == [(2, 60), (3, 60)]
    assert adoption.norm_sets(settings, settings.network) == []


def test_clients_who_withdrew_consent_to_quality_work_are_not_among_its_cases(settings: Settings, live: Live) -> None:
    live.log.append([*cases(45), *cases(30, withdrawn=True, name="w")], START)
    live.follow()
    assert {band.n for band in proposed(settings).norms.bands["ors/adult/client"]} == {45}


def test_of_a_couple_only_the_one_whose_case_it_is_counts(settings: Settings, live: Live) -> None:
    # given 45 couples, each with scores of both
    events: list[AnyEvent] = []
    for number in range(45):
        story = Story(f"ca_both{number:04}")
        data = {"client_ref": "c_own", "therapist_ref": "th_ada01", "opened_on": "2026-03-02", "modality": "couple"}
        story.tell("case.opened", data)
        for score in (12, 15, 16):
            story.session(ors=score)
            scores = story.scores("ors", {"total": score + 10}, story.session_ref())
            story.tell("measure.recorded", scores | {"client_ref": "c_other"})
        events += story.events
    live.log.append(events, START)
    live.follow()
    assert {band.n for band in proposed(settings).norms.bands["ors/adult/client"]} == {45}


def test_what_is_adopted_stands_on_the_log_once_and_in_the_views_as_soon_as_they_follow(
    settings: Settings, live: Live
) -> None:
    live.log.append(cases(60), START)
    live.follow()
    norms = proposed(settings).norms
    for _ in range(2):
        adoption.adopt(settings, settings.network, norms, rules(), NOW)

    assert [one.event.data.version for one in live.log.read(0, 10_000) if isinstance(one.event, NormsAdopted)] == [
        norms.version
    ]
    assert live.views.norm_sets() == []
    assert adoption.norm_sets(settings, settings.network) == [norms]
    live.follow()
    assert live.views.norm_sets() == [norms]
    assert adoption.norm_sets(settings, settings.network) == [norms]


def test_a_proposal_is_compared_with_the_set_in_force(settings: Settings, live: Live) -> None:
    # given a set in force that asks for more than a quarter of the cases reach, and one that is not in force yet
    live.log.append(
        [*cases(60), *adoptions([norm_set(q25=5), norm_set(effective_from=NOW + timedelta(days=1))])], START
    )
    live.follow()

    compared = proposed(settings).compared

    assert compared is not None
    assert compared.old == norm_set(q25=5)
    assert all(shift.by is not None and shift.by < 0 for shift in compared.shifts)
    assert compared.sides.cases == 60
    assert compared.sides.newly_below == 0
    assert 15 < compared.sides.no_longer_below < 45


def test_two_adopted_sets_are_compared_by_their_versions(settings: Settings, live: Live) -> None:
    one, other = norm_set(q25=2, version="a" * 12), norm_set(q25=3.5, version="b" * 12)
    live.log.append([*cases(10), *adoptions([one, other])], START)
    live.follow()
    found = adoption.compare(settings, settings.network, "a" * 12, "b" * 12)
    assert {(shift.band.session, shift.by) for shift in found.shifts if shift.by is not None} == {
        (session, 1.5) for session in range(2, 16)
    }
    assert found.sides.newly_below == sum(2 <= gain < 3.5 for gain in gains(live))
    with pytest.raises(LookupError, match="no such norm set"):
        adoption.compare(settings, settings.network, "a" * 12, "c" * 12)


def gains(live: Live) -> list[float]:
    return [series.change.smoothed_gain for course in live.views.courses() for series in course.outcomes]


def test_where_the_old_set_has_no_band_the_new_one_is_called_new(settings: Settings, live: Live) -> None:
    bare = norm_set(version="a" * 12)
    bare.bands.clear()
    live.log.append([*cases(2), *adoptions([bare, norm_set(version="b" * 12)])], START)
    live.follow()
    found = adoption.compare(settings, settings.network, "a" * 12, "b" * 12)
    assert {shift.by for shift in found.shifts} == {None}
    assert found.sides.cases == 0
    assert "2: new, 3: new" in "\n".join(normtable.switched(found.shifts, found.sides))


# The commands


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Live]:
    """A network in files whose policy is content with small cells."""
    monkeypatch.setenv("RESONANCE_DATA", str(tmp_path))
    monkeypatch.setattr("services.commands.policy", lambda _: rules())
    settings = Settings(data=tmp_path)
    storage.migrate(settings)
    with closing(Live(settings)) as found:
        yield found


NONE_YET = (0, "no norm set was adopted yet; `resonance norms fit` fits one\n")


def told(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str]:
    return main(["norms", *words]), capsys.readouterr().out


def test_fit_adopts_a_set_and_show_tells_every_number_of_it(small: Live, capsys: pytest.CaptureFixture[str]) -> None:
    small.log.append(cases(200), START)
    small.follow()

    status, fitted = told(capsys, "fit")
    small.follow()
    [norms] = small.views.norm_sets()

    assert status == 0
    assert f"norm set {norms.version} is adopted" in fitted
    assert "first score any: sessions 2 to 3, at least 200 cases; 12 sessions without a band" in fitted
    assert "no growth model" in fitted
    assert "none is off" in fitted
    _, listed = told(capsys, "show")
    assert f"norm set {norms.version}, for cases that begin from" in listed
    _, whole = told(capsys, "show", norms.version)
    for band in norms.bands["ors/adult/client"]:
        assert f"{band.q10:5.1f}  {band.q25:5.1f}  {band.q50:5.1f}  {band.q75:5.1f}" in whole


def test_a_dry_run_adopts_nothing(small: Live, capsys: pytest.CaptureFixture[str]) -> None:
    small.log.append(cases(200), START)
    small.follow()
    status, fitted = told(capsys, "fit", "--dry-run")
    assert status == 0
    assert "is not adopted: a dry run" in fitted
    assert told(capsys, "show") == NONE_YET


def test_a_network_without_cases_has_nothing_to_fit_and_nothing_to_show(
    small: Live, capsys: pytest.CaptureFixture[str]
) -> None:
    status, fitted = told(capsys, "fit")
    assert status == 1
    assert "nothing could be tested" in fitted
    assert "too few cases for a norm set: nothing is adopted" in fitted
    assert told(capsys, "show") == NONE_YET
    assert main(["norms", "show", "c" * 12]) == 1
    assert "there is no such norm set" in capsys.readouterr().err
    assert main(["norms", "fit", "--network", "nowhere"]) == 1
    assert "there is no network nowhere" in capsys.readouterr().err


def test_a_set_that_the_back_test_speaks_against_is_adopted_only_where_that_is_asked_for(
    small: Live, capsys: pytest.CaptureFixture[str]
) -> None:
    # given a network in which cases that begin later gain nothing
    small.log.append([*cases(240, gain=9), *cases(60, gain=0, name="later", after=200)], START)
    small.follow()

    status, fitted = told(capsys, "fit")
    assert status == 1
    assert "  off" in fitted
    assert "is not adopted: the back-test speaks against it" in fitted
    assert told(capsys, "show") == NONE_YET

    status, fitted = told(capsys, "fit", "--anyway")
    assert status == 0
    assert "is adopted" in fitted


def test_compare_tells_how_far_the_lower_quarter_moves(small: Live, capsys: pytest.CaptureFixture[str]) -> None:
    sets = [norm_set(q25=2, version="a" * 12), norm_set(q25=0.5, version="b" * 12)]
    small.log.append([*cases(3), *adoptions(sets)], START)
    small.follow()
    status, found = told(capsys, "compare", "a" * 12, "b" * 12)
    assert status == 0
    assert "first score any: 2: -1.5, 3: -1.5" in found
    assert "of 3 open cases with a band in both" in found
    assert main(["norms", "compare", "a" * 12, "c" * 12]) == 1
    assert "there is no such norm set" in capsys.readouterr().err


def test_nothing_that_is_printed_names_a_case_or_a_client(small: Live, capsys: pytest.CaptureFixture[str]) -> None:
    small.log.append([*cases(200), *adoptions([norm_set()])], START)
    small.follow()
    shown = "".join(told(capsys, *words)[1] for words in (["fit"], ["show"], ["show", "0123456789ab"]))
    assert shown
    assert not re.search(r"ca_|c_[a-z]|th_|cl_", shown)
