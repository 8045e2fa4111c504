"""The instruments: no number without a source, no gap without a word, and edges that fall where the sources say."""

from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

import pytest

from contracts.instruments import Instrument, Scale, catalogue, read

EVERY = pytest.mark.parametrize("instrument", catalogue().values(), ids=lambda one: f"{one.key}-{one.version}")
DOCS = Path(__file__).parents[2] / "docs"

PLAIN = """
key = "plain"
name = "Plain"
construct = "outcome"
higher_is_better = true
total = { name = "total", minimum = 0, maximum = 10 }
scales_source = "a manual"
licence = "free"

[[versions]]
version = "adult"
respondents = ["client"]
cutoff = { value = 5, functional = "at_or_above", source = "a manual" }
reliable_change = { value = 2, source = "a manual" }
high_start = "unknown"
"""


def points(value: float) -> str:
    return f"{value:g}"


def rows(one: Instrument) -> Iterator[str]:
    """The lines that docs/clinical-rules.md has about an instrument."""
    name = f"| {one.name}, `{one.key}` `{one.version}` "
    ends = f"{points(one.total.minimum)} to {points(one.total.maximum)}"
    better = "higher is better" if one.higher_is_better else "lower is better"
    yield f"{name}| range | {ends}, {better} | {one.scales_source} |"
    if one.cutoff is None:
        yield f"{name}| cutoff | unknown | |"
    else:
        side = one.cutoff.functional.replace("_", " ")
        yield f"{name}| cutoff | functional {side} {points(one.cutoff.value)} | {one.cutoff.source} |"
    if one.reliable_change is None:
        yield f"{name}| reliable change | unknown | |"
    else:
        confidence = one.reliable_change_confidence
        how = {None: ", a rule of thumb", 0.95: ""}.get(confidence, f", at {(confidence or 0) * 100:g} %")
        yield f"{name}| reliable change | {points(one.reliable_change)}{how} | {one.reliable_change_source} |"
    numbers = [("item concern", one.item_concern, one.item_concern_source)]
    if one.construct == "outcome":
        numbers = [("high start", one.high_start, one.high_start_source)]
    for what, value, source in numbers:
        yield f"{name}| {what} | unknown | |" if value is None else f"{name}| {what} | {points(value)} | {source} |"
    if one.reliability is not None:
        yield f"{name}| reliability | {points(one.reliability)} | {one.reliability_source} |"
    for what, group in (("clients", one.clinical_sample), ("people who are well", one.functional_sample)):
        if group is not None:
            yield f"{name}| {what} | mean {points(group.mean)}, SD {points(group.deviation)} | {group.source} |"


def test_the_catalogue_holds_the_agreed_instruments() -> None:
    assert set(catalogue()) == {
        ("ors", "adult"),
        ("ors", "adolescent"),
        ("ors", "caretaker"),
        ("cors", "child"),
        ("cors", "caretaker"),
        ("srs", "adult"),
        ("srs", "child"),
        ("phq9", "adult"),
        ("gad7", "adult"),
        ("oq45", "adult"),
        ("core10", "adult"),
        ("core_om", "adult"),
        ("who5", "percent"),
        ("bdi2", "adult"),
        ("wai_sr", "client"),
    }


def test_the_catalogue_cannot_be_changed() -> None:
    with pytest.raises(TypeError):
        catalogue()["ors", "adult"] = catalogue()["srs", "adult"]  # type: ignore[index]  # the test is that this fails


@EVERY
def test_every_scale_has_a_range_and_a_name_of_its_own(instrument: Instrument) -> None:
    scales = [instrument.total, *instrument.items, *instrument.subscales]
    assert all(scale.minimum < scale.maximum for scale in scales)
    assert all(scale.step is None or 0 < scale.step < scale.maximum - scale.minimum for scale in scales)
    assert len({scale.name for scale in scales}) == len(scales)
    assert instrument.total.name == "total"


