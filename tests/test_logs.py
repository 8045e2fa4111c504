"""The service's log holds listed fields and constant messages, and nothing that was passed along."""

import json
import logging

from services.logs import JsonLines


def line(message: str, *, error: Exception | None = None, **extra: object) -> dict[str, object]:
    info = (type(error), error, None) if error else None
    record = logging.LogRecord("services.test", logging.ERROR, __file__, 1, message, None, info)
    record.__dict__ |= extra
    found: dict[str, object] = json.loads(JsonLines().format(record))
    return found


def test_a_listed_field_is_written_and_any_other_is_withheld() -> None:
    found = line("case parked", position=7, score="CANARY", payload={"ors": "CANARY"})
    assert found["position"] == 7
    assert "CANARY" not in json.dumps(found)


def test_of_an_error_only_the_class_gets_out() -> None:
    found = line("failed", error=ValueError("CANARY"))
    assert found["error"] == "ValueError"
    assert "CANARY" not in json.dumps(found)
