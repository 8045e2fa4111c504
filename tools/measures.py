"""Which scores each instrument takes, as a release keeps it; and which of those a later catalogue refuses.

Schemas do not say it: an instrument is data, and what it no longer takes is refused as any other fault of an event.
"""

from collections.abc import Iterator
from math import isclose
from typing import Any, Final, TypeAlias

from contracts.instruments import Scale, catalogue

Taken: TypeAlias = dict[str, dict[str, Any]]
"""By key and version."""
_WITHIN: Final = 1e-6


def taken() -> Taken:
    """What the present catalogue takes."""
    return {
        f"{instrument.key} {instrument.version}": {
            "respondents": sorted(instrument.respondents),
            "total": instrument.total.name,
            "items": sorted(item.name for item in instrument.items),
            "scales": {name: _range(scale) for name, scale in instrument.scales.items()},
        }
        for instrument in catalogue().values()
    }


def _range(scale: Scale) -> dict[str, float | None]:
    return {"minimum": scale.minimum, "maximum": scale.maximum, "step": scale.step}


def refused(old: Taken, new: Taken) -> list[str]:
    """What of ``old`` is not taken by ``new``."""
    return [f"{name}: {why}" for name, was in old.items() for why in _lost(was, new.get(name))]


def _lost(was: dict[str, Any], now: dict[str, Any] | None) -> Iterator[str]:
    if now is None:
        yield "the instrument is gone"
        return
    for respondent in sorted(set(was["respondents"]) - set(now["respondents"])):
        yield f"{respondent} no longer fills it in"
    if (was["total"], was["items"]) != (now["total"], now["items"]):
        yield "other items make up the total"
    for name, scale in was["scales"].items():
        if name not in now["scales"]:
            yield f"the scale {name} is gone"
        elif not _holds(scale, now["scales"][name]):
            yield f"the scale {name} takes fewer scores"


def _holds(was: dict[str, Any], now: dict[str, Any]) -> bool:
    if not now["minimum"] <= was["minimum"] <= was["maximum"] <= now["maximum"]:
        return False
    if now["step"] is None:
        return True
    steps = ((was["minimum"] - now["minimum"]) / now["step"], (was["step"] or 0) / now["step"])
    return was["step"] is not None and all(isclose(one, round(one), abs_tol=_WITHIN) for one in steps)
