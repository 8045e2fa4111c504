"""The service starts without the libraries of statistics: they take long to import, and few requests need them."""

import subprocess
import sys


def test_what_runs_the_service_does_not_import_them() -> None:
    told = (
        "import sys, services.roles, services.serving; print(*{'numpy', 'scipy', 'statsmodels'} & sys.modules.keys())"
    )
    ran = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, check=True)
    assert ran.stdout.split() == []
