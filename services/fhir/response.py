"""QuestionnaireResponse -> measure.recorded, of a Questionnaire that is known by its canonical; or measure.declined.

The total is the one that the response declares. Where all items can be worked out it must be their sum, or it is that
sum where none is declared. The items are then dropped: they are added up in memory and stored nowhere.
"""

from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from contracts.events import MeasureDeclined
from contracts.fhir import Questionnaire
from services.fhir.context import Context, Discarded, Translated
from services.fhir.making import made, retracted
from services.fhir.measure import Scores, instrument_use, recorded
from services.fhir.origin import Sender, client_of, origin, session_of
from services.fhir.values import Element, Moment, moment, part, parts, refused, score, text

_TOLERANCE: Final = 1e-6


class _Answer(NamedTuple):
    """The one answer that was given to an item, and the pointer to it."""

    content: Element
    place: str


def translate(resource: Element, context: Context) -> Translated | Discarded:
    """The event that a QuestionnaireResponse tells of. Raises Refused."""
    if resource["status"] == "in-progress":
        return Discarded("status")
    known = _questionnaire(resource, context)
    when = moment(resource, "authored")
    if when is None and resource["status"] != "entered-in-error":
        raise refused("/authored", "missing")
    when = when or Moment(context.now, None)
    sender = Sender(
        resource,
        "/subject",
        when.at,
        client_of(resource, "subject", context),
        session_of(resource.get("encounter"), context),
        organizations=[("/author", resource.get("author"))],
    )
    if resource["status"] == "entered-in-error":
        return Translated(retracted(sender, context))
    if resource["status"] == "stopped":
        return Translated((_declined(known, sender, when, context),))
    scores = Scores(known.instrument, known.version, _scores(resource, known, context))
    amended = resource["status"] == "amended"
    return Translated((recorded(scores, sender, (when, "/authored"), context, amended=amended),))


def _questionnaire(resource: Element, context: Context) -> Questionnaire:
    canonical = text(resource, "questionnaire")
    if canonical is None:
        raise refused("/questionnaire", "missing")
    found = context.codes.questionnaires.get(canonical.partition("|")[0])
    if found is None:
        raise refused("/questionnaire", "unknown_code", "unknown-instrument")
    return found


def _declined(known: Questionnaire, sender: Sender, when: Moment, context: Context) -> MeasureDeclined:
    content: dict[str, Any] = {
        "session_ref": sender.encounter,
        "instrument": instrument_use(known.instrument, known.version),
        "respondent": context.catalogue[known.instrument, known.version].respondents[0],
        "reason": "declined",
    }
    return made(MeasureDeclined, content, origin(sender, context), (when.at, "/authored"), context)


def _scores(resource: Element, known: Questionnaire, context: Context) -> list[tuple[str, float, str]]:
    """Scale, value and pointer of each score. Raises Refused (``score-mismatch``) where the total is not the sum."""
    answers = dict(_answers(resource, ""))
    given = [(scale, answer) for link, scale in known.scales.items() if (answer := answers.get(link)) is not None]
    found = [(scale, *value) for scale, answer in given if (value := score(answer.content, answer.place)) is not None]
    points = [one for link in known.items if (one := _points(answers.get(link), known)) is not None]
    if points and len(points) == len(known.items):
        total = context.catalogue[known.instrument, known.version].total.name
        declared = next((one for one in found if one[0] == total), None)
        if declared is None:
            return [*found, (total, sum(points), "/item")]
        if abs(declared[1] - sum(points)) > _TOLERANCE:
            raise refused(declared[2], "mismatch", "score-mismatch")
    if not found:
        raise refused("/item", "total_missing")
    return found


def _answers(element: Element, place: str) -> Iterator[tuple[str, _Answer | None]]:
    """The answer to each item by its linkId; None where an item has several, or where two items have one linkId."""
    seen: set[str] = set()
    for link, answer in _all_answers(element, place):
        yield link, None if link in seen else answer
        seen.add(link)


def _all_answers(element: Element, place: str) -> Iterator[tuple[str, _Answer | None]]:
    """In the order in which they stand, whether in groups or below other answers."""
    for index, item in parts(element, "item"):
        below = f"{place}/item/{index}"
        given = list(parts(item, "answer"))
        link = text(item, "linkId")
        if given and link is not None:
            yield link, _Answer(given[0][1], f"{below}/answer/0") if len(given) == 1 else None
        yield from _all_answers(item, below)
        for number, answer in given:
            yield from _all_answers(answer, f"{below}/answer/{number}")


def _points(answer: _Answer | None, known: Questionnaire) -> float | None:
    """What the answer to an item is worth; None where it cannot be told."""
    if answer is None:
        return None
    coding = part(answer.content, "valueCoding")
    if coding:
        return known.answers.get(f"{text(coding, 'system')}|{text(coding, 'code')}")
    value = answer.content.get("valueInteger", answer.content.get("valueDecimal"))
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None
