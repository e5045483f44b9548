"""Test cases with the page open in a headless Chromium."""

from __future__ import annotations

import importlib.util
import tempfile
import unittest
from pathlib import Path
from typing import Any

import tensorflow as tf
from page_fake import PageFake
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

_SCRIPT = Path(__file__).parents[3] / "docs" / "screenshot.py"
_spec = importlib.util.spec_from_file_location("screenshot", _SCRIPT)
screenshot = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(screenshot)

TIMEOUT_SECONDS = 60  # generous: the machine may be loaded


class BrowserCase(tf.test.TestCase):
    """One browser for all tests of a class; every test loads the page of `address` anew."""

    address: str

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        if screenshot.find_chromium() is None:
            raise unittest.SkipTest("no Chromium here; on Debian: apt-get install chromium chromium-driver")
        profile = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        cls.addClassCleanup(profile.cleanup)
        cls.driver = screenshot.open_chromium(profile.name)
        cls.addClassCleanup(cls.driver.quit)
        cls.driver.set_script_timeout(TIMEOUT_SECONDS)

    def setUp(self):
        super().setUp()
        screenshot.set_window(self.driver, 1180)
        self.driver.get_log("browser")  # forgets what others logged
        self.addCleanup(self.driver.get, "about:blank")  # its polls do not count for the next test

    def open(self) -> None:
        """Loads the page and waits for its model."""
        self.driver.get(self.address)
        self.wait(lambda: self.driver.find_elements(By.CSS_SELECTOR, "#bars li"))

    def wait(self, condition: Any, message: str = "") -> Any:
        """Waits until `condition()` is true."""
        return WebDriverWait(self.driver, TIMEOUT_SECONDS).until(lambda _: condition(), message)

    def find(self, identifier: str) -> Any:
        """The element of an id."""
        return self.driver.find_element(By.ID, identifier)

    def wait_text(self, identifier: str, words: str) -> None:
        """Waits until an element says `words`, among others."""
        try:
            self.wait(lambda: words in self.find(identifier).text)
        except Exception as error:
            raise AssertionError(f"#{identifier} never said {words!r}, but {self.find(identifier).text!r}") from error

    def type(self, text: str, identifier: str = "text") -> None:
        """Types a text."""
        self.find(identifier).send_keys(text)

    def move(self, speed: float) -> None:
        """Drags the slider, as far as the page can tell."""
        self.run_script(screenshot.SET_SPEED, speed)

    def run_script(self, words: str, *arguments: Any) -> Any:
        """Runs JavaScript in the page and returns its value."""
        return self.driver.execute_script(words, *arguments)


class PageCase(BrowserCase):
    """The page of a server whose answers the test controls."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.fake = PageFake()
        cls.addClassCleanup(cls.fake.close)
        cls.address = cls.fake.address

    def setUp(self):
        super().setUp()
        self.fake.reset()
        self.addCleanup(self.fake.gate.set)
