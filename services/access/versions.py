"""Versions of what can be changed: entity tags, and the headers by which a request says which version it means.

Source: RFC 9110, sections 8.8.3 (ETag), 13.1.1 (If-Match), 13.1.2 (If-None-Match) and 13.2.2 (which comes first);
RFC 6585, section 3 (428). A route that changes takes ``Annotated[Preconditions, Depends(preconditions)]``, or
``preconditions_required`` where a change must name its version; the store calls ``check`` with the tag of what it
holds, in the very transaction that changes it. A route that reads takes ``known_version``.
"""

import hashlib
from typing import Annotated, Final, NamedTuple

from fastapi import Depends, Header
from pydantic import BaseModel

from services.access.problems import Refused, problem

ETAG: Final = "ETag"
_TAG: Final = r'(?:W/)?"[\x21\x23-\x7e]*"'
_TAGS: Final = rf"^(?:\*|{_TAG}(?:[ \t]*,[ \t]*{_TAG})*)$"


def tag_of(entity: BaseModel) -> str:
    """A strong entity tag: equal exactly where the content is, whichever process or release of the store answers.

    16 bytes of the SHA-256 of the content in JSON, in hex and in quotes.
    """
    return f'"{hashlib.sha256(entity.model_dump_json().encode()).hexdigest()[:32]}"'


class Preconditions(NamedTuple):
    """What a request says of the version that it means; nothing, where both are ``None``."""

    if_match: str | None = None
    if_none_match: str | None = None

    def check(self, current: str | None) -> None:
        """``current`` is the tag of what is there, ``None`` where there is nothing.

        Raises Refused (``precondition-failed``) where a change must not be made.
        """
        if self.if_match is not None and not _holds(self.if_match, current, weak=False):
            raise Refused(problem("precondition-failed"))
        if self.if_none_match is not None and _holds(self.if_none_match, current, weak=True):
            raise Refused(problem("precondition-failed"))

    def has(self, current: str) -> bool:
        """Whether whoever reads has this version already: the answer is then 304 without a body."""
        return self.if_none_match is not None and _holds(self.if_none_match, current, weak=True)


def _holds(condition: str, current: str | None, *, weak: bool) -> bool:
    """``*`` holds for whatever is there, a list for what it names. Our own tags are all strong."""
    if current is None:
        return False
    tags = [tag.strip() for tag in condition.split(",")]  # our own tags hold no comma, and others' match none of them
    return tags == ["*"] or current in tags or (weak and f"W/{current}" in tags)


IfMatch = Annotated[
    str | None,
    Header(alias="If-Match", pattern=_TAGS, max_length=1_000, description="Change this version only (RFC 9110)"),
]
IfNoneMatch = Annotated[
    str | None,
    Header(
        alias="If-None-Match",
        pattern=_TAGS,
        max_length=1_000,
        description="`*`: only where there is nothing yet; on reading: only what is newer than this (RFC 9110)",
    ),
]


def preconditions(if_match: IfMatch = None, if_none_match: IfNoneMatch = None) -> Preconditions:
    """A dependency of routes that change. A header that is none by the RFC is refused (``validation``)."""
    return Preconditions(if_match, if_none_match)


def known_version(if_none_match: IfNoneMatch = None) -> Preconditions:
    """A dependency of routes that read: what the reader has already."""
    return Preconditions(None, if_none_match)


def preconditions_required(stated: Annotated[Preconditions, Depends(preconditions)]) -> Preconditions:
    """A dependency of routes that change what several may change. Raises Refused (``precondition-required``)."""
    if stated.if_match is None and stated.if_none_match is None:
        raise Refused(problem("precondition-required"))
    return stated
