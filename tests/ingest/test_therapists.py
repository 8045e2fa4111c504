"""The registry of therapists: versions that nobody overwrites unseen, and a list page by page."""

from typing import Any

import httpx
import pytest

from tests.ingest.conftest import Service

ADA = {"name": "Ada", "email": "ada@clinic.example", "time_zone": "Europe/Prague", "clinic": "cl_07"}
PATH = "/v1/therapists/th_ada1"


def put(service: Service, entry: object = ADA, path: str = PATH, **more: str) -> httpx.Response:
    headers = {name.replace("_", "-"): value for name, value in more.items()}
    return service.ask("PUT", path, json=entry, headers=headers)


def get(service: Service, path: str = PATH, **more: str) -> httpx.Response:
    return service.ask("GET", path, headers={name.replace("_", "-"): value for name, value in more.items()})


def name(service: Service) -> Any:
    return get(service).json()["name"]


def test_the_same_entry_has_the_same_version_and_another_one_another(service: Service) -> None:
    first = put(service).headers["ETag"]
    assert get(service).headers["ETag"] == first == put(service).headers["ETag"]
    changed = put(service, ADA | {"name": "Eva"}).headers["ETag"]
    assert changed != first
    assert get(service).headers["ETag"] == changed
    assert put(service, path="/v1/therapists/th_ada2").headers["ETag"] != first


def test_whoever_has_the_version_already_is_not_given_it_again(service: Service) -> None:
    tag = put(service).headers["ETag"]
    known = get(service, If_None_Match=f'"x", {tag}')
    assert (known.status_code, known.content, known.headers["ETag"]) == (304, b"", tag)
    put(service, ADA | {"name": "Eva"})
    assert get(service, If_None_Match=tag).status_code == 200


def test_only_the_version_that_was_read_is_replaced(service: Service) -> None:
    seen = put(service).headers["ETag"]
    assert put(service, ADA | {"name": "Eva"}, If_Match=seen).status_code == 200
    late = put(service, ADA | {"name": "Ida"}, If_Match=seen)
    assert (late.status_code, late.json()["type"]) == (412, "/v1/problems/precondition-failed")
    assert name(service) == "Eva"
    assert put(service, ADA | {"name": "Ida"}, If_Match="*").status_code == 200


def test_what_is_not_there_has_no_version(service: Service) -> None:
    for tag in ("*", '"x"'):
        assert put(service, If_Match=tag).status_code == 412
    assert service.network.people.everyone() == []


def test_an_entry_can_be_made_only_where_there_is_none(service: Service) -> None:
    assert put(service, If_None_Match="*").status_code == 201
    assert put(service, ADA | {"name": "Eva"}, If_None_Match="*").status_code == 412
    assert name(service) == "Ada"


@pytest.mark.parametrize("tag", ["canary", '"canary', '"a" "canary"', "*, *", ""])
def test_a_header_that_names_no_version_is_refused_and_not_repeated(shared: Service, tag: str) -> None:
    for header in ("If-Match", "If-None-Match"):
        answer = shared.ask("PUT", PATH, json=ADA, headers={header: tag})
        assert answer.status_code == 422
        assert answer.json()["errors"] == [{"pointer": f"/{header}", "code": "pattern"}]
        assert "canary" not in answer.text
    assert shared.network.people.everyone() == []


def test_a_version_of_another_clinics_entry_is_not_told(service: Service) -> None:
    tag = put(service).headers["ETag"]
    key = service.create_key("read", "registry:manage", clinics=["cl_08"])
    for tried in (tag, '"x"', "*"):
        entry = ADA | {"clinic": "cl_08"}
        answer = service.ask("PUT", PATH, json=entry, key=key, headers={"If-Match": tried})
        assert (answer.status_code, answer.json()["type"]) == (403, "/v1/problems/clinic-not-allowed")
        assert service.ask("GET", PATH, key=key, headers={"If-None-Match": tried}).status_code == 404


def test_an_entry_is_json(shared: Service) -> None:
    headers = {"Content-Type": "text/plain"}
    answer = shared.ask("PUT", PATH, content=b'{"name": "canary"}', headers=headers)
    assert (answer.status_code, answer.json()["type"]) == (415, "/v1/problems/unsupported-media-type")


def test_therapists_are_listed_page_by_page_in_the_order_of_their_references(service: Service) -> None:
    refs = [f"th_a{number:02d}" for number in range(5)]
    for ref in reversed(refs):
        put(service, path=f"/v1/therapists/{ref}")
    pages = [get(service, "/v1/therapists?limit=2")]
    while link := pages[-1].headers.get("Link"):
        pages.append(get(service, link.partition(">")[0].removeprefix("<")))
    assert [item["ref"] for page in pages for item in page.json()["items"]] == refs
    assert "next_cursor" not in pages[-1].json()
    assert [pages[0].json()["items"][0]] == [get(service, "/v1/therapists/th_a00").json()]


def test_a_list_holds_ones_own_clinics_only(service: Service) -> None:
    put(service)
    put(service, ADA | {"clinic": "cl_08"}, "/v1/therapists/th_bob1")
    put(service, ADA | {"clinic": None}, "/v1/therapists/th_cy1")
    key = service.create_key("read", clinics=["cl_08"])
    listed = service.ask("GET", "/v1/therapists", key=key).json()["items"]
    assert [item["ref"] for item in listed] == ["th_bob1"]
    assert service.ask("GET", "/v1/therapists", key=service.create_key("events:write")).status_code == 403
