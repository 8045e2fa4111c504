"""Bundles: a batch in which every entry stands for itself, and a transaction that is stored whole or not at all."""

from typing import Any

import pytest

from services.fhir.bundle import MOST_ENTRIES
from tests.fhir.conftest import Door, Issue, bundle, issues, statuses
from tests.fhir.sent import SOURCE, encounter, episode, identifier, observation, response, without
from tests.running import Running


def numbered(number: int, **changes: Any) -> dict[str, Any]:
    return observation(identifier=[identifier(f"o-{number}")], **changes)


def test_a_batch_is_answered_entry_by_entry_in_order(door: Door) -> None:
    entries = [numbered(1), numbered(2, status="bogus"), numbered(3), numbered(1), numbered(1, valueInteger=3)]

    answer = door.post(bundle("batch", *entries, numbered(4, status="preliminary")))

    assert statuses(answer) == ["201", "422", "201", "200", "409", "200"]
    assert answer.json()["type"] == "batch-response"
    assert answer.headers["resonance-position"] == "2"
    told = [entry["response"] for entry in answer.json()["entry"]]
    assert [one.get("location") for one in told] == [
        "Observation/1",
        None,
        "Observation/2",
        "Observation/1",
        None,
        None,
    ]
    assert [one["etag"] for one in told if "location" in one] == ['W/"1"'] * 3
    assert issues(told[1]["outcome"]) == [
        Issue("code-invalid", "validation", "enum", "Bundle.entry[1].resource.status"),
    ]
    assert issues(told[4]["outcome"]) == [
        Issue("conflict", "event-id-conflict", "conflict", "Bundle.entry[4].resource.identifier"),
    ]
    assert issues(told[5]["outcome"])[0].code == "informational"
    assert [event.id for event in door.events()] == ["o-1", "o-3"]


def test_a_transaction_that_may_happen_is_stored_and_again_is_there_already(door: Door) -> None:
    whole = bundle("transaction", numbered(1), numbered(2), encounter())

    first, again = door.post(whole), door.post(whole)

    assert statuses(first) == ["201", "201", "201"]
    assert statuses(again) == ["200", "200", "200"]
    assert first.json()["type"] == "transaction-response"
    assert [event.id for event in door.events()] == ["o-1", "o-2", "e-1"]


@pytest.mark.parametrize(
    "wrong, issue",
    [
        (numbered(3, status="bogus"), Issue("code-invalid", "validation", "enum", "Bundle.entry[1].resource.status")),
        (without(observation(), "identifier"), Issue("required", "identifier-required", "missing", "")),
        (
            numbered(3, performer=[{"reference": "Organization/cl-08"}]),
            Issue("forbidden", "clinic-not-allowed", "", ""),
        ),
        (numbered(3, valueInteger=99), Issue("value", "score-out-of-range", "range", "")),
        ({"resourceType": "Condition"}, Issue("not-supported", "not-found", "not_supported", "")),
    ],
    ids=["status", "identity", "clinic", "score", "type"],
)
def test_of_a_transaction_with_a_wrong_entry_nothing_is_stored(door: Door, wrong: dict[str, Any], issue: Issue) -> None:
    answer = door.post(bundle("transaction", numbered(1), wrong, numbered(2)))

    [found] = issues(answer)
    assert answer.status_code in {403, 422}
    assert (found.code, found.problem) == (issue.code, issue.problem)
    assert found.place.startswith("Bundle.entry[1].resource")
    assert issue.place in {"", found.place}
    assert door.events() == []


def test_every_wrong_entry_of_a_transaction_is_named(door: Door) -> None:
    answer = door.post(bundle("transaction", numbered(1, status="bogus"), numbered(2), numbered(3, valueInteger=99)))

    assert [issue.place for issue in issues(answer)] == [
        "Bundle.entry[0].resource.status",
        "Bundle.entry[2].resource.value",
    ]


