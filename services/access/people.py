"""The registry of a network's therapists: whom a notice goes to, and in which zone their day begins.

It is no part of the event log: an entry is replaced, and events name therapists by reference only.
"""

from collections.abc import Callable
from functools import cache
from typing import Annotated, Final
from zoneinfo import available_timezones

from pydantic import AfterValidator, StringConstraints
from pydantic_core import PydanticCustomError

from contracts.data import Closed, Ref
from services.database.ports import Database
from services.database.texts import statements

_SQL: Final = statements("services.access", "people")
SCHEMA: Final = _SQL["schema"]


@cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())


def _known_zone(name: str) -> str:
    if name not in _zones():
        raise PydanticCustomError("unknown_time_zone", "not in the IANA time zone database")
    return name


Name = Annotated[str, StringConstraints(pattern=r"^[^\p{C}]{1,200}$")]
Address = Annotated[
    str,
    StringConstraints(
        pattern=r"^[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*$", max_length=254
    ),
]
"""A mail address as HTML's input field understands it, https://html.spec.whatwg.org/#valid-e-mail-address."""
TimeZone = Annotated[str, AfterValidator(_known_zone)]
"""A zone of the IANA database, as ``Europe/Berlin``."""


class TherapistEntry(Closed):
    """What a record system tells of a therapist."""

    name: Name
    email: Address
    time_zone: TimeZone
    supervisor_ref: Ref | None = None
    clinic: Ref | None = None


class Therapist(TherapistEntry):
    ref: Ref


class People:
    """The therapists of one network, in the tables of ``SCHEMA``. Any thread may use it."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def put(self, therapist: Therapist, allowed: Callable[[Therapist | None], object] = lambda _: None) -> bool:
        """Durably enters the therapist, or replaces the entry; returns whether there was one.

        ``allowed`` sees the entry that will be replaced, ``None`` where there is none, and nobody changes it meanwhile;
        where it raises, nothing was changed.
        """
        values = therapist.model_dump()
        while True:
            with self._database.transaction() as connection:
                row = connection.execute(_SQL["held"], {"ref": therapist.ref}).fetchone()
                allowed(None if row is None else Therapist(**dict(row)))
                # What is not there cannot be held: somebody else may enter it first, and the rules are asked again.
                if connection.execute(_SQL["enter" if row is None else "replace"], values).rowcount == 1:
                    return row is not None

    def get(self, ref: str) -> Therapist | None:
        row = self._database.connection().execute(_SQL["get"], {"ref": ref}).fetchone()
        return None if row is None else Therapist(**dict(row))

    def after(self, ref: str, limit: int) -> list[Therapist]:
        """The next therapists beyond ``ref``, in the order of their references."""
        rows = self._database.connection().execute(_SQL["after"], {"ref": ref, "limit": limit})
        return [Therapist(**dict(row)) for row in rows]

    def everyone(self) -> list[Therapist]:
        """All therapists, in the order of their references."""
        return [Therapist(**dict(row)) for row in self._database.connection().execute(_SQL["all"])]

    def close(self) -> None:
        self._database.close()
