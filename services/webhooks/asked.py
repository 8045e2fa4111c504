"""Who asks about webhook endpoints, and which are theirs.

A credential sees and changes the endpoints that are told of no clinic but its own; all others are unknown to it.
"""

from typing import NamedTuple, Protocol

from services.access.credential import Credential
from services.access.idempotency import Replies
from services.access.problems import Fault, Refused, problem
from services.access.versions import Preconditions, tag_of
from services.outward import NotAllowed, Outward, Unreachable
from services.projections.views import Views
from services.webhooks.endpoints import Check, Endpoint, Endpoints
from services.webhooks.entries import EndpointAnswer


class NetworkWebhooks(Protocol):
    """The parts of one network that these routes need."""

    @property
    def endpoints(self) -> Endpoints: ...

    @property
    def views(self) -> Views: ...

    @property
    def outward(self) -> Outward: ...

    @property
    def replies(self) -> Replies: ...


class Asked(NamedTuple):
    """Who asks, of which network."""

    credential: Credential
    network: NetworkWebhooks

    def sees(self, endpoint: Endpoint) -> bool:
        own = self.credential.clinics
        return own is None or (endpoint.clinics is not None and endpoint.clinics <= own)

    def found(self, endpoint: Endpoint | None) -> Endpoint:
        """Raises Refused where there is none, or one that is told of clinics of others."""
        if endpoint is None or not self.sees(endpoint):
            raise Refused(problem("not-found"))
        return endpoint

    def endpoint(self, endpoint_id: str) -> Endpoint:
        return self.found(self.network.endpoints.get(endpoint_id))

    def changing(self, stated: Preconditions) -> Check:
        def check(endpoint: Endpoint | None) -> None:
            stated.check(tag_of(EndpointAnswer.of(self.found(endpoint))))

        return check

    def check_address(self, url: str) -> None:
        """Raises Refused where it may not be called, as far as can be told now; before each call it is asked again."""
        try:
            self.network.outward.check(url)
        except (NotAllowed, Unreachable) as error:
            raise Refused(problem("address-not-allowed", Fault("/url", error.code))) from None
