"""The benchmarks work: each prints its ratio, in a size that means nothing."""

import pytest

from benchmarks.__main__ import main, results
from benchmarks.measured import Compared

RATIOS = {
    "storing": 1,
    "following": 2,
    "deciding": 1,
    "trying": 1,
    "posting": 3,
    "relaying": 4,
    "accepting": 2,
    "translating": 1,
    "importing": 1,
}


@pytest.mark.parametrize("name", RATIOS)
def test_each_benchmark_prints_its_ratios(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--tiny", "--only", name]) == 0
    assert capsys.readouterr().out.count("ratio") == RATIOS[name]


def test_a_ratio_is_the_median_of_what_was_measured_side_by_side() -> None:
    line = Compared("a", "b", "events/s", [1, 4, 9], [2, 4, 3], aim=1.5)
    assert line.ratio == 1
    assert line.verdict == "aim 1.50: missed by 0.50"
    assert "- a / b: ratio 1.00 (0.50-3.00)" in results([line])
