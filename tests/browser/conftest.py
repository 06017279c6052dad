"""The whole product as a newcomer starts it, and a real browser."""

import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url

from core.settings import ROOT

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
SERVER = os.environ.get("ABM_TEST_DATABASE_URL", "")
PASSWORDS = {"author": "nine green apples on a shelf", "approver": "two slow trains in the fog"}


@dataclass(frozen=True)
class Product:
    address: str
    folder: Path
    environment: dict[str, str]

    def command(self, *arguments: str, given: str = "") -> str:
        done = subprocess.run(
            [sys.executable, "-m", "abm", *arguments],
            env=self.environment,
            cwd=ROOT,
            input=given,
            text=True,
            capture_output=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """`abm start` on an empty installation, with an author and an approver."""
    folder = tmp_path_factory.mktemp("product")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("ABM_")}
    environment |= {
        "ABM_DATA_DIR": str(folder),
        "ABM_PORT": str(port),
        "ABM_BASE_URL": f"http://127.0.0.1:{port}",
        "ABM_SECRET_KEY": "browser-test-key-of-at-least-32-characters",
        "PYTHONPATH": str(ROOT),
    }
    database = _own_database(folder)
    if database:
        environment["ABM_DATABASE_URL"] = database
    made = Product(environment["ABM_BASE_URL"], folder, environment)
    with open(folder / "product.log", "w") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "abm", "start", "--empty"], env=environment, cwd=ROOT, stdout=log, stderr=log
        )
        try:
            _wait_for(made)
            made.command(
                "users",
                "create",
                "author@example.com",
                "--role",
                "marketer",
                "--name",
                "Ann Author",
                "--password-stdin",
                given=PASSWORDS["author"],
            )
            made.command(
                "users",
                "create",
                "approver@example.com",
                "--role",
                "admin",
                "--name",
                "Alan Approver",
                "--password-stdin",
                given=PASSWORDS["approver"],
            )
            yield made
        finally:
            process.terminate()
            process.wait(20)
            _drop(database)


def _wait_for(product: Product) -> None:
    deadline = time.monotonic() + 90
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(f"{product.address}/health", timeout=2):
                return
        except OSError:
            time.sleep(0.2)
    pytest.fail(f"the product did not start: {(product.folder / 'product.log').read_text()[-2000:]}")


def _server() -> Any:
    return create_engine(SERVER.replace("postgresql://", "postgresql+psycopg://"), isolation_level="AUTOCOMMIT")


def _own_database(folder: Path) -> str:
    if not SERVER:
        return ""
    name = f"abm_browser_{re.sub(r'[^a-z0-9]', '_', folder.name)}_{os.getpid()}"
    engine = _server()
    with engine.connect() as connection:
        connection.execute(text(f'CREATE DATABASE "{name}"'))
    engine.dispose()
    return make_url(SERVER).set(database=name).render_as_string(hide_password=False)


def _drop(url: str) -> None:
    if not url:
        return
    engine = _server()
    with engine.connect() as connection:
        connection.execute(text(f'DROP DATABASE "{make_url(url).database}" WITH (FORCE)'))
    engine.dispose()


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Headless Chromium. Where it is missing the tests are left out with the reason; in CI that is a failure."""
    if CHROMIUM is None:
        reason = "Chromium was not found: install the package chromium to run the browser tests"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    from playwright.sync_api import expect, sync_playwright

    expect.set_options(timeout=20_000)
    # Closed with the module: while it is open its event loop runs, and tests that run their own would fail.
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-background-networking", "--disable-sync"]
        )
        yield launched
        launched.close()


def _is_trouble(message: Any) -> bool:
    """Errors of the page; not the requests that htmx gave up because the test went on to the next page."""
    given_up = ("htmx:afterRequest", "htmx:sendError", "htmx:sendAbort")
    return message.type == "error" and not message.text.startswith(given_up)


@pytest.fixture
def sign_in(browser: Any, product: Product) -> Iterator[Any]:
    """`sign_in("author")` is a page of a browser of its own; errors in its console fail the test at the end."""
    contexts, errors = [], []

    def open_page(who: str, *, width: int = 1360, height: int = 900) -> Any:
        context = browser.new_context(viewport={"width": width, "height": height})
        context.set_default_timeout(20_000)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: errors.append(message.text) if _is_trouble(message) else None)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("dialog", lambda dialog: dialog.accept())
        page.goto(f"{product.address}/sign-in")
        page.fill("#email", f"{who}@example.com")
        page.fill("#password", PASSWORDS[who])
        page.click("button[type=submit]")
        page.wait_for_url(f"{product.address}/")
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert errors == []
