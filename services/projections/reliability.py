"""How far a score can be trusted, and where functioning begins: the formulas of Jacobson & Truax.

Source: Jacobson & Truax 1991, doi 10.1037/0022-006X.59.1.12. A confidence is two-sided, above 0 and below 1; 0.95 gives
their 1.96. Errors and scores are in the instrument's points.
"""

from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from math import sqrt
from statistics import NormalDist
from types import MappingProxyType
from typing import NamedTuple

from contracts.instruments import Instrument, Sample, catalogue


class Criteria(NamedTuple):
    """Where functioning begins: two deviations from the clients' mean, from that of those who are well, and between."""

    a: float
    b: float
    c: float


def error_of_score(deviation: float, reliability: float) -> float:
    """S_E, the standard error of one score."""
    return deviation * sqrt(1 - reliability)


def error_of_difference(error: float) -> float:
    """S_diff, the standard error of a difference between two scores with ``error`` each."""
    return sqrt(2) * error


def reliable_change_index(first: float, last: float, error: float) -> float:
    """RC: how many standard errors of a difference lie between two scores; beyond ±1.96 it is reliable at 0.95."""
    return (last - first) / error_of_difference(error)


def least_reliable_change(error: float, confidence: float) -> float:
    """The smallest difference that is reliable at ``confidence``."""
    return _bound(confidence) * error_of_difference(error)


def criteria(clinical: Sample, functional: Sample) -> Criteria:
    """The three cutoffs; ``c`` is where both groups, taken for normal, lie equally many deviations away."""
    way = 1 if functional.mean > clinical.mean else -1
    both = clinical.deviation + functional.deviation
    return Criteria(
        clinical.mean + way * 2 * clinical.deviation,
        functional.mean - way * 2 * functional.deviation,
        (clinical.deviation * functional.mean + functional.deviation * clinical.mean) / both,
    )


def standard_error(instrument: Instrument) -> float | None:
    """The standard error of one score: the one that the instrument's reliable change was computed from.

    Where there is no such number, that of its clinical sample and reliability; None where those are not known either.
    """
    size, confidence = instrument.reliable_change, instrument.reliable_change_confidence
    if size is not None:
        return None if confidence is None else size / (_bound(confidence) * sqrt(2))
    if instrument.clinical_sample is None or instrument.reliability is None:
        return None
    return error_of_score(instrument.clinical_sample.deviation, instrument.reliability)


@cache
def catalogue_at(confidence: float | None) -> Mapping[tuple[str, str], Instrument]:
    """The instruments with their reliable change at ``confidence``; as stated with None, or where no error is known."""
    if confidence is None:
        return catalogue()
    return MappingProxyType({key: _at_confidence(one, confidence) for key, one in catalogue().items()})


def _at_confidence(instrument: Instrument, confidence: float) -> Instrument:
    error = standard_error(instrument)
    stated = instrument.reliable_change is not None and instrument.reliable_change_confidence == confidence
    if error is None or stated:
        return instrument
    return replace(
        instrument,
        reliable_change=round(least_reliable_change(error, confidence), 2),
        reliable_change_source=f"at the policy's confidence, from: {instrument.reliable_change_source}",
        reliable_change_confidence=confidence,
    )


@cache
def _bound(confidence: float) -> float:
    return NormalDist().inv_cdf((1 + confidence) / 2)
