"""The report in a real browser."""

from __future__ import annotations

import tempfile
from pathlib import Path

import tensorflow as tf
from page_case import BrowserCase, screenshot
from selenium.webdriver.common.by import By
from stored_run import EVIL, write_run

from fastbert_tf.recipes.report import report_runs


class ReportPageTest(BrowserCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        holder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(holder.cleanup)
        folder = Path(holder.name)
        cls.address = report_runs([write_run(folder / "run")], folder / "out").as_uri()

    def test_loads_nothing_and_shows_everything(self):
        self.driver.get(self.address)
        self.assertEqual(self.driver.get_log("browser"), [])  # neither errors nor what the page's policy refuses
        loaded = self.run_script("return performance.getEntriesByType('resource').map((one) => one.name)")
        self.assertEmpty([name for name in loaded if not name.startswith("data:")])
        cells = [cell.text for cell in self.driver.find_elements(By.TAG_NAME, "td")]
        self.assertIn(" ".join(EVIL.split()), cells)
        for drawing in self.driver.find_elements(By.CSS_SELECTOR, "figure svg"):
            self.assertGreater(drawing.size["width"], 200)
        links = self.driver.find_elements(By.CSS_SELECTOR, "nav a")
        self.assertLen(links, 6)
        for link in links:
            target = link.get_dom_attribute("href")[1:]
            self.assertIn(link.text, self.find(target).find_element(By.TAG_NAME, "h2").text)

    def test_a_narrow_window_scrolls_tables_and_not_the_page(self):
        self.driver.get(self.address)
        for width in (1180, 500):
            screenshot.set_window(self.driver, width)
            self.assertLessEqual(self.run_script("return document.documentElement.scrollWidth"), width)


if __name__ == "__main__":
    tf.test.main()
