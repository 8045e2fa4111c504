"""One made-up network that many tests look at."""

import pytest

from contracts.events import AnyEvent
from services.simulation.network import Network, simulate
from services.simulation.spec import Spec


@pytest.fixture(scope="package")
def network() -> Network:
    return simulate(Spec(seed=5, clients=900, weeks=52))


@pytest.fixture(scope="package")
def events(network: Network) -> list[AnyEvent]:
    """Each event once, in the order of its first posting."""
    return list({post.event.id: post.event for post in network.posts}.values())