@EVERY
def test_items_sum_to_the_range_of_the_total(instrument: Instrument) -> None:
    for parts in (instrument.items, instrument.subscales):
        if parts:
            assert sum(part.minimum for part in parts) == instrument.total.minimum
            assert sum(part.maximum for part in parts) == instrument.total.maximum


@EVERY
def test_a_cutoff_lies_within_the_range_and_on_the_side_of_better(instrument: Instrument) -> None:
    cutoff = instrument.cutoff
    if cutoff is not None:
        assert instrument.total.minimum < cutoff.value < instrument.total.maximum
        assert (cutoff.functional in {"at_or_above", "above"}) == instrument.higher_is_better


@EVERY
def test_the_best_score_is_functional_and_the_worst_is_not(instrument: Instrument) -> None:
    ends = sorted((instrument.total.minimum, instrument.total.maximum), key=lambda end: instrument.sign * end)
    expected = [None, None] if instrument.cutoff is None else [False, True]
    assert [instrument.functional(end) for end in ends] == expected


@EVERY
def test_a_reliable_change_fits_into_the_range(instrument: Instrument) -> None:
    change = instrument.reliable_change
    assert change is None or 0 < change < instrument.total.maximum - instrument.total.minimum


@EVERY
def test_a_high_start_is_functional(instrument: Instrument) -> None:
    high = instrument.high_start
    assert high is None or (instrument.functional(high) and high < instrument.total.maximum)


@EVERY
def test_an_item_of_concern_lies_within_the_range_of_every_item(instrument: Instrument) -> None:
    level = instrument.item_concern
    assert level is None or instrument.items
    assert level is None or all(item.minimum < level < item.maximum for item in instrument.items)


@EVERY
def test_every_number_has_its_source_and_no_source_is_without_a_number(instrument: Instrument) -> None:
    for name in ("reliable_change", "high_start", "item_concern", "reliability"):
        assert (getattr(instrument, name) is None) == (getattr(instrument, f"{name}_source") is None)


@EVERY
def test_the_better_of_two_samples_is_that_of_people_who_are_well(instrument: Instrument) -> None:
    clinical, functional = instrument.clinical_sample, instrument.functional_sample
    if clinical is not None and functional is not None:
        assert instrument.sign * (functional.mean - clinical.mean) > 0


@EVERY
def test_what_a_part_asks_about_is_said_of_alliance_measures_alone(instrument: Instrument) -> None:
    themes = {part.about for part in instrument.parts} - {None}
    assert themes == ({"relationship", "goals", "approach"} if instrument.construct == "alliance" else set())


@EVERY
def test_every_number_of_an_instrument_stands_in_the_documentation(instrument: Instrument) -> None:
    text = (DOCS / "clinical-rules.md").read_text("utf-8")
    assert [row for row in rows(instrument) if row not in text] == []


def test_the_documentation_has_no_row_of_an_instrument_that_is_gone() -> None:
    section = (DOCS / "clinical-rules.md").read_text("utf-8").partition("## Instruments")[2].partition("\n## ")[0]
    written = [line for line in section.splitlines() if line.startswith("| ")][1:]
    assert written == [row for instrument in catalogue().values() for row in rows(instrument)]


def test_only_short_codes_name_the_items() -> None:
    ors = {"individual", "interpersonal", "social", "overall"}
    srs = {"relationship", "goals", "approach", "overall"}
    for (key, _), instrument in catalogue().items():
        assert {item.name for item in instrument.items} == {"ors": ors, "cors": ors, "srs": srs}.get(key, set())


def test_the_phq_9_takes_its_total_alone() -> None:
    phq9 = catalogue()["phq9", "adult"]
    assert (phq9.items, phq9.subscales) == ((), ())


def test_sources_that_disagree_about_a_cutoff_are_named_in_a_note() -> None:
    child = catalogue()["cors", "child"]
    assert child.cutoff is not None
    assert child.cutoff.value == 32
    assert any("28" in note and "Better Outcomes Now" in note for note in child.notes)


