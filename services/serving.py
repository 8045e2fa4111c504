"""How the service is served: one uvicorn server, fast loop and parser, and no log of what was asked for."""

import gc
from typing import Final

import uvicorn

from services.settings import Settings
from services.wiring import Service

STOP_WITHIN_SECONDS: Final = 5
"""How long a request that is under way may hold up a stop: one whose sender has fallen silent would do so for ever."""


def server(service: Service, settings: Settings) -> uvicorn.Server:
    """A server of ``service`` whose collector of garbage leaves alone what was made before it began."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 10, 10)  # batches make many objects at once, all of them short-lived
    # No access log: paths hold references and tokens.
    config = uvicorn.Config(
        service.app,
        settings.host,
        settings.port,
        access_log=False,
        log_config=None,
        timeout_graceful_shutdown=STOP_WITHIN_SECONDS,
    )
    return uvicorn.Server(config)
