"""Made-up networks as histories for `resonance try-policy`."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path

from contracts.policies import Policy
from services.simulation.history import final_courses, recorded
from services.simulation.judge import cross_fitted, network, read
from services.simulation.posts import Post
from services.whatif.history import History


def from_files(events: Path, truth: Path | None, policy: Policy) -> History:
    """What `resonance simulate` wrote. Raises OSError, and ValueError where a line or the whole is not that."""
    return _history(*read(events, truth), policy)


def from_seed(seed: int, cases: int, policy: Policy) -> History:
    """The network that `resonance judge-alerts` makes of the same seed."""
    return _history(*network(seed, cases), policy)


def _history(posts: Sequence[Post], truth: Mapping[str, bool], policy: Policy) -> History:
    """Each case keeps norms that other cases made, as none were adopted."""
    norms = cross_fitted(final_courses(posts), policy)
    return History(recorded(posts), posts[-1].posted_at + timedelta(days=1), norms=norms, truth=truth or None)
