"""The commands, as one types them."""

import os
import re
import socket
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from contracts.events import canonical
from services import storage, wiring
from services.__main__ import main
from services.access.credential import SCOPES
from services.settings import PREFIX, Settings
from tests.journeys.program import BATCH, batch_of
from tests.live import Live
from tests.running import Running, served, spoil
from tests.story import SOURCE, START, Story, stalled
from tools.installation import Installation

CANARY = "CANARY7f3a"
FIGURE = r"=\d+\.\d+"
FIGURES = ("ppv", "flagged", "sensitivity", "lead", "mails_per_therapist_week")
LAST_LINE = " ".join(["policy=default", *(name + FIGURE for name in FIGURES)])


@pytest.fixture(autouse=True)
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder that every command of a test works in, whatever database or Kafka the tests were given."""
    for name in [name for name in os.environ if name.startswith(PREFIX)]:
        monkeypatch.delenv(name)
    folder = tmp_path / "data"
    monkeypatch.setenv("RESONANCE_DATA", str(folder))
    return folder


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
    return port


def test_a_key_is_shown_once_listed_without_its_secret_and_revoked(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["keys", "create", "--scope", "read", "--clinic", "cl_07"]) == 0
    key = capsys.readouterr().out.strip()
    assert main(["keys", "list"]) == 0
    listed = capsys.readouterr().out
    key_id = listed.split()[0]
    assert key_id in key
    assert key not in listed
    assert main(["keys", "revoke", key_id]) == 0
    assert main(["keys", "revoke", key_id]) == 1
    capsys.readouterr()
    main(["keys", "list"])
    assert "revoked" in capsys.readouterr().out


def test_a_key_may_do_everything_everywhere_for_a_year_unless_it_is_said_otherwise(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["keys", "create"]) == 0
    assert (
        main(["keys", "create", "--scope", "read", "--clinic", "cl_07", "--source", "urn:resonance:source:north"]) == 0
    )
    capsys.readouterr()
    main(["keys", "list"])
    told = {line.split("  ", 2)[2] for line in capsys.readouterr().out.splitlines()}
    assert told == {
        f"{','.join(sorted(SCOPES))}  all clinics  all sources",
        "read  cl_07  urn:resonance:source:north",
    }


def test_a_key_for_longer_than_a_year_is_refused_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["keys", "create", "--days", "366"]) == 1
    assert capsys.readouterr() == ("", "resonance: a key lives for at most 365 days\n")


def test_the_keys_of_one_network_are_not_those_of_another(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["keys", "create", "--network", "south"]) == 0
    capsys.readouterr()
    assert main(["keys", "list"]) == 0
    assert capsys.readouterr().out == ""


def test_the_same_seed_writes_the_same_bytes(tmp_path: Path) -> None:
    sizes = ["--clients", "20", "--therapists", "3", "--weeks", "8"]
    for name in ("a", "b"):
        assert main(["simulate", "--seed", "5", *sizes, "--out", str(tmp_path / name)]) == 0
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    assert main(["simulate", "--seed", "6", *sizes, "--out", str(tmp_path / "b")]) == 0
    assert (tmp_path / "a").read_bytes() != (tmp_path / "b").read_bytes()


def test_a_file_is_loaded_once_however_often_and_from_wherever_it_is_sent(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = [canonical(event) + b"\n" for event in stalled().events]
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    whole.write_bytes(b"".join(lines))
    cut.write_bytes(b"".join(lines[:5]))
    main(["keys", "create", "--scope", "events:write"])
    monkeypatch.setenv("RESONANCE_KEY", capsys.readouterr().out.strip())

    def load(*words: str | Path) -> tuple[int, str]:
        return main(["load", *map(str, words), "--url", url, "--batch", "4"]), capsys.readouterr().out

    with served(Settings(data=data, port=0)) as url:
        assert load(cut) == (0, "5 accepted, 0 already there, 0 rejected\n")
        assert load(whole, "--from-line", "4") == (0, f"{len(lines) - 5} accepted, 2 already there, 0 rejected\n")
        assert load(whole) == (0, f"0 accepted, {len(lines)} already there, 0 rejected\n")


@pytest.mark.parametrize("how", [(), ("--import", "history")], ids=["batches", "import"])
def test_what_is_refused_is_counted_by_its_problem_and_makes_the_load_fail(
    how: tuple[str, ...], data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    opened, session, score = (canonical(event) for event in stalled().events[:3])
    file = tmp_path / "events"
    beyond = score.replace(b'"value":15.0', b'"value":41.0')
    file.write_bytes(b"\n".join([opened, beyond, CANARY.encode(), session.replace(b"minutes", CANARY.encode())]))
    main(["keys", "create"])
    key = capsys.readouterr().out.strip()
    with served(Settings(data=data, port=0)) as url:
        assert main(["load", str(file), "--url", url, "--key", key, *how]) == 1
    told = capsys.readouterr()
    assert told.out.splitlines() == [
        "1 accepted, 0 already there, 3 rejected",
        "        1  malformed-json",
        "        1  score-out-of-range",
        "        1  validation",
    ]
    assert CANARY not in told.out + told.err


def test_a_load_that_is_not_let_in_says_where_to_go_on(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "events"
    file.write_bytes(canonical(stalled().events[0]))
    with served(Settings(data=data, port=0)) as url:
        assert main(["load", str(file), "--url", url, "--key", "rsn_live_wrong"]) == 1
    told = capsys.readouterr()
    assert told.out == "0 accepted, 0 already there, 0 rejected\n"
    assert told.err.splitlines()[-1] == "resonance: the server answers 401 invalid-key; go on with --from-line 1"


def test_an_import_that_is_not_let_in_says_why(data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "events"
    file.write_bytes(canonical(stalled().events[0]))
    with served(Settings(data=data, port=0)) as url:
        assert main(["load", str(file), "--url", url, "--key", "rsn_live_wrong", "--import", "history"]) == 1
    assert capsys.readouterr().err == "resonance: the server answers 401 invalid-key\n"


def test_without_a_key_nothing_is_loaded(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("RESONANCE_KEY", raising=False)
    assert main(["load", str(tmp_path / "events")]) == 1
    assert "RESONANCE_KEY" in capsys.readouterr().err


def test_alerts_are_judged_on_files_with_one_last_line_for_machines(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = ["--out", str(tmp_path / "events"), "--truth", str(tmp_path / "truth")]
    assert main(["simulate", "--seed", "5", "--clients", "150", "--therapists", "5", *files]) == 0
    given = ["--events", str(tmp_path / "events"), "--truth", str(tmp_path / "truth")]
    assert main(["judge-alerts", *given]) == 0
    assert re.fullmatch(LAST_LINE, capsys.readouterr().out.splitlines()[-1])
    assert main(["judge-alerts", *given[:2]]) == 1


def test_alerts_are_judged_on_networks_that_are_made_up_on_the_spot(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["judge-alerts", "--cases", "200", "--seeds", "1"]) == 0
    told = capsys.readouterr().out.splitlines()
    assert re.fullmatch(LAST_LINE, told[-1])
    assert re.fullmatch(r"cases counted: [1-9]\d*; mails: [1-9]\d*", told[-2])
    assert main(["judge-alerts", "--cases", "200", "--seeds", "1"]) == 0
    assert capsys.readouterr().out.splitlines() == told


def test_the_demo_loads_loses_nothing_and_says_so_in_its_last_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["demo", "--once", "--clients", "60", "--port", str(free_port())]) == 0
    last = capsys.readouterr().out.splitlines()[-1]
    assert re.fullmatch(r"events=[1-9]\d* cases=[1-9]\d* alerts=[1-9]\d* mails=\d+ lost=0", last)


def test_the_demo_keeps_away_from_an_installation_whose_settings_are_around(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RESONANCE_DATABASE_URL", "postgresql://nobody@127.0.0.1:1/nothing")
    monkeypatch.setenv("RESONANCE_KAFKA", "127.0.0.1:1")
    monkeypatch.setenv("RESONANCE_SMTP_URL", "smtp://127.0.0.1:1")
    assert main(["demo", "--once", "--clients", "60", "--port", str(free_port())]) == 0
    assert capsys.readouterr().out.splitlines()[-1].endswith("lost=0")


def test_nobody_signs_in_to_a_network_that_does_not_exist(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["session", "th_ada01"]) == 0
    assert "/signin/" in capsys.readouterr().out
    assert main(["session", "th_ada01", "--network", "nowhere"]) == 1


def test_the_link_of_a_session_signs_the_therapist_in(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    settings = Settings(data=data, port=0)
    with (
        served(settings, wiring.utc_now) as url,  # by which the link is made, too
        httpx.Client(base_url=url, follow_redirects=True) as browser,
    ):
        main(["keys", "create"])
        entry = {"name": "Ada Example", "email": "ada@clinic.example", "time_zone": "Europe/Berlin"}
        bearer = {"Authorization": f"Bearer {capsys.readouterr().out.strip()}"}
        assert browser.put("/v1/therapists/th_ada01", json=entry, headers=bearer).status_code == 201
        assert main(["session", "th_ada01"]) == 0
        link = urlsplit(capsys.readouterr().out.strip()).path
        assert browser.get("/caseload").url.path == "/signin"
        assert browser.get(link).status_code == 200
        shown = browser.post(link)
        assert (shown.status_code, shown.url.path) == (200, "/caseload")
        assert "Ada Example" in shown.text


def test_a_log_is_migrated_once_and_then_left_alone(capsys: pytest.CaptureFixture[str]) -> None:
    for _ in range(2):
        assert main(["migrate"]) == 0
        assert capsys.readouterr().out == "main: the log is as this release needs it\n"


def test_a_rebuild_says_how_far_the_views_have_come(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    running = Running(tmp_path)
    running.told(stalled().events)
    head = running.network.log.head()
    running.close()
    assert main(["rebuild"]) == 0
    assert capsys.readouterr().out == f"main: 1 cases, views at position {head}\n"
    assert main(["rebuild", "--network", "nowhere"]) == 1


def test_a_log_that_was_never_migrated_is_not_rebuilt(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rebuild"]) == 1
    assert "run `resonance migrate`" in capsys.readouterr().err


def test_a_log_that_cannot_be_read_is_named_by_the_position_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    running = Running(tmp_path)
    running.told(stalled().events)
    unreadable = running.network.log.head() + 1
    running.close()
    spoil(running.settings.data / "main" / "log.db", CANARY)
    assert main(["rebuild"]) == 1
    assert capsys.readouterr().err == f"resonance: the event at position {unreadable} cannot be read\n"


def test_a_wrong_setting_ends_every_command_with_status_two(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RESONANCE_PORT", CANARY)
    assert main(["keys", "list"]) == 2
    assert capsys.readouterr().err == "resonance: RESONANCE_PORT is no number from 1 to 65535\n"


def test_a_command_that_does_not_exist_ends_with_status_two_as_well() -> None:
    with pytest.raises(SystemExit) as ended:
        main(["dance"])
    assert ended.value.code == 2


def test_norms_need_enough_cases(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["migrate"]) == 0
    assert main(["norms", "fit"]) == 1
    assert capsys.readouterr().out.splitlines()[-1] == "too few cases for a norm set: nothing is adopted"
    assert main(["norms", "show"]) == 0
    assert capsys.readouterr().out == "no norm set was adopted yet; `resonance norms fit` fits one\n"


def test_what_followed_renegotiations_is_told_of_a_network_that_exists(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    running = Running(tmp_path)
    running.told(stalled().renegotiated().events)
    running.close()
    assert main(["followed"]) == 0
    assert capsys.readouterr().out.splitlines()[0] == "1 renegotiation in 1 case"
    assert main(["followed", "--network", "nowhere"]) == 1


@pytest.fixture(params=["files", "postgres"])
def live(request: pytest.FixtureRequest, data: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Live]:
    """The network that the commands work on, in files or in a database."""
    settings = Settings(data=data)
    if request.param == "postgres":
        settings = Settings(database_url=request.getfixturevalue("own_database"))
        monkeypatch.setenv("RESONANCE_DATABASE_URL", settings.database_url)
    storage.migrate(settings)
    with closing(Live(settings)) as found:
        yield found


def test_what_is_parked_is_listed_shown_tried_again_and_discarded(
    live: Live, capsys: pytest.CaptureFixture[str]
) -> None:
    def told(*words: str) -> tuple[int, list[str]]:
        return main(["parked", *words]), capsys.readouterr().out.splitlines()

    # given two parked cases: one has an event that no release knows, the other one that this release knows by now
    story = Story("ca_case01").opened()
    mended = Story("ca_case02").opened().measure("phq9", {"total": 14})
    live.log.append(story.events, START)
    live.append_of_a_later_release("ca_case01", "x1")
    live.log.append(mended.events, START)
    catalogue = live.views._catalogue
    live.views._catalogue = {key: one for key, one in catalogue.items() if key[0] != "phq9"}
    live.follow()

    status, lines = told("list")
    assert status == 0
    assert [line.rpartition(" at position ")[0] for line in lines] == [
        "ca_case01  ValidationError",
        "ca_case02  KeyError",
    ]
    assert told("show", "ca_case01") == (
        0,
        [f"{SOURCE}  ca_case01-0000  resonance.case.opened.v1", f"{SOURCE}  x1  resonance.case.admired.v1"],
    )
    assert told("retry", "ca_case01") == (1, ["0 cases go on, 2 are still parked"])
    assert told("retry") == (1, ["1 cases go on, 1 are still parked"])
    assert told("list") == (0, lines[:1])

    assert told("discard", "ca_case01", SOURCE, "x1") == (
        0,
        ["the event is retracted; the case goes on once the projections have seen that"],
    )
    live.follow()
    assert told("list") == (0, [])
    assert told("retry") == (0, ["0 cases go on, 0 are still parked"])


@pytest.mark.parametrize(
    "words, said",
    [
        (["list", "--network", "nowhere"], "there is no network nowhere"),
        (["show", "ca_case01", "--network", "nowhere"], "there is no network nowhere"),
        (["retry", "ca_case01"], "no such case is parked"),
        (["discard", "ca_case01", SOURCE, "x1"], "the case has no such event"),
    ],
)
def test_what_is_not_parked_is_refused_in_one_line(
    words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["migrate"]) == 0
    capsys.readouterr()
    assert main(["parked", *words]) == 1
    assert capsys.readouterr() == ("", f"resonance: {said}\n")


def test_in_a_database_views_are_made_anew_beside_the_old_ones_and_compared_with_them(
    own_database: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("RESONANCE_DATABASE_URL", own_database)
    assert main(["migrate"]) == 0
    with closing(Live(Settings(database_url=own_database))) as live:
        live.log.append([*stalled().events, *stalled("ca_stall2").events], START)
        live.follow()
        live.log.append(Story("ca_later1").opened().events, START)
        capsys.readouterr()
        assert main(["rebuild"]) == 0
        told = [
            f"main: 3 cases, views at position {live.log.head()}",
            "compared with the old views: 2 cases, 0 different",
        ]
        assert capsys.readouterr().out.splitlines() == told
    assert main(["rebuild", "--network", "nowhere"]) == 1
    assert capsys.readouterr().err.splitlines()[-1] == "resonance: there is no network nowhere"


@pytest.mark.parametrize("arguments, answer", [([], 303), (["--demo"], 200)])
def test_ingest_takes_events_and_shows_the_pages_and_leaves_what_follows_to_others(
    arguments: list[str], answer: int, own_database: str, tmp_path: Path
) -> None:
    made = Installation(tmp_path, own_database, kafka="", replication=1)
    made.run("migrate")
    key = made.run("keys", "create").strip()
    [process] = made.add("ingest", arguments=arguments)
    try:
        process.await_ready()
        with httpx.Client(base_url=process.url, headers={"Authorization": f"Bearer {key}"}) as client:
            posted = client.post("/v1/events", content=batch_of(stalled().events), headers=BATCH)
            assert (posted.status_code, posted.json()["accepted"]) == (200, 20)
            assert client.get("/signin").status_code == 200
            assert client.get("/mailbox").status_code == answer
    finally:
        assert process.stop() == 0
    with closing(made.stores()) as stores:
        assert (stores.log.head(), stores.views.position()) == (20, 0)
