"""A real Chromium without a screen, driven by the driver of the same build (Debian: chromium, chromium-driver)."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from selenium import webdriver
from selenium.common.exceptions import StaleElementReferenceException, WebDriverException
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement

from tests.engines.installation import until
from tests.engines.required import missing

PATIENCE = 20.0  # seconds; two cores that are shared with other tests can be slow


class Browser:
    """A window. What is looked for is waited for."""

    def __init__(self, driver: webdriver.Chrome, url: str) -> None:
        self.driver = driver
        self.url = url

    def open(self, path: str) -> None:
        self.driver.get(self.url + path)

    def find(self, selector: str, text: str = "") -> WebElement:
        """The first element that is seen, fits the CSS selector and has the text."""

        def look() -> WebElement | None:
            try:
                for element in self.driver.find_elements(By.CSS_SELECTOR, selector):
                    if text in element.text and element.is_displayed():
                        return element
            except StaleElementReferenceException:
                pass
            return None

        try:
            found: WebElement = until(look, PATIENCE)
        except AssertionError:
            raise AssertionError(f"no {selector} with {text!r} on this page:\n{self.text()}") from None
        return found

    def click(self, selector: str, text: str = "") -> None:
        def press() -> bool:
            try:
                self.find(selector, text).click()
            except WebDriverException:  # drawn anew between the look and the click, or still moving
                return False
            return True

        until(press, PATIENCE)

    def fill(self, selector: str, value: str) -> None:
        box = self.find(selector)
        box.clear()
        box.send_keys(value)

    def gone(self, selector: str, text: str = "") -> None:
        def look() -> bool:
            try:
                every = self.driver.find_elements(By.CSS_SELECTOR, selector)
                return not any(text in element.text for element in every)
            except StaleElementReferenceException:
                return False

        until(look, PATIENCE)

    def text(self) -> str:
        return str(self.driver.find_element(By.TAG_NAME, "body").text)

    def script(self, source: str, *given: Any) -> Any:
        return self.driver.execute_script(source, *given)

    def complaints(self) -> list[str]:
        """What the browser said of the page's own faults: scripts that broke, policies that were not kept."""
        return [
            entry["message"]
            for entry in self.driver.get_log("browser")
            if entry["level"] == "SEVERE" and "Failed to load resource" not in entry["message"]
        ]


@contextmanager
def browser(profile: Path, url: str, width: int = 1280, height: int = 900) -> Iterator[Browser]:
    """A fresh window on ``url``. Skips, or fails if it is required, where there is no Chromium."""
    program = shutil.which("chromium") or shutil.which("chromium-browser")
    driver = shutil.which("chromedriver")
    if program is None or driver is None:
        missing("browser", "apt-get install chromium chromium-driver")
    options = Options()
    options.binary_location = program
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    arguments = ["--headless=new", "--disable-dev-shm-usage", "--no-proxy-server", "--disable-gpu"]
    arguments += [f"--user-data-dir={profile}", f"--window-size={width},{height}"]
    if os.geteuid() == 0:
        arguments.append("--no-sandbox")  # Chromium's own sandbox does not start for root
    for argument in arguments:
        options.add_argument(argument)
    window = webdriver.Chrome(options=options, service=Service(driver))
    try:
        yield Browser(window, url)
    finally:
        window.quit()
