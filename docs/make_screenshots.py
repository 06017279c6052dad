"""Pictures of the main pages, taken from the sample company: `.venv/bin/python docs/make_screenshots.py [FOLDER]`.

Without FOLDER only those that the README shows are kept, in docs/images.

Starts the product on a data folder and port of its own, so that nothing of yours is touched. Needs Chromium.
"""

import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

ROOT = Path(__file__).resolve().parent.parent
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
DESKTOP, PHONE = (1360, 900), (390, 844)
PAGES = {
    "today": "/",
    "accounts": "/accounts",
    "account": "/accounts/71",
    "buying-centre": "/accounts/71/people",
    "scorecards": "/scorecards",
    "plays": "/campaigns/plays",
    "analysis": "/analysis",
    "analysis-table": "/analysis/accounts",
    "lists": "/lists",
    "campaigns": "/campaigns",
    "my-day": "/my-day",
    "meetings": "/meetings",
    "win-back": "/win-back",
    "offers": "/offers",
    "imports": "/imports",
    "settings": "/settings",
    "outbox": "/outbox",
}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def start(folder: Path, port: int) -> subprocess.Popen[bytes]:
    environment = {
        **os.environ,
        "ABM_DATA_DIR": str(folder),
        "ABM_PORT": str(port),
        "ABM_BASE_URL": f"http://127.0.0.1:{port}",
        "PYTHONPATH": str(ROOT),
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "abm", "start"], env=environment, cwd=ROOT, stdout=sys.stderr, stderr=sys.stderr
    )
    for _ in range(600):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/sign-in", timeout=2):
                return process
        except OSError:
            time.sleep(0.1)
    process.terminate()
    raise SystemExit("the product did not start")


def sign_in(page: Page, address: str, folder: Path) -> None:
    role, email, password = re.split(r"\s+", (folder / "sample-users.txt").read_text().strip().splitlines()[0].strip())[
        :3
    ]
    assert role == "admin"
    page.goto(f"{address}/sign-in")
    page.fill("#email", email)
    page.fill("#password", password)
    page.click("button[type=submit]")
    page.wait_for_url(f"{address}/")


def take(browser: Browser, address: str, *, folder: Path, target: Path, size: tuple[int, int], suffix: str) -> None:
    readme, is_everything = (ROOT / "README.md").read_text(), target != ROOT / "docs" / "images"
    context = browser.new_context(viewport={"width": size[0], "height": size[1]}, color_scheme="light")
    page = context.new_page()
    problems: list[str] = []
    page.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
    sign_in(page, address, folder)
    for name, path in PAGES.items():
        if not (is_everything or f"images/{name}{suffix}.png" in readme):
            continue
        answer = page.goto(address + path)
        page.wait_for_load_state("networkidle")
        page.screenshot(path=str(target / f"{name}{suffix}.png"))
        print(f"{name}{suffix}: {answer.status if answer else '?'} {'; '.join(problems)}")
        problems.clear()
    context.close()


def main() -> int:
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "docs" / "images"
    target.mkdir(parents=True, exist_ok=True)
    port = free_port()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        product = start(folder, port)
        try:
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
                address = f"http://127.0.0.1:{port}"
                take(browser, address, folder=folder, target=target, size=DESKTOP, suffix="")
                take(browser, address, folder=folder, target=target, size=PHONE, suffix="-phone")
                browser.close()
        finally:
            product.terminate()
            product.wait(15)
    return 0


if __name__ == "__main__":
    sys.exit(main())
