"""Policies: thresholds as data, each beside its source."""

import tomllib
from importlib.resources import files

import pytest

from contracts import policies
from contracts.policies import policy, read

EVERY = sorted(file.name.removesuffix(".toml") for file in files(policies).iterdir() if file.name.endswith(".toml"))
CHANGED = """
key = "{key}"
version = 7
extends = "default"

[stalled]
consecutive_scores = {{ value = {value}, source = "a test" }}
"""


@pytest.mark.parametrize("key", EVERY)
def test_every_policy_is_named_as_its_file_and_can_be_read(key: str) -> None:
    assert policy(key).key == key


@pytest.mark.parametrize("key", EVERY)
def test_a_number_without_literature_is_called_a_design_choice(key: str) -> None:
    document = tomllib.loads(files(policies).joinpath(f"{key}.toml").read_text("utf-8"))
    sources = [entry["source"] for table in document.values() if isinstance(table, dict) for entry in table.values()]
    assert sources
    assert all(
        "design choice" in source or any(sign.isdigit() or sign.isupper() for sign in source) for source in sources
    )


def test_a_policy_that_extends_another_differs_only_in_what_it_states() -> None:
    changed = read(CHANGED.format(key="mine", value=4))
    assert (changed.key, changed.version, changed.stalled.consecutive_scores) == ("mine", 7, 4)
    back = changed.stalled.model_copy(update={"consecutive_scores": policy().stalled.consecutive_scores})
    assert changed.model_copy(update={"key": "default", "version": policy().version, "stalled": back}) == policy()


@pytest.mark.parametrize(
    "text",
    [
        CHANGED.format(key="mine", value=0),
        CHANGED.format(key="mine", value='"four"'),
        CHANGED.format(key="Not A Code", value=4),
        CHANGED.format(key="mine", value=4).replace(', source = "a test"', ""),
        CHANGED.format(key="mine", value=4).replace("consecutive_scores", "no_such_threshold"),
        CHANGED.format(key="mine", value=4).replace("[stalled]", "[no_such_table]"),
        CHANGED.format(key="mine", value=4).replace("version = 7", ""),
        'key = "mine"\nversion = 1\n',
        'extends = "default"\nkey = "mine"\nversion = 1\nstalled = 3\n',
        "no toml at all",
    ],
)
def test_a_policy_that_is_wrong_is_refused(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - each for a reason of its own
        read(text)


@pytest.mark.parametrize(
    "threshold, said",
    [
        ("[stalled]\nconsecutive_scores = { value = 0, source = 'a test' }", "stalled.consecutive_scores: "),
        ("[outlook]\nclear_below = { value = 0.6, source = 'a test' }", "outlook: .*would end as soon as it began"),
        ("[moments]\ncheckpoint = { value = [6, 3], source = 'a test' }", "moments.checkpoint: .*comes after the last"),
    ],
)
def test_what_is_wrong_with_a_threshold_is_said_by_its_name(threshold: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        read(f'key = "mine"\nversion = 1\nextends = "default"\n{threshold}\n')


def test_a_policy_that_extends_an_unknown_one_is_refused() -> None:
    with pytest.raises(FileNotFoundError, match="there is no policy nowhere; there are default, plain"):
        read(CHANGED.format(key="mine", value=4).replace('"default"', '"nowhere"'))
