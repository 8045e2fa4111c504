"""The service starts without libraries that take long to import and that few requests need: statistics, tokens."""

import subprocess
import sys


def test_what_runs_the_service_does_not_import_them() -> None:
    late = {"jwt", "numpy", "scipy", "statsmodels"}
    told = f"import sys, services.roles, services.serving; print(*{late} & sys.modules.keys())"
    ran = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, check=True)
    assert ran.stdout.split() == []
