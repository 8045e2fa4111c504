"""How many events a credential may post: a bucket for each, which a minute fills, told in the RateLimit headers.

It counts events, not requests, as a batch costs what its events cost; and by credential, not by address, as a whole
clinic stands behind one. Each process counts for itself: with n processes a credential has up to n quotas.

Headers: IETF draft "RateLimit header fields for HTTP" (httpapi-ratelimit-headers). Use, at every door that takes
events, once the credential is known and the events are counted, and before anything is stored::

    headers = limits.take(credential.id, len(events), now)  # raises Refused: answer it, nothing is stored
    ...                                                     # and send ``headers`` with the answer, whatever it is
"""

import math
import threading
from collections.abc import Mapping
from datetime import datetime
from typing import Final

from services.access.problems import Refused, problem

WINDOW_SECONDS: Final = 60
_NAME: Final = '"events"'


class Limits:
    """``quota`` events a minute for each credential, no less than one request can hold. Any thread may use it."""

    def __init__(self, quota: int) -> None:
        self._quota = quota
        self._policy = f"{_NAME};q={quota};w={WINDOW_SECONDS}"
        self._buckets: dict[str, tuple[float, datetime]] = {}
        self._lock = threading.Lock()

    def take(self, credential_id: str, events: int, now: datetime) -> Mapping[str, str]:
        """Takes ``events`` from the credential's bucket, or none of them; returns the headers that say what is left.

        ``r`` is how many events may follow at once, ``t`` in how many seconds the whole quota is there again. Raises
        Refused (``quota-exceeded``), with these headers and ``Retry-After``: the seconds after which as many events
        find room.
        """
        per_second = self._quota / WINDOW_SECONDS
        with self._lock:
            left, since = self._buckets.get(credential_id, (float(self._quota), now))
            elapsed = max((now - since).total_seconds(), 0.0)  # a clock that was set back fills nothing
            left = min(left + elapsed * per_second, float(self._quota))
            enough = left >= events
            if enough:
                left -= events
            self._buckets[credential_id] = (left, now)
        full = math.ceil((self._quota - left) / per_second)
        headers = {"RateLimit-Policy": self._policy, "RateLimit": f"{_NAME};r={int(left)};t={full}"}
        if not enough:
            wait = str(max(math.ceil((events - left) / per_second), 1))
            members = {"violated-policies": ["events"]}
            raise Refused(problem("quota-exceeded", headers=headers | {"Retry-After": wait}, members=members))
        return headers