def test_of_a_transaction_that_meets_another_event_nothing_is_stored(door: Door) -> None:
    door.post(numbered(2))

    answer = door.post(bundle("transaction", numbered(1), numbered(2, valueInteger=3), numbered(3)))

    assert answer.status_code == 409
    assert issues(answer) == [
        Issue("conflict", "event-id-conflict", "conflict", "Bundle.entry[1].resource.identifier"),
    ]
    assert [event.id for event in door.events()] == ["o-2"]


@pytest.mark.parametrize("second", [numbered(1), numbered(1, valueInteger=3)], ids=["the same", "another"])
def test_one_identity_twice_in_a_transaction_is_refused(door: Door, second: dict[str, Any]) -> None:
    answer = door.post(bundle("transaction", numbered(1), numbered(2), second))

    assert answer.status_code == 422
    assert issues(answer) == [
        Issue("duplicate", "validation", "duplicate", f"Bundle.entry[{index}].resource.identifier") for index in (0, 2)
    ]
    assert door.events() == []


def test_if_none_exist_holds_for_each_entry(door: Door) -> None:
    door.post(numbered(1))
    whole = bundle("transaction", without(observation(valueInteger=20), "identifier"), numbered(2))
    whole["entry"][0]["request"]["ifNoneExist"] = f"identifier={SOURCE}|o-1"

    answer = door.post(whole)

    assert statuses(answer) == ["200", "201"]
    assert [event.data.scores[0].value for event in door.events()] == [12, 12]


def test_of_a_transaction_on_the_condition_of_what_is_of_another_type_nothing_is_stored(door: Door) -> None:
    door.post(encounter(identifier=[identifier("o-1")]))
    whole = bundle("transaction", numbered(2), without(observation(), "identifier"))
    whole["entry"][1]["request"]["ifNoneExist"] = f"identifier={SOURCE}|o-1"

    answer = door.post(whole)

    assert answer.status_code == 409
    assert [issue.place for issue in issues(answer)] == ["Bundle.entry[1].resource.identifier"]
    assert len(door.events()) == 1


def test_a_resource_and_its_amended_version_may_be_in_one_batch(door: Door) -> None:
    amended = numbered(1, status="amended", valueInteger=14, issued="2026-03-03T08:00:00Z")

    answer = door.post(bundle("batch", numbered(1), amended))

    assert statuses(answer) == ["201", "201"]
    first, correction = door.events()
    assert correction.data.supersedes == first.key


def test_resources_are_in_the_answer_where_that_is_preferred(door: Door) -> None:
    whole = bundle("batch", numbered(1), numbered(2, status="bogus"))

    shown = door.post(whole, Prefer="return=representation").json()["entry"]
    told = door.post(whole, Prefer="return=OperationOutcome").json()["entry"]
    plain = door.post(whole).json()["entry"]

    assert [entry.get("resource", {}).get("id") for entry in shown] == ["1", None]
    assert issues(told[0]["response"]["outcome"])[0].code == "informational"
    assert plain[0]["response"].keys() == {"status", "location", "etag"}


def misfit(**changes: Any) -> dict[str, Any]:
    entry = {"resource": observation(), "request": {"method": "POST", "url": "Observation"}} | changes
    return {name: value for name, value in entry.items() if value is not None}


