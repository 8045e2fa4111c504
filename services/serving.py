"""How the service is served: one uvicorn server, fast loop and parser, and no log of what was asked for."""

import gc

import uvicorn

from services.settings import Settings
from services.wiring import Service


def server(service: Service, settings: Settings) -> uvicorn.Server:
    """A server of ``service`` whose collector of garbage leaves alone what was made before it began."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 10, 10)  # batches make many objects at once, all of them short-lived
    # No access log: paths hold references and tokens.
    config = uvicorn.Config(service.app, settings.host, settings.port, access_log=False, log_config=None)
    return uvicorn.Server(config)
