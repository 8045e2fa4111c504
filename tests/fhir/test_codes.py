"""The code map: every scale has a code of ours, listed codes mean what they should, and a file can add to them."""

from pathlib import Path

import pytest
from fhir.resources.R4B.codesystem import CodeSystem
from fhir.resources.R4B.conceptmap import ConceptMap

from contracts.fhir import SCALES, Dropped, Scored, codes, publish, read, scales
from contracts.instruments import catalogue

LOINC = "http://loinc.org"


def test_every_scale_of_every_instrument_has_a_code_of_ours() -> None:
    meanings = codes().meanings
    for (key, version), instrument in catalogue().items():
        for scale in scales(instrument):
            assert meanings[SCALES, f"{key}-{version}-{scale}"] == Scored(key, version, scale)
    assert meanings[SCALES, "ors-total"] == Scored("ors", "adult", "total")
    assert meanings[SCALES, "srs-relationship"] == Scored("srs", "adult", "relationship")


def test_the_totals_that_are_listed_are_those_of_their_instruments() -> None:
    meanings = codes().meanings
    assert (
        meanings[LOINC, "44261-6"]
        == meanings["http://snomed.info/sct", "720433000"]
        == Scored("phq9", "adult", "total")
    )
    assert meanings[LOINC, "70274-6"] == Scored("gad7", "adult", "total")


def test_no_words_of_a_code_system_are_kept() -> None:
    text = Path("contracts/fhir/codes.toml").read_text("utf-8")
    values = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    assert not any("display" in line for line in values)


def test_a_file_of_ones_own_adds_codes_and_holds_over_ours(tmp_path: Path) -> None:
    own = tmp_path / "codes.toml"
    own.write_text(
        """
        [[scales]]
        instrument = "ors"
        version = "adolescent"
        scale = "total"
        codes = ["http://snomed.info/sct|716613004", "http://codes.example|ors"]

        [dropped]
        item = ["http://loinc.org|44261-6"]
        """
    )
    meanings = codes(own).meanings
    assert meanings["http://snomed.info/sct", "716613004"] == Scored("ors", "adolescent", "total")
    assert meanings["http://codes.example", "ors"] == Scored("ors", "adolescent", "total")
    assert meanings[LOINC, "44261-6"] == Dropped("item")
    assert codes().meanings[LOINC, "44261-6"] == Scored("phq9", "adult", "total")


@pytest.mark.parametrize(
    "text",
    [
        'scales = [{ instrument = "none", version = "adult", scale = "total", codes = [] }]',
        'scales = [{ instrument = "phq9", version = "adult", scale = "item_9", codes = [] }]',
        'scales = [{ instrument = "phq9", version = "adult", scale = "total", codes = ["no token"] }]',
        'wishes = [{ code = "a|b", kind = "preference", domain = "none", stance = "x" }]',
        'questionnaires = [{ canonicals = [], instrument = "phq9", version = "adult", scales = { q9 = "item_9" } }]',
        'roles = { "a|b" = "boss" }',
        "unknown = 1",
        "not toml",
    ],
)
def test_a_file_that_says_something_else_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        read([text])


def test_the_committed_code_system_and_map_are_those_of_the_code_map(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert publish.main(["--check"]) is None
    monkeypatch.setattr(publish, "FOLDER", tmp_path)
    assert publish.main(["--check"]) == (
        "out of date: codesystem.json, scale-map.json; python -m contracts.fhir.publish writes them"
    )
    publish.main([])
    assert publish.main(["--check"]) is None
    assert {path.name for path in tmp_path.iterdir()} == {"codesystem.json", "scale-map.json"}


def test_the_code_system_and_the_map_are_resources_of_fhir() -> None:
    system, scale_map = publish.code_system(), publish.scale_map()
    CodeSystem.model_validate(system)
    ConceptMap.model_validate(scale_map)
    ours = {concept["code"] for concept in system["concept"]}
    targets = {element["target"][0]["code"] for group in scale_map["group"] for element in group["element"]}
    assert {"phq9-adult-total", "gad7-adult-total", "ors-adult-total"} == targets <= ours
