"""Alliance and outcome between therapists and within: an independent implementation, and known slopes found again."""

from statistics import fmean

import numpy as np
import pytest
from statsmodels.regression.mixed_linear_model import MixedLM

from contracts.policies import policy
from services.figures.mixed import fit
from services.figures.shrinkage import Numbers
from services.figures.split import Paired, design, split
from services.projections.tables import Counted
from tests.figures.networks import ORS, SRS, case, series

POLICY = policy()


def drawn(
    rng: np.random.Generator, within: float, between: float, therapists: int = 60, each: int = 25
) -> list[Paired]:
    """Cases in which a point of alliance goes with known amounts of outcome."""
    found = []
    for number in range(therapists):
        level, lift = rng.normal(0, 1.2), rng.normal(0, 1.0)
        for _ in range(each):
            own, first = rng.normal(0, 2.5), rng.uniform(8, 24)
            last = 12 + 0.5 * first + between * level + within * own + lift + rng.normal(0, 5)
            found.append(Paired(f"th_{number:02d}", 33 + level + own, first, last))
    return found


def cases(paired: list[Paired]) -> list[Counted]:
    return [
        case(one.therapist_ref, series([one.first, one.last]), series([one.alliance], SRS), sessions=2)
        for one in paired
    ]


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_coefficients_and_variances_agree_with_statsmodels(seed: int) -> None:
    """Coefficients to a thousandth of a point, variances to half a percent, standard errors to one percent."""
    paired = drawn(np.random.default_rng(seed), 0.4, 1.1)
    y, x = design(paired)
    owners = [one.therapist_ref for one in paired]
    ours, theirs = fit(y, x, owners), MixedLM(y, x, groups=owners).fit(reml=True)
    assert ours.coefficients == pytest.approx(np.asarray(theirs.fe_params), abs=1e-3)
    assert ours.within == pytest.approx(theirs.scale, rel=0.005)
    assert ours.between == pytest.approx(float(np.asarray(theirs.cov_re)[0, 0]), rel=0.005)
    assert np.sqrt(np.diag(ours.covariance)) == pytest.approx(np.asarray(theirs.bse_fe), rel=0.01)


def test_where_therapists_do_not_differ_it_is_plain_least_squares() -> None:
    rng = np.random.default_rng(9)
    places = np.arange(200) % 10

    def level(values: Numbers) -> Numbers:
        found: Numbers = values - np.array([fmean(values[places == place]) for place in places])
        return found

    slopes = level(rng.normal(size=200))
    x = np.column_stack([np.ones(200), slopes])
    y = 1 + 2 * slopes + level(rng.normal(size=200))  # so that no two therapists' means differ
    found = fit(y, x, places.tolist())
    assert found.between == pytest.approx(0, abs=1e-3)
    assert found.coefficients == pytest.approx(np.linalg.lstsq(x, y, rcond=None)[0], abs=1e-3)


def test_the_known_slopes_lie_in_their_intervals_at_the_nominal_rate() -> None:
    rng = np.random.default_rng(5)
    held = []
    for _ in range(40):
        found = split(cases(drawn(rng, 0.4, 1.1, therapists=30, each=12)), POLICY)
        assert found is not None
        held.append(found.within.interval95[0] <= 0.4 <= found.within.interval95[1])
        held.append(found.between.interval95[0] <= 1.1 <= found.between.interval95[1])
    assert 0.88 <= np.mean(held) <= 1


def test_the_two_levels_are_kept_apart() -> None:
    """Where only therapists' means go with outcome, a client's own difference from them does not."""
    found = split(cases(drawn(np.random.default_rng(6), 0.0, 2.0)), POLICY)
    assert found is not None
    assert found.within.interval95[0] < 0 < found.within.interval95[1]
    assert found.between.interval95[0] > 1
    assert (found.outcome, found.alliance, found.cases, found.therapists) == (ORS, SRS, 1500, 60)


def test_too_few_therapists_or_cases_and_alliances_that_do_not_differ_give_no_relation() -> None:
    rng = np.random.default_rng(7)
    assert split(cases(drawn(rng, 0.4, 1.1, therapists=4)), POLICY) is None
    assert split(cases(drawn(rng, 0.4, 1.1, therapists=6, each=2)), POLICY) is None
    flat = [one._replace(alliance=40.0) for one in drawn(rng, 0.4, 1.1)]
    assert split(cases(flat), POLICY) is None
    assert split([], POLICY) is None


def test_where_one_number_never_differs_or_follows_from_the_others_there_is_no_relation() -> None:
    drawn_ = drawn(np.random.default_rng(10), 0.4, 1.1, therapists=6, each=12)
    therapists = {ref: place for place, ref in enumerate(sorted({one.therapist_ref for one in drawn_}))}
    degenerate = (
        [one._replace(first=12.3) for one in drawn_],
        [one._replace(last=20.1) for one in drawn_],
        [one._replace(last=one.first + 7.1) for one in drawn_],
        [one._replace(alliance=30.1 + 0.7 * therapists[one.therapist_ref]) for one in drawn_],
    )
    assert [split(cases(some), POLICY) for some in degenerate] == [None] * 4


def test_open_cases_and_cases_that_began_above_the_cutoff_are_left_out() -> None:
    counted = cases(drawn(np.random.default_rng(8), 0.4, 1.1))
    more = [
        case("th_01", series([30, 40]), series([40], SRS)),
        case("th_01", series([10, 40]), series([20], SRS), ending=None),
    ]
    assert split([*counted, *more], POLICY) == split(counted, POLICY)
