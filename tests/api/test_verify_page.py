"""The page on which people verify a file, in a browser."""

import base64
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect, sync_playwright

from customer_export.demo.customers import TYPICAL
from server_process import ServerProcess
from servers import PATIENCE_SECONDS

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no chromium is installed (Debian: apt-get install chromium)")

DROP = """([name, data]) => {
  const bytes = Uint8Array.from(atob(data), (character) => character.charCodeAt(0));
  const carried = new DataTransfer();
  carried.items.add(new File([bytes], name));
  document.getElementById("drop").dispatchEvent(new DragEvent("drop", {dataTransfer: carried, bubbles: true}));
}"""


@pytest.fixture
def page(sqlite_server: ServerProcess) -> Iterator[Page]:
    """The page, open; the test fails if a browser complains of anything, such as a breach of its policy."""
    complaints: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        shown = browser.new_page(viewport={"width": 900, "height": 1100})
        shown.on("console", lambda message: complaints.append(message.text))
        shown.on("pageerror", lambda failure: complaints.append(str(failure)))
        shown.goto(f"{sqlite_server.url}/console/verify")
        yield shown
        browser.close()
    assert complaints == []


@pytest.fixture
def files(sqlite_server: ServerProcess, tmp_path: Path) -> Path:
    """A folder with a CSV, its manifest and a ZIP, as they were downloaded."""
    for form in ("csv", "zip"):
        made = sqlite_server.get(TYPICAL.id, format=form)
        sqlite_server.outcome(made.headers["x-export-id"])
        (tmp_path / f"a.{form}").write_bytes(made.content)
        (tmp_path / f"a.{form}.json").write_bytes(sqlite_server.manifest(made.headers["x-export-id"]).content)
    return tmp_path


def check(page: Page, server: ServerProcess, told: str) -> None:
    page.get_by_label("Your access token").fill(server.admin_token)
    page.get_by_role("button", name="Check the file").click()
    expect(page.locator("#outcome")).to_have_text(told, timeout=1_000 * PATIENCE_SECONDS)


def test_a_file_that_is_dropped_is_whole(page: Page, files: Path, sqlite_server: ServerProcess) -> None:
    page.evaluate(DROP, ["a.zip", base64.b64encode((files / "a.zip").read_bytes()).decode()])
    assert page.locator("#chosen").inner_text().startswith("a.zip (")
    assert page.locator("#file").input_value().endswith("a.zip")
    check(page, sqlite_server, "Yes: it is whole and unchanged")
    assert page.locator("#facts").inner_text().count(TYPICAL.id) == 1
    assert "on record on this server" in page.locator("#facts").inner_text()


def test_a_file_that_was_changed_is_told_with_what_is_wrong(
    page: Page, files: Path, sqlite_server: ServerProcess
) -> None:
    file = files / "a.csv"
    file.write_bytes(file.read_bytes()[: -(1 << 10)].rpartition(b"\r\n")[0] + b"\r\n")
    page.locator("#file").set_input_files(file)
    page.get_by_text("I have its manifest").click()
    page.locator("#manifest").set_input_files(files / "a.csv.json")
    check(page, sqlite_server, "No: do not use this file")
    assert "missing" in page.locator("#findings").inner_text()


def test_what_is_missing_is_told(page: Page, files: Path, sqlite_server: ServerProcess) -> None:
    page.get_by_role("button", name="Check the file").click()
    expect(page.locator("#outcome")).to_have_text("Choose a file first")
    page.locator("#file").set_input_files(files / "a.csv")
    page.get_by_role("button", name="Check the file").click()
    expect(page.locator("#outcome")).to_have_text("Your access token is missing")
    check(page, sqlite_server, "That can't be told")
    assert "manifest" in page.locator("#advice").inner_text()