@pytest.mark.parametrize(
    "entry, status, place",
    [
        (misfit(resource=None), "422", "resource"),
        (misfit(resource=[]), "422", "resource"),
        (misfit(resource={}), "422", "resource.resourceType"),
        (misfit(resource={"resourceType": "Binary"}), "404", "resource.resourceType"),
        (misfit(request=None), "422", "request"),
        (misfit(request={"url": "Observation"}), "422", "request.method"),
        (misfit(request={"method": "POST"}), "422", "request.url"),
        (misfit(request={"method": "PUT", "url": "Observation/1"}), "405", "request.method"),
        (misfit(request={"method": "DELETE", "url": "Observation/1"}), "405", "request.method"),
        (misfit(request={"method": "POST", "url": "Encounter"}), "422", "request.url"),
        (
            misfit(request={"method": "POST", "url": "Observation", "ifNoneExist": "code=1"}),
            "412",
            "request.ifNoneExist",
        ),
        (
            misfit(resource={"resourceType": "Patient"}, request={"method": "DELETE", "url": "x"}),
            "405",
            "request.method",
        ),
        (misfit(fullUrl=7), "422", "fullUrl"),
        (misfit(surname="Beispiel"), "422", ""),
        ("Beispiel", "422", ""),
    ],
)
def test_an_entry_that_is_no_request_to_create_is_refused_by_itself(
    door: Door, entry: Any, status: str, place: str
) -> None:
    whole = bundle("batch", numbered(7))
    whole["entry"].append(entry)

    answer = door.post(whole)

    assert statuses(answer) == ["201", status]
    [issue] = issues(answer.json()["entry"][1]["response"]["outcome"])
    assert issue.place == f"Bundle.entry[1].{place}".rstrip(".")
    assert "Beispiel" not in answer.text


@pytest.mark.parametrize(
    "changes, place",
    [
        ({"type": "collection"}, "Bundle.type"),
        ({"type": None}, "Bundle.type"),
        ({"entry": {}}, "Bundle.entry"),
        ({"surname": "Beispiel"}, "Bundle"),
        ({"resourceType": "Observation"}, "Bundle.resourceType"),
    ],
)
def test_what_is_no_bundle_to_be_worked_on_is_refused(door: Door, changes: dict[str, Any], place: str) -> None:
    answer = door.post(bundle("batch", numbered(1)) | changes, "")

    assert answer.status_code == 422
    assert [issue.place for issue in issues(answer)] == [place]
    assert "Beispiel" not in answer.text
    assert door.events() == []


@pytest.mark.parametrize("how", ["batch", "transaction"])
def test_a_bundle_may_be_empty(door: Door, how: str) -> None:
    nothing: dict[str, Any] = {"resourceType": "Bundle", "type": how}
    for empty in (nothing, nothing | {"entry": []}):
        answer = door.post(empty)
        assert answer.json() == {"resourceType": "Bundle", "type": f"{how}-response"}


def test_a_bundle_holds_so_many_entries_and_no_more(door: Door) -> None:
    full = bundle("batch", *(numbered(number) for number in range(MOST_ENTRIES)))
    more = bundle("batch", *(numbered(number) for number in range(MOST_ENTRIES + 1)))

    assert door.post(more).status_code == 413
    assert door.events() == []
    assert statuses(door.post(full)) == ["201"] * MOST_ENTRIES


def test_a_quota_that_is_used_up_refuses_the_whole_and_stores_nothing(door: Door) -> None:
    scarce = Running(door.running.settings.data / "scarce", events_per_minute=1_000)
    door = Door(scarce)
    first = door.post(bundle("batch", numbered(1, status="preliminary")))
    second = door.post(bundle("batch", *(numbered(number) for number in range(1_000))))
    third = door.post(bundle("batch", numbered(1)))

    assert first.headers["ratelimit"].startswith('"events";r=999;')
    assert second.status_code == 429
    assert int(second.headers["retry-after"]) > 0
    assert [issue.code for issue in issues(second)] == ["throttled"]
    assert statuses(third) == ["201"]
    assert len(door.events()) == 1
    scarce.close()


def test_a_transaction_is_stored_under_the_scopes_of_each_type(door: Door) -> None:
    key = door.create_key("events:read", clinics=["cl_07"])

    answer = door.post(bundle("transaction", numbered(1)), key=key)

    assert answer.status_code == 403
    assert issues(answer) == [Issue("forbidden", "insufficient-scope", "", "Bundle.entry[0].resource")]
    assert door.events() == []


