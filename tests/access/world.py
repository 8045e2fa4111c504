"""Two networks in one running installation, with everything that can be asked for: own, of others, and nowhere.

``main`` has the clinics ``cl_own`` and ``cl_other``, ``south`` has a clinic that is called ``cl_own`` as well.
"""

from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias, get_args
from urllib.parse import quote

import httpx
from fastapi import FastAPI

from contracts.events import AlertRaised, AnyCaseEvent
from services import storage
from services.access.credential import SCOPES, Scope
from services.access.issuers import Issuer
from services.settings import Settings
from services.wiring import Network
from tests.access.issuing import AUDIENCE, ISSUER, P384, KeySet, claims, public, showing, signed
from tests.running import Running, wait_until
from tests.story import SOURCE, Story

Standing: TypeAlias = Literal["own", "of another clinic", "of another network", "unknown"]
STANDINGS: Final[tuple[Standing, ...]] = get_args(Standing)
FOREIGN: Final = STANDINGS[1:]
Place: TypeAlias = tuple[str, str]
"""A method and the template of a path."""

CASES: Final[Mapping[Standing, str]] = {
    "own": "ca_own01",
    "of another clinic": "ca_other1",
    "of another network": "ca_south1",
    "unknown": "ca_nobody1",
}
THERAPIST: Final = {"name": "Ada Alder", "email": "ada@clinic.example", "time_zone": "Europe/Copenhagen"}


class World:
    def __init__(self, folder: Path) -> None:
        with closing(storage.open_keys(Settings(data=folder / "data"))) as keys:
            keys.add_network("south")
        self.keyset = KeySet(public(P384))
        self._shown = showing(self.keyset)
        self.server = self._shown.__enter__()
        self.running = Running(folder, inward_hosts="127.0.0.1")
        self.south_key = self.running.create_key(network="south")
        self.key = self.running.create_key(clinics=["cl_own"], sources=[SOURCE])
        self.values: dict[Standing, dict[str, str]] = {standing: self._named(standing) for standing in STANDINGS}
        with closing(storage.open_issuers(self.running.settings)) as issuers:
            issuers.add(Issuer("main-id", "main", ISSUER, AUDIENCE, f"{self.server.url}/keys"))
        self._fill()

    @property
    def framework(self) -> FastAPI:
        return self.running.service.framework

    def network(self, name: str) -> Network:
        return self.running.service.networks[name]

    def token(self, *scopes: str, registered: tuple[str, ...] = SCOPES, client: str | None = None) -> str:
        """Of a client that may speak for ``cl_own`` and the source, registered for ``registered``."""
        name = client or "-".join(registered)
        with closing(storage.open_issuers(self.running.settings)) as issuers:
            if issuers.client("main-id", name) is None:
                issuers.add_client("main-id", name, registered, self.running.now, clinics=["cl_own"], sources=[SOURCE])
        return signed(claims(self.running.now, client_id=name, scope=" ".join(scopes)))

    def key_of(self, *scopes: Scope) -> str:
        """For ``cl_own`` and the source. Without a scope, of one that opens nothing that is asked for here."""
        return self.running.create_key(*scopes, clinics=["cl_own"], sources=[SOURCE])

    def ask(self, place: Place, standing: Standing, bearer: str | None, **request: Any) -> httpx.Response:
        """Asks for what stands at ``place``. ``bearer`` None: as nobody."""
        path = place[1].replace("/v1/events/{source}/{id}", "/v1/events/{source}/{event}")
        for name, value in self.values[standing].items():
            path = path.replace(f"{{{name}}}", quote(value, safe=""))
        if "{ref}" in path:
            kind = "therapist" if "/therapists/" in path else "alert" if "/alerts/" in path else "case"
            path = path.replace("{ref}", self.values[standing][kind])
        assert "{" not in path, f"{place} has a part that no test knows: name it in World.values"
        headers = ({"Authorization": f"Bearer {bearer}"} if bearer else {}) | request.pop("headers", {})
        return self.running.run(self.running.client.request(place[0], path, headers=headers, **request))

    def told(self, answer: httpx.Response, standing: Standing) -> tuple[int, str, Mapping[str, str]]:
        """What an answer says, whatever it was that was asked for."""
        text = answer.text
        for name, value in self.values[standing].items():
            text = text if name == "id" else text.replace(value, "…")  # a position is a bare number
        return answer.status_code, text, {k: v for k, v in answer.headers.items() if k != "content-length"}

    def close(self) -> None:
        self.running.close()
        self._shown.__exit__(None, None, None)

    def _named(self, standing: Standing) -> dict[str, str]:
        case = CASES[standing]
        return {
            "case": case,
            "therapist": f"th_{case[3:]}",
            "source": SOURCE,
            "event": f"{case}-0003",
            "name": f"import-{case}",
            "delivery_id": "fi_" + "0" * 24,
        }

    def _fill(self) -> None:
        for number in range(4):  # so that no position of the other network is one here
            self.running.post(self._story(f"ca_filler{number}", "cl_own"), key=self.south_key)
        keys: dict[Standing, str] = {
            "own": self.key,
            "of another clinic": self.running.key,
            "of another network": self.south_key,
        }
        for standing, key in keys.items():
            self._tell(standing, key, "cl_other" if standing == "of another clinic" else "cl_own")
        self.values["unknown"] |= {"alert": "al_nobody1", "id": "999999", "endpoint_id": f"we_{'0' * 24}"}

    def _story(self, case: str, clinic: str) -> list[AnyCaseEvent]:
        """A case that does not move, of which its therapist is told."""
        story = Story(case, clinic).opened(f"th_{case[3:]}", f"c_{case[3:]}")
        for number in range(6):
            story.session(ors=15 + number % 2, srs=37 + number % 2)
        return story.events

    def _tell(self, standing: Standing, key: str, clinic: str) -> None:
        values, running = self.values[standing], self.running
        network = self.network("south" if key == self.south_key else "main")
        answer = running.post(self._story(values["case"], clinic), key=key)
        assert answer.status_code == 200, answer.text
        wait_until(network.caught_up)
        entry = running.ask(
            "PUT", f"/v1/therapists/{values['therapist']}", key=key, json=THERAPIST | {"clinic": clinic}
        )
        assert entry.status_code == 201, entry.text
        imported = running.ask(
            "POST",
            "/v1/imports",
            key=key,
            content=b"{}\n",
            headers={"Content-Type": "application/x-ndjson", "Idempotency-Key": values["name"]},
        )
        assert imported.status_code == 201, imported.text
        hook = running.ask(
            "POST", "/v1/webhook-endpoints", key=key, json={"url": "http://127.0.0.1:9/hook", "state": "disabled"}
        )
        assert hook.status_code == 201, hook.text
        recorded = list(network.log.read(0, 10_000))
        [alert] = [
            one.event.data.alert_ref
            for one in recorded
            if isinstance(one.event, AlertRaised) and one.event.subject == f"case/{values['case']}"
        ]
        [position] = [one.position for one in recorded if one.event.id == values["event"]]
        values |= {"alert": alert, "id": str(position), "endpoint_id": hook.json()["id"]}


def routes_of(app: FastAPI) -> Iterator[tuple[Place, str]]:
    """Every place of the framework, each with the name of its kind of route."""
    waiting: list[Any] = list(app.routes)
    while waiting:
        route = waiting.pop()
        if not hasattr(route, "path"):
            waiting += route.original_router.routes
            continue
        for method in sorted(getattr(route, "methods", None) or {"GET"}):
            if method != "HEAD":
                yield (method, route.path), type(route).__name__
