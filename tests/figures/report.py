"""What a test of intervals prints: how often they held the truth, and how far the estimates were from it."""

import sys
from collections.abc import Sequence
from statistics import fmean


def report(
    of: str, within80: Sequence[bool], within95: Sequence[bool], ours: Sequence[float], raw: Sequence[float]
) -> None:
    sys.stdout.write(
        f"{of}: 80 % intervals cover {fmean(within80):.1%}, 95 % ones {fmean(within95):.1%}, of {len(ours)}; "
        f"mean squared error {fmean(ours):.4g}, of raw values {fmean(raw):.4g}\n"
    )
