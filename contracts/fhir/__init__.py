"""What the codes of FHIR resources mean: read from codes.toml beside this module, and from an installation's own file.

A code names a scale of an instrument, something that is known and never kept, a preference, or a role. What nobody
listed is no code of ours. Each scale of each instrument has a code of our own besides: ``phq9-total`` means the first
version of the instrument's file, ``ors-adolescent-total`` a version by its name.
"""

import tomllib
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from importlib.resources import files
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Final, Literal, NamedTuple, TypeAlias

from pydantic import Field, StringConstraints, model_validator

from contracts.agreement import PreferenceRecordedData
from contracts.data import Closed, Code
from contracts.instruments import Instrument, catalogue

SCALES: Final = "urn:resonance:fhir:resonance-scale"
"""The code system of our own scales."""
ROLES: Final = "urn:resonance:fhir:resonance-role"
STANCES: Final = "urn:resonance:fhir:resonance-stance"

Token = Annotated[str, StringConstraints(pattern=r"^[^|\s]+\|[^|\s]+$")]
"""A code as FHIR searches write it: ``system|code``."""
Coding: TypeAlias = tuple[str, str]
"""System and code."""
Role = Literal["primary", "co", "supervisor"]
_listed: Final = Field(strict=False)  # TOML knows lists, no tuples


class Scored(NamedTuple):
    """The code means this scale of this version of an instrument."""

    instrument: str
    version: str
    scale: str


class Dropped(NamedTuple):
    """The code is known, and what bears it is never kept."""

    reason: Literal["panel", "item", "other_scale"]


class Wish(Closed):
    """The code means this entry of the client's preferences."""

    code: Token
    kind: Literal["preference", "theory_of_change"]
    domain: Code
    aspect: Code | None = None
    stance: Code

    @model_validator(mode="after")
    def _is_an_entry(self) -> "Wish":
        PreferenceRecordedData(**self.model_dump(exclude={"code"}))
        return self


Meaning: TypeAlias = Scored | Dropped | Wish


class Questionnaire(Closed):
    """How the answers to a Questionnaire are read.

    ``scales`` names the scale that the answer to a linkId is. ``items`` are the linkIds of the items that add up to the
    total and are not kept; a coded answer is worth the points of ``answers``, a number is worth itself.
    """

    canonicals: Annotated[tuple[str, ...], _listed]
    instrument: Code
    version: Code
    scales: dict[str, Code] = Field(default_factory=dict)
    items: Annotated[tuple[str, ...], _listed] = ()
    answers: dict[Token, float] = Field(default_factory=dict)


class Codes(NamedTuple):
    """Everything that is known, by system and code, and the Questionnaires by their canonicals."""

    meanings: Mapping[Coding, Meaning]
    roles: Mapping[Coding, Role]
    questionnaires: Mapping[str, Questionnaire]


class _Scale(Closed):
    instrument: Code
    version: Code
    scale: Code
    codes: Annotated[tuple[Token, ...], _listed]


class _File(Closed):
    scales: Annotated[tuple[_Scale, ...], _listed] = ()
    dropped: dict[Literal["panel", "item", "other_scale"], list[Token]] = Field(default_factory=dict)
    wishes: Annotated[tuple[Wish, ...], _listed] = ()
    roles: dict[Token, Role] = Field(default_factory=dict)
    questionnaires: Annotated[tuple[Questionnaire, ...], _listed] = ()


@cache
def codes(own: Path | None = None) -> Codes:
    """All codes: ours, those of codes.toml, and on top of them those of the file ``own``.

    Raises ValueError where a file does not say what it should, OSError where it cannot be read.
    """
    texts = [files(__name__).joinpath("codes.toml").read_text("utf-8")]
    if own is not None:
        texts.append(own.read_text("utf-8"))
    return read(texts)


def read(texts: list[str]) -> Codes:
    """The codes that TOML ``texts`` list, each holding over those before it. Raises ValueError."""
    meanings: dict[Coding, Meaning] = dict(own_scales())
    roles: dict[Coding, Role] = {}
    questionnaires = {questionnaire_of(*key): _own_questionnaire(one) for key, one in catalogue().items()}
    for text in texts:
        said = _File.model_validate(tomllib.loads(text))
        for one in said.scales:
            _check(one.instrument, one.version, [one.scale])
            meanings |= dict.fromkeys(map(coding, one.codes), Scored(one.instrument, one.version, one.scale))
        for reason, tokens in said.dropped.items():
            meanings |= dict.fromkeys(map(coding, tokens), Dropped(reason))
        meanings |= {coding(wish.code): wish for wish in said.wishes}
        roles |= {coding(token): role for token, role in said.roles.items()}
        for known in said.questionnaires:
            _check(known.instrument, known.version, known.scales.values())
            questionnaires |= dict.fromkeys(known.canonicals, known)
    return Codes(MappingProxyType(meanings), MappingProxyType(roles), MappingProxyType(questionnaires))


def coding(token: str) -> Coding:
    """System and code of a ``system|code``."""
    system, _, code = token.partition("|")
    return system, code


def own_scales() -> Iterator[tuple[Coding, Scored]]:
    """The codes of our own system, and what each means."""
    first: dict[str, str] = {}
    for (key, version), instrument in catalogue().items():
        short = first.setdefault(key, version) == version
        for scale in scales(instrument):
            meant = Scored(key, version, scale)
            if short:
                yield (SCALES, f"{key}-{scale}"), meant
            yield (SCALES, f"{key}-{version}-{scale}"), meant


def questionnaire_of(key: str, version: str) -> str:
    """The canonical of our own Questionnaire of an instrument: its linkIds are the names of the scales."""
    return f"urn:resonance:fhir:questionnaire:{key}:{version}"


def _own_questionnaire(instrument: Instrument) -> Questionnaire:
    canonical = questionnaire_of(instrument.key, instrument.version)
    named = {scale: scale for scale in scales(instrument)}
    return Questionnaire(canonicals=(canonical,), instrument=instrument.key, version=instrument.version, scales=named)


def scales(instrument: Instrument) -> list[str]:
    """The names of all scales of ``instrument``, its total first."""
    return [instrument.total.name, *(part.name for part in instrument.parts)]


def _check(key: str, version: str, named: Iterable[str]) -> None:
    instrument = catalogue().get((key, version))
    if instrument is None:
        raise ValueError(f"no instrument {key} {version} is listed")
    unknown = set(named) - set(scales(instrument))
    if unknown:
        raise ValueError(f"{key} has no scale {min(unknown)}")
