"""`resonance try-policy`, as one types it: what would change, and that nothing does."""

import gc
import os
import re
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import pytest

from contracts import policies
from contracts.policies import policy
from services import storage
from services.__main__ import main
from services.access.people import Therapist
from services.settings import PREFIX, Settings
from services.whatif.figures import Wanted
from services.whatif.history import History
from services.whatif.trying import try_policy
from tests.alerts.workplace import FIVE, several
from tests.story import Story, stalled
from tests.whatif.test_figures import HISTORY

PLAIN = Path(policies.__file__).with_name("plain.toml")
COUNTS = ["listed", "newly_listed", "no_longer_listed", "flagged", "cleared_unaided", "over_budget"]
LAST_LINE = " ".join(
    [
        r"policy=\S+",
        *(rf"{name}=\d+\.\d+" for name in ("alerts_per_therapist_week", "mails_per_therapist_week")),
        *(rf"{name}=\d+" for name in COUNTS),
    ]
)
AGAINST_TRUTH = r" ppv=\d\.\d+ sensitivity=\d\.\d+ lead=\d+\.\d"
LATER = """
key = "later"
version = 1
extends = "plain"
[stalled]
checkpoint_scores = { value = 20, source = "a test" }
"""


@pytest.fixture(autouse=True)
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in [name for name in os.environ if name.startswith(PREFIX)]:
        monkeypatch.delenv(name)
    folder = tmp_path / "data"
    monkeypatch.setenv("RESONANCE_DATA", str(folder))
    return folder


@pytest.fixture
def installation(data: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Two stalled cases and one that is not, of one therapist, each event received an hour after it happened."""
    monkeypatch.setenv("RESONANCE_POLICY", "plain")  # by which a stall needs no norm set
    settings = Settings(data=data)
    storage.migrate(settings)
    moving = Story("ca_moving").opened().session(ors=15).session(ors=20).session(ors=26).session(ors=27)
    stories = (stalled("ca_stall1", scores=FIVE), stalled("ca_stall2", scores=FIVE), moving)
    with closing(storage.open_people(settings, "main")) as people:
        people.put(Therapist(ref="th_ada01", name="Dr Ada", email="ada@example.org", time_zone="Europe/Berlin"))
    with closing(storage.open_log(settings, "main", storage.secret_of(settings, "main"))) as log:
        for event in several(story.events for story in stories):
            log.append([event], event.time)
    return settings


def later(folder: Path) -> Path:
    (folder / "later.toml").write_text(LATER)
    return folder / "later.toml"


def row(printed: str, name: str) -> Sequence[str]:
    [line] = [line for line in printed.splitlines() if line.startswith(name)]
    return line.removeprefix(name).split()


def test_a_policy_that_waits_longer_lists_fewer_and_says_so_in_counts_alone(
    installation: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["try-policy", str(later(tmp_path)), "--until", "2026-04-06"]) == 0
    printed = capsys.readouterr().out
    assert row(printed, "policy  ") == ["plain", "1", "later", "1"]
    assert row(printed, "  stalled  ") == ["2", "0"]
    assert row(printed, "mails  ") == ["2", "0"]
    assert row(printed, "no longer listed") == ["2"]
    assert row(printed, "newly listed") == ["0"]
    assert re.fullmatch(LAST_LINE, printed.splitlines()[-1])
    assert not re.search("ca_|th_", printed)


def test_an_operator_can_have_the_cases_named(
    installation: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["try-policy", str(later(tmp_path)), "--until", "2026-04-06", "--list"]) == 0
    printed = capsys.readouterr().out.splitlines()
    assert printed[-3:-1] == ["no longer listed: ca_stall1", "no longer listed: ca_stall2"]


def test_trying_mails_nobody_and_leaves_log_views_and_outbox_as_they_were(
    installation: Settings, tmp_path: Path
) -> None:
    def state() -> tuple[object, ...]:
        secret = storage.secret_of(installation, "main")
        with closing(storage.open_stores(installation, "main", secret)) as stores:
            backlog, shards = stores.outbox.backlog(), stores.outbox.positions()
            return stores.log.head(), stores.views.position(), backlog, shards, stores.outbox.letters_of("ca_stall1")

    before = state()
    assert main(["try-policy", str(later(tmp_path))]) == 0
    assert state() == before
    assert not (storage.folder_of(installation, "main") / "mailbox").exists()


def test_a_made_up_network_is_judged_against_its_truth_too(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["try-policy", str(PLAIN), "--cases", "150", "--seed", "2"]) == 0
    printed = capsys.readouterr().out
    assert re.fullmatch(LAST_LINE + AGAINST_TRUTH, printed.splitlines()[-1])
    assert "  sensitivity" in printed


def test_a_made_up_network_can_come_from_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    events, truth = tmp_path / "events", tmp_path / "truth"
    made = ["--seed", "4", "--clients", "80", "--therapists", "4", "--out", str(events), "--truth", str(truth)]
    assert main(["simulate", *made]) == 0
    assert main(["try-policy", str(PLAIN), "--events", str(events), "--truth", str(truth)]) == 0
    with_truth = capsys.readouterr().out.splitlines()[-1]
    assert main(["try-policy", str(PLAIN), "--events", str(events)]) == 0
    assert re.sub(AGAINST_TRUTH, "", with_truth) == capsys.readouterr().out.splitlines()[-1]


def test_what_cannot_be_tried_is_said_in_words(
    installation: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wrong = tmp_path / "wrong.toml"
    wrong.write_text('key = "wrong"\nversion = 1\nextends = "plain"\n[stalled]\nconsecutive_scores = 3\n')
    for given, said in (
        ([str(wrong)], "stalled.consecutive_scores needs exactly a value and its source"),
        ([str(tmp_path / "none.toml")], "No such file"),
        ([str(PLAIN), "--network", "north"], "there is no network north"),
        ([str(PLAIN), "--until", "2026-01-01"], "nothing was received between these days"),
    ):
        assert main(["try-policy", *given]) == 1
        assert said in capsys.readouterr().err


def same() -> History:
    """For the other process too."""
    return HISTORY


def test_the_policy_in_force_tried_against_itself_changes_nothing() -> None:
    found = try_policy(same, policy("plain"), policy("plain"), Wanted())
    assert found.before == found.after
    assert (found.newly_listed, found.no_longer_listed) == ([], [])
    assert found.before.alerts == 4
    assert gc.isenabled()