@pytest.mark.parametrize(
    "functional, below, at, above",
    [
        ("at_or_above", False, True, True),
        ("above", False, False, True),
        ("at_or_below", True, True, False),
        ("below", True, False, False),
    ],
)
def test_the_edge_of_a_cutoff_falls_as_its_strictness_says(functional: str, below: bool, at: bool, above: bool) -> None:
    [plain] = read(PLAIN.replace("at_or_above", functional))
    assert [plain.functional(value) for value in (4.9, 5, 5.1)] == [below, at, above]


def test_an_instrument_without_a_cutoff_calls_nothing_functional() -> None:
    [plain] = read(PLAIN.replace('{ value = 5, functional = "at_or_above", source = "a manual" }', '"unknown"'))
    assert plain.functional(5) is None


def test_a_difference_is_turned_towards_better() -> None:
    [higher] = read(PLAIN)
    [lower] = read(PLAIN.replace("higher_is_better = true", "higher_is_better = false"))
    assert (higher.sign, lower.sign) == (1, -1)


def test_a_number_stands_beside_its_source() -> None:
    [plain] = read(PLAIN)
    assert (plain.reliable_change, plain.reliable_change_source) == (2, "a manual")
    assert (plain.high_start, plain.high_start_source) == (None, None)


@pytest.mark.parametrize("name", ["cutoff", "reliable_change", "high_start"])
@pytest.mark.parametrize(
    "entry",
    [
        None,  # left out
        '"none"',
        '""',
        "5",
        "{ value = 5 }",
        '{ source = "a manual" }',
        '{ value = "5", source = "a manual" }',
        '{ value = 5, source = " " }',
        '{ value = "unknown", source = "a manual" }',
        '{ value = 5, source = "a manual", note = "more" }',
        '{ value = nan, source = "a manual" }',
    ],
)
def test_a_number_without_a_source_or_a_gap_without_the_word_is_refused(name: str, entry: str | None) -> None:
    lines = [line for line in PLAIN.splitlines() if not line.startswith(name)]
    if entry is not None:
        lines.append(f"{name} = {entry}")
    with pytest.raises(ValueError, match=name):
        read("\n".join(lines))


def test_a_reliable_change_may_state_the_confidence_it_was_computed_for() -> None:
    value = 'reliable_change = { value = 2, source = "a manual" }'
    [plain] = read(PLAIN)
    [weaker] = read(PLAIN.replace(value, 'reliable_change = { value = 2, confidence = 0.9, source = "a manual" }'))
    [thumb] = read(PLAIN.replace(value, 'reliable_change = { value = 2, confidence = "unknown", source = "a manual" }'))
    assert [one.reliable_change_confidence for one in (plain, weaker, thumb)] == [0.95, 0.9, None]
    for wrong in ('confidence = 90, source = "a manual"', 'confidence = 0.9, source = "a manual", note = "more"'):
        with pytest.raises(ValueError, match="reliable_change"):
            read(PLAIN.replace(value, f"reliable_change = {{ value = 2, {wrong} }}"))


@pytest.mark.parametrize("line", ["item_concern = 9", "author = 'someone'", "reliability = 0.9"])
def test_what_an_instrument_has_no_place_for_is_refused(line: str) -> None:
    with pytest.raises(ValueError, match=line.partition(" ")[0]):
        read(PLAIN + line)


def test_what_a_version_states_replaces_what_the_file_states() -> None:
    first, second = read(
        PLAIN
        + """
[[versions]]
version = "child"
name = "Plain for children"
respondents = ["client"]
cutoff = "unknown"
reliable_change = "unknown"
high_start = "unknown"
"""
    )
    assert (first.name, second.name) == ("Plain", "Plain for children")
    assert first.total == second.total == Scale(name="total", minimum=0, maximum=10)


def test_every_file_in_the_folder_describes_an_instrument() -> None:
    names = {file.name for file in files("contracts.instruments").iterdir() if file.name.endswith(".toml")}
    assert names == {f"{key}.toml" for key, _ in catalogue()}