def test_entries_refer_to_each_other_by_what_stands_for_them_in_any_order(door: Door) -> None:
    measured = observation(subject={"reference": "urn:uuid:p"}, encounter={"reference": "urn:uuid:e"})
    seen = encounter(subject={"reference": "urn:uuid:p"}, episodeOfCare=[{"reference": "urn:uuid:c"}], id="1")
    care = without(episode(patient={"reference": "urn:uuid:p"}), "id")
    patient = {"resourceType": "Patient", "identifier": [{"system": "urn:oid:1.2.3", "value": "4711"}]}
    urls = {"e0": "urn:uuid:o", "e1": "urn:uuid:e", "e2": "urn:uuid:c", "e3": "urn:uuid:p"}

    answer = door.post(bundle("transaction", measured, seen, care, patient, **urls))

    assert statuses(answer) == ["201", "201", "201", "200"]
    score, session, opened = door.events()
    assert score.subject == session.subject == opened.subject
    assert score.data.session_ref == session.data.session_ref
    assert score.data.client_ref == opened.data.client_ref


def test_who_stands_behind_a_urn_is_the_same_whenever_it_is_sent(door: Door) -> None:
    """The URN is another one each time; the patient's own identifier is not."""
    patient = {"resourceType": "Patient", "identifier": [{"system": "urn:oid:1.2.3", "value": "4711"}]}
    refs = []
    for number, urn in enumerate(("urn:uuid:first", "urn:uuid:second")):
        measured = numbered(number, subject={"reference": urn})
        door.post(bundle("transaction", patient | {"id": f"made-up-{number}"}, measured, e0=urn))
        refs.append(door.events()[-1].data.client_ref)
    door.post(numbered(9, subject={"reference": "Patient?identifier=urn:oid:1.2.3|4711"}))

    assert refs[0] == refs[1] == door.events()[-1].data.client_ref


def test_a_transaction_on_conditions_is_the_same_when_it_is_sent_again(door: Door) -> None:
    """Then the encounter is found and not made, and what refers to it still means the same session and case."""
    seen = without(encounter(episodeOfCare=[{"reference": "EpisodeOfCare/ca-secnd2"}]), "id", "identifier")
    measured = without(observation(encounter={"reference": "urn:uuid:e"}), "identifier")
    whole = bundle("transaction", measured, seen, e1="urn:uuid:e")
    for entry, name in zip(whole["entry"], ("o-1", "e-1"), strict=True):
        entry["request"]["ifNoneExist"] = f"identifier={SOURCE}|{name}"
    door.post(whole)
    whole["entry"][0]["request"]["ifNoneExist"] = f"identifier={SOURCE}|o-2"

    again = door.post(whole)

    assert statuses(again) == ["201", "200"]
    first, session, second = door.events()
    assert first.subject == session.subject == second.subject == "case/ca_secnd2"
    assert first.data.session_ref == session.data.session_ref == second.data.session_ref


def test_what_is_referred_to_is_the_same_whether_it_was_accepted_or_not(door: Door) -> None:
    measured = [numbered(number, encounter={"reference": "urn:uuid:e"}) for number in (1, 2)]
    for number, status in ((0, "bogus"), (1, "finished")):
        door.post(bundle("batch", measured[number], encounter(status=status), e1="urn:uuid:e"))

    one, other, session = door.events()
    assert one.data.session_ref == other.data.session_ref == session.data.session_ref


def test_what_is_sent_under_one_full_url_twice_is_refused(door: Door) -> None:
    answer = door.post(bundle("batch", numbered(1), numbered(2), e0="urn:uuid:x", e1="urn:uuid:x"))

    assert statuses(answer) == ["201", "422"]
    assert issues(answer.json()["entry"][1]["response"]["outcome"])[0].place == "Bundle.entry[1].fullUrl"


def test_the_items_of_a_questionnaire_are_added_up_and_kept_nowhere(door: Door) -> None:
    answer = door.post(bundle("transaction", response(), {"resourceType": "Questionnaire", "status": "active"}))

    [event] = door.events()
    assert statuses(answer) == ["201", "200"]
    assert [(score.scale, score.value) for score in event.data.scores] == [("total", 12)]
