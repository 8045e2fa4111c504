"""Takes the picture of a case page that the README shows, from the running demo; called by `make picture`."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

ROOT = Path(__file__).resolve().parent.parent
PORT = 8419
WANTED = re.compile(r"a stalled case\s+(\S+)\s+\(sign in as ([^)]+)\)")


def main() -> None:
    demo = subprocess.Popen(
        [sys.executable, "-m", "services", "demo", "--seed", "4", "--port", str(PORT)],
        cwd=ROOT,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        said = iter(demo.stderr or ())
        found = next(match for line in said if (match := WANTED.search(line)))
        take(found[1], found[2], ROOT / "docs" / "case-page.png")
    finally:
        demo.terminate()
        demo.wait()


def take(url: str, therapist: str, path: Path) -> None:
    """Signs in as ``therapist``, who is responsible for the case at ``url``, and keeps what they see."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 920, "height": 1180}, device_scale_factor=1.5)
        page.goto(url)
        page.get_by_role("button", name=therapist, exact=True).click()
        page.locator("figure svg").first.wait_for()
        page.screenshot(path=path)
        print(f"{path.relative_to(ROOT)} shows {page.title()}")


if __name__ == "__main__":
    main()
