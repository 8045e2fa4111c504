"""Tells whoever still uses what is on its way out: in headers of every answer about it.

Source: RFC 9745 (``Deprecation``, an RFC 9651 date, and the relation ``deprecation``), RFC 8594 (``Sunset``).
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, time
from email.utils import format_datetime
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from contracts.deprecations import Deprecation, deprecations


def headers_of(one: Deprecation) -> dict[str, str]:
    return {
        "Deprecation": f"@{int(_midnight(one.since).timestamp())}",
        "Sunset": format_datetime(_midnight(one.sunset), usegmt=True),
        "Link": f'<{one.page}>; rel="deprecation"',
    }


def by_kind(found: Iterable[Deprecation], kind: str) -> dict[str, Mapping[str, str]]:
    return {one.name: headers_of(one) for one in found if one.kind == kind}


EVENT_TYPES: Final = by_kind(deprecations(), "event_type")
"""The headers about each event type that is on its way out."""
ROUTES: Final = by_kind(deprecations(), "route")
"""The same by path."""


def announcing(app: ASGIApp, routes: Mapping[str, Mapping[str, str]] = ROUTES) -> ASGIApp:
    """``app``, with these headers on whatever one of ``routes`` answers."""
    if not routes:
        return app

    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        async def told(message: Message) -> None:
            if message["type"] == "http.response.start":
                path = str(getattr(scope.get("route"), "path_format", scope["path"]))  # known once the route was found
                headers = routes.get(path, {})
                lines = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
                message["headers"] = [*message["headers"], *lines]
            await send(message)

        await app(scope, receive, told)

    return serve


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)
