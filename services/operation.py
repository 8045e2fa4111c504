"""What every process tells those who operate it: is it alive, is it ready, and its figures for Prometheus."""

from collections.abc import Callable

from fastapi import APIRouter, Response
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.gc_collector import GCCollector
from prometheus_client.process_collector import ProcessCollector


def registry() -> CollectorRegistry:
    """With the figures of the process itself."""
    found = CollectorRegistry()
    ProcessCollector(registry=found)
    GCCollector(registry=found)
    return found


def router(figures: CollectorRegistry, ready: Callable[[], bool]) -> APIRouter:
    found = APIRouter(include_in_schema=False)

    @found.get("/healthz")
    async def healthz() -> dict[str, str]:
        return {"status": "alive"}

    @found.get("/readyz")
    async def readyz(response: Response) -> dict[str, str]:
        response.status_code = 200 if ready() else 503
        return {"status": "ready" if response.status_code == 200 else "a follower has stopped"}

    @found.get("/metrics")
    def metrics() -> Response:
        return Response(generate_latest(figures), headers={"Content-Type": CONTENT_TYPE_LATEST})

    return found
