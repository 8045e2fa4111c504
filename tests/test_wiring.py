"""Settings become a running service: what starts, what stops, and what it says when a part of it cannot go on."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from services import storage, wiring
from services.alerts.mail import messages
from services.eventlog.ports import Unavailable, WrongSchema
from services.serving import Service
from services.settings import Settings
from tests.parts import views_at
from tests.running import Running, spoil, wait_until
from tests.series import adoptions, norm_set
from tests.story import START, Story, day, stalled

ADA = {"name": "Ada Example", "email": "ada@clinic.example", "time_zone": "Europe/Berlin"}
CANARY = "CANARY7f3a"


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    found = Running(tmp_path)
    yield found
    found.close()


def test_a_started_service_lives_is_ready_and_can_be_measured(running: Running) -> None:
    running.told(stalled().events)
    assert running.get("/healthz").json() == {"status": "alive"}
    assert running.get("/readyz").json() == {"status": "ready"}
    metrics = running.get("/metrics")
    assert metrics.headers["content-type"].startswith("text/plain")
    head = running.network.log.head()
    assert f"resonance_log_position {head}.0" in metrics.text
    assert f'resonance_projection_position{{projection="course"}} {head}.0' in metrics.text
    assert "ca_stall1" not in metrics.text


def test_what_was_accepted_before_a_stop_is_there_after_it(tmp_path: Path) -> None:
    first = Running(tmp_path)
    assert first.post(stalled().events).status_code == 200
    first.close()  # at once, though neither views nor alerts need have come so far
    with pytest.raises(Unavailable):
        first.network.log.head()
    assert not any(follower.is_alive() for follower in first.network.followers)
    second = Running(tmp_path)
    second.settle()
    assert len(second.get("/v1/cases/ca_stall1/course").json()["sessions"]) == 6
    second.close()


def test_without_a_mail_server_a_letter_stays_in_the_mailbox_of_its_network(running: Running) -> None:
    running.ask("PUT", "/v1/therapists/th_ada01", json=ADA)
    running.told(stalled().events)
    mailbox = running.network.pages.mailbox
    assert mailbox is not None
    [mail] = messages(mailbox)
    [alert] = running.get("/v1/cases/ca_stall1/course").json()["alerts"]
    assert alert["notified_at"] is not None
    assert alert["suppressed"] is None
    assert "ca_stall1" not in str(mail)


def test_a_part_that_cannot_go_on_makes_the_service_unready_and_is_named_in_the_log(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    # given a log with an event that this release cannot read
    settings = Settings(data=tmp_path / "data")
    first = Running(tmp_path)
    first.told(Story().opened().events)
    unreadable = first.network.log.head() + 1
    first.close()
    spoil(settings.data / "main" / "log.db", f'{{"{CANARY}": 1}}')

    # when a service is started on it
    second = Running(tmp_path)
    wait_until(lambda: not second.network.ready)

    # then it lives and says that it is not ready; what was in the views can still be read, and events be posted
    assert second.get("/healthz").status_code == 200
    ready = second.get("/readyz")
    assert (ready.status_code, ready.json()) == (503, {"status": "a follower has stopped"})
    assert second.get("/v1/cases/ca_case01/course").status_code == 200
    assert second.post(stalled().events).status_code == 200
    second.close()
    told = [record.__dict__ for record in caplog.records if record.name == "services.eventlog.follow"]
    failed = {(record["follower"], record["position"]) for record in told}
    assert ("main/projections", unreadable) in failed
    assert failed <= {("main/projections", unreadable), ("main/alerts", unreadable)}  # which reads the log as well
    assert CANARY not in caplog.text


def test_a_network_that_was_made_after_the_start_is_put_off_until_the_next_one(tmp_path: Path) -> None:
    # given a service, and a network that was made while it ran
    running = Running(tmp_path)
    key = running.create_key(network="south")
    course = "/v1/cases/ca_stall1/course"

    # then whoever comes for it is asked to come back
    for answer in (running.post(stalled().events, key=key), running.get(course, key=key)):
        assert answer.status_code == 503
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert answer.json()["type"] == "/v1/problems/temporary-reduced-capacity"
        assert answer.json()["retryable"] is True
        assert int(answer.headers["Retry-After"]) > 0
    running.close()

    # and once the service was started again is served, apart from the others
    again = Running(tmp_path)
    position = again.post(stalled().events, key=key).headers["Resonance-Position"]
    assert again.get(course, key=key, Resonance_Min_Position=position, Prefer="wait=5").status_code == 200
    assert again.get(course).status_code == 404
    assert again.get("/south/signin").status_code == 200
    assert again.get("/south").headers["Location"] == "/south/"
    again.close()


def test_a_slash_too_many_is_nothing_that_there_is_and_repeats_nothing(running: Running) -> None:
    answer = running.get("/v1/feed/?after=canary")
    assert answer.status_code == 404
    assert "canary" not in f"{answer.headers} {answer.text}"


def test_one_folder_has_one_service_at_a_time(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path / "data")
    with wiring.alone(settings), pytest.raises(wiring.InUse), wiring.alone(settings):
        pass
    with wiring.alone(settings):
        pass


def test_a_folder_that_was_not_migrated_is_not_served(tmp_path: Path) -> None:
    with pytest.raises(WrongSchema, match="resonance migrate"):
        Service(Settings(data=tmp_path / "data"))


def test_nobody_else_on_the_machine_can_look_into_the_folder(running: Running) -> None:
    for folder in (running.settings.data, storage.folder_of(running.settings, "main")):
        assert folder.stat().st_mode & 0o077 == 0


def test_a_norm_set_that_is_adopted_while_the_service_runs_holds_for_cases_that_begin_from_then_on(
    running: Running,
) -> None:
    # given a norm set by which a quarter of all cases gain even less than this one
    [adopted] = adoptions([norm_set(q25=-6, effective_from=day(-1))])

    # when another process puts it on the log, and then cases are told of that began under it and before it
    with closing(storage.open_log(running.settings, "main", storage.secret_of(running.settings, "main"))) as log:
        log.append([adopted], day(-1))
    early = [event.model_copy(update={"time": event.time - (day(2) - START)}) for event in stalled("ca_early1").events]
    running.told([*early, *stalled().events])

    # then only the one that began before is stalled, and the pages say the same as the alerts
    assert running.get("/v1/cases/ca_stall1/course").json()["alerts"] == []
    assert running.get("/v1/cases/ca_early1/course").json()["alerts"] != []
    decisions = {ref: running.get(f"/v1/cases/{ref}/decision").json() for ref in ("ca_stall1", "ca_early1")}
    assert decisions["ca_stall1"]["norms_version"] == adopted.data.version
    assert decisions["ca_early1"]["norms_version"] is None


def test_views_that_are_lost_are_made_again_from_the_log_without_a_new_letter(tmp_path: Path) -> None:
    first = Running(tmp_path)
    first.ask("PUT", "/v1/therapists/th_ada01", json=ADA)
    first.told(stalled().events)
    before = first.get("/v1/cases/ca_stall1/course").json()
    log = first.network.log.head()
    first.close()
    for lost in storage.folder_of(first.settings, "main").glob("views.db*"):
        lost.unlink()

    assert wiring.rebuild(first.settings, "main") == (log, 1)
    second = Running(tmp_path)
    second.settle()
    assert second.get("/v1/cases/ca_stall1/course").json() == before
    assert second.network.log.head() == log
    mailbox = second.network.pages.mailbox
    assert mailbox is not None
    assert len(messages(mailbox)) == 1
    second.close()
    with pytest.raises(LookupError):
        wiring.rebuild(first.settings, "nowhere")


def test_lost_views_fill_again_by_themselves_as_well(tmp_path: Path) -> None:
    first = Running(tmp_path)
    first.told(stalled().events)
    first.close()
    for lost in storage.folder_of(first.settings, "main").glob("views.db*"):
        lost.unlink()
    second = Running(tmp_path)
    second.settle()
    views = views_at(storage.folder_of(second.settings, "main") / "views.db")
    assert views.counts() == {"cases": 1, "parked": 0}
    views.close()
    second.close()
