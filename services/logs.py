"""The service's own log: one JSON object a line, with named fields from a closed list and nothing else.

A message is a constant of the code; what varies stands in a field, and a field that is not listed is withheld, so
that nothing about a client can get into a log by being passed along. Tracebacks are reduced to the error's class.
Libraries make messages of what they hold at the time (asyncio of a task's error, say), so theirs are withheld too.
"""

import json
import logging
from datetime import UTC, datetime
from typing import Final

from typing_extensions import override

FIELDS: Final = ("follower", "error", "position", "outcome", "attempts", "step", "code", "network", "url")
CONSTANT: Final = frozenset({"services", "uvicorn"})
"""Whose messages say nothing but what the code says."""


class JsonLines(logging.Formatter):
    @override
    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage() if record.name.partition(".")[0] in CONSTANT else "withheld",
        }
        line |= {name: value for name in FIELDS if (value := getattr(record, name, None)) is not None}
        if record.exc_info and record.exc_info[0]:
            line["error"] = record.exc_info[0].__name__
        return json.dumps(line)


def to_stderr(level: int = logging.INFO) -> None:
    """Sends this process's log to standard error."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonLines())
    logging.basicConfig(level=level, handlers=[handler], force=True)
    for chatty in ("httpx", "kafka"):  # every URL, every connection
        logging.getLogger(chatty).setLevel(logging.WARNING)
