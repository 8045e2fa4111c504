"""The service's log holds listed fields and constant messages, and nothing that was passed along."""

import json
import logging
import subprocess
import sys
from datetime import datetime
from typing import Any

from services.logs import FIELDS, JsonLines

CANARY = "canary-7f3a"

PROGRAM = f"""
import asyncio, logging
from services import logs

async def forgotten():
    raise ValueError("{CANARY}")

async def work():
    asyncio.ensure_future(forgotten())
    asyncio.get_running_loop().call_soon(int, "{CANARY}")
    await asyncio.sleep(0)

logs.to_stderr()
log = logging.getLogger("services.program")
log.debug("unheard")
log.warning("follower waits for the store", extra={{"follower": "main/mail", "statement": "{CANARY}"}})
logging.getLogger("httpx").info("HTTP Request: GET %s", "https://{CANARY}.example")
asyncio.run(work())
"""


def line(
    message: str, *args: object, logger: str = "services.test", raised: Exception | None = None, **extra: object
) -> dict[str, object]:
    info = (type(raised), raised, raised.__traceback__) if raised else None
    record = logging.getLogger(logger).makeRecord(
        logger, logging.ERROR, __file__, 1, message, args, info, extra=extra, sinfo=None
    )
    found: dict[str, object] = json.loads(JsonLines().format(record))
    return found


def test_a_line_says_when_how_grave_who_and_what() -> None:
    found = line("case parked")
    assert datetime.fromisoformat(str(found.pop("at"))).tzinfo is not None
    assert found == {"level": "error", "logger": "services.test", "message": "case parked"}


def test_every_listed_field_is_written() -> None:
    given: dict[str, Any] = {name: f"the {name}" for name in FIELDS}
    assert given.items() <= line("case parked", **given).items()


def test_a_field_that_is_not_listed_is_withheld() -> None:
    found = line("case parked", position=7, score=CANARY, payload={"ors": CANARY}, case_ref=CANARY)
    assert found["position"] == 7
    assert CANARY not in json.dumps(found)


def test_of_an_error_only_the_class_gets_out() -> None:
    try:
        raise ValueError(CANARY) from RuntimeError(CANARY)
    except ValueError as error:
        found = line("failed", raised=error)
    assert found["error"] == "ValueError"
    assert CANARY not in json.dumps(found)


def test_a_message_of_a_library_is_withheld_but_who_spoke_is_told() -> None:
    found = line("retrying %s", CANARY, logger="urllib3.retry")
    assert (found["logger"], found["message"]) == ("urllib3.retry", "withheld")
    assert CANARY not in json.dumps(found)


def test_the_servers_own_messages_are_kept() -> None:
    told = line("Uvicorn running on %s://%s:%d", "http", "127.0.0.1", 8000, logger="uvicorn.error")
    assert told["message"] == "Uvicorn running on http://127.0.0.1:8000"


def test_a_process_writes_one_json_object_a_line_whoever_speaks_in_it() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    lines = [json.loads(text) for text in done.stderr.splitlines()]
    assert [(one["logger"], one.get("error")) for one in lines] == [
        ("services.program", None),
        ("asyncio", "ValueError"),
        ("asyncio", "ValueError"),
    ]
    assert lines[0]["follower"] == "main/mail"
    assert CANARY not in done.stderr + done.stdout
