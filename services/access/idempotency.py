"""``Idempotency-Key``: a request other than for events, sent again after its answer was lost, is not done twice.

Events need none, as their source and id say what is the same for ever. Source: IETF draft
draft-ietf-httpapi-idempotency-key-header-07; a key without the quotes of its structured field is taken as well.

For a route::

    key: Annotated[str | None, Depends(idempotency_key)]
    asked = f"POST {path}".encode() + entry.model_dump_json().encode()
    return once(network.replies, credential, key, asked, clock(), work)

``work`` does it and returns the Response; ``once`` calls it, or gives again what it gave the first time.
"""

import hashlib
import json
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Annotated, Final, NamedTuple

from fastapi import Header, Response

from services.access.credential import Credential
from services.access.problems import MEDIA_TYPE, Problem, Refused, problem
from services.database.ports import Database
from services.database.texts import statements

KEPT_FOR: Final = timedelta(hours=24)
GIVEN_UP_AFTER: Final = timedelta(seconds=60)
"""Whoever began a request and has not answered it by then was killed: the key is free again."""
_SQL: Final = statements("services.access", "replies")
SCHEMA: Final = _SQL["schema"]
_HEADERS: Final = ("content-type", "location", "etag")


def idempotency_key(
    key: Annotated[
        str | None,
        Header(
            alias="Idempotency-Key",
            pattern=r'^(?:"[A-Za-z0-9._:-]{1,128}"|[A-Za-z0-9._:-]{1,128})$',
            description="Names this request for 24 hours: sent again, it is answered again and not done again",
        ),
    ] = None,
) -> str | None:
    """A dependency: the request's key, if it bears one. One that is none is refused (``validation``)."""
    return None if key is None else key.strip('"')


class Kept(NamedTuple):
    """An answer as it was given."""

    status: int
    headers: dict[str, str]
    body: bytes


class Replies:
    """What was answered in one network, by credential and key, in the tables of ``SCHEMA``. Any thread may use it.

    A body is kept as it was sent, with what it shows once only, for ``KEPT_FOR``.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def begin(self, credential: Credential, key: str, request: bytes, now: datetime) -> Kept | None:
        """The answer that was given already; ``None``: the caller is the one to go on, and to ``answer`` or ``forget``.

        Raises Refused: ``idempotency-key-reused``, ``request-in-progress``.
        """
        fingerprint = hashlib.sha256(request).digest()
        claim = self._claimed(credential, key, now) | {"fingerprint": fingerprint}
        with self._database.transaction() as connection:
            connection.execute(_SQL["forget_old"], {"now": int(now.timestamp())})
            if connection.execute(_SQL["claim"], claim).rowcount == 1:
                return None
            row = connection.execute(_SQL["get"], {"credential": credential.id, "name": key}).fetchone()
        if row is None or (row["status"] is None and row["fingerprint"] == fingerprint):
            raise Refused(problem("request-in-progress", headers={"Retry-After": "1"}))
        if row["fingerprint"] != fingerprint:
            raise Refused(problem("idempotency-key-reused"))
        return Kept(row["status"], json.loads(row["headers"]), row["body"])

    def answer(self, credential: Credential, key: str, kept: Kept, now: datetime) -> None:
        """Keeps the answer, to be given again, to what was begun at ``now``; nothing where that was given up since."""
        values = self._claimed(credential, key, now) | {
            "until": int((now + KEPT_FOR).timestamp()),
            "status": kept.status,
            "headers": json.dumps(kept.headers),
            "body": kept.body,
        }
        self._database.connection().execute(_SQL["answer"], values)

    def forget(self, credential: Credential, key: str, now: datetime) -> None:
        """What was begun at ``now`` was not done: the key is free again, unless somebody else has it since."""
        self._database.connection().execute(_SQL["forget"], self._claimed(credential, key, now))

    def _claimed(self, credential: Credential, key: str, now: datetime) -> dict[str, object]:
        """Which claim is meant: of two on one key the later ends later, as the earlier was over when it was made."""
        return {"credential": credential.id, "name": key, "claimed": int((now + GIVEN_UP_AFTER).timestamp())}

    def close(self) -> None:
        self._database.close()


def once(
    replies: Replies,
    credential: Credential,
    key: str | None,
    request: bytes,
    now: datetime,
    work: Callable[[], Response],
) -> Response:
    """What ``work`` answers, done once per ``key`` of a credential; done at every call where that is ``None``.

    ``request`` stands for all that was asked, path and content. Kept are answers that would be the same again: those of
    success, and refusals that are not retryable; after any other the same request may be sent anew. Raises Refused.
    """
    if key is None:
        return work()
    kept = replies.begin(credential, key, request, now)
    if kept is not None:
        return Response(kept.body, kept.status, kept.headers)
    try:
        response = work()
    except Refused as refused:
        if not refused.problem.retryable:
            replies.answer(credential, key, _refusal(refused.problem), now)
        raise
    else:
        if response.status_code < 500:
            replies.answer(credential, key, _answer(response), now)
        return response
    finally:
        replies.forget(credential, key, now)  # nothing, where an answer is kept now


def _answer(response: Response) -> Kept:
    headers = {name: response.headers[name] for name in _HEADERS if name in response.headers}
    return Kept(response.status_code, headers, bytes(response.body))


def _refusal(found: Problem) -> Kept:
    return Kept(found.status, dict(found.headers) | {"content-type": MEDIA_TYPE}, found.body())
