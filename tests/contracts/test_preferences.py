"""The scales of the C-NIP: their ranges fit what an event may say, and each number stands in the documentation."""

from pathlib import Path

from contracts.agreement import ASPECTS, ActivityPreferences, PreferenceRecordedData
from contracts.preferences import inventory

RULES = Path(__file__).parents[2] / "docs" / "clinical-rules.md"


def test_a_scale_reaches_as_far_as_an_event_may_say() -> None:
    properties = ActivityPreferences.model_json_schema()["properties"]
    for scale in inventory().scales:
        [limits] = [one for one in properties[scale.name]["anyOf"] if one["type"] == "integer"]
        assert (limits["minimum"], limits["maximum"]) == (-scale.reach.value, scale.reach.value)
    assert [scale.name for scale in inventory().scales] == list(properties)


def test_a_cutoff_lies_within_the_scale_on_the_side_of_its_end() -> None:
    for scale in inventory().scales:
        assert 0 < scale.strong_positive.value < scale.reach.value
        assert -scale.reach.value < scale.strong_negative.value < 0


def test_the_ends_have_names_of_their_own() -> None:
    ends = [end for scale in inventory().scales for end in (scale.positive, scale.negative)]
    assert len(set(ends)) == len(ends) == 8


def test_cutoffs_that_nobody_checked_are_marked_so() -> None:
    cutoffs = [one for scale in inventory().scales for one in (scale.strong_positive, scale.strong_negative)]
    assert all(one.source.startswith("unverified") for one in cutoffs)


def test_every_number_of_a_scale_stands_in_the_documentation() -> None:
    text = RULES.read_text("utf-8")
    for scale in inventory().scales:
        reach, above, below = scale.reach.value, scale.strong_positive.value, -scale.strong_negative.value
        assert f"| `{scale.name}` | −{reach} to {reach} | {above} and above | −{below} and below |" in text


def test_every_domain_and_its_aspects_stand_in_the_documentation() -> None:
    rows = [line.strip("|").split("|") for line in RULES.read_text("utf-8").splitlines() if line.startswith("| `")]
    written = {cells[0].strip(): cells[-1].strip() for cells in rows if len(cells) == 3}
    for domain in PreferenceRecordedData.model_json_schema()["properties"]["domain"]["enum"]:
        assert written[f"`{domain}`"] == ", ".join(f"`{aspect}`" for aspect in ASPECTS.get(domain, ()))
