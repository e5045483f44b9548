"""The page of the real server: what it shows is what a client is answered."""

from __future__ import annotations

import functools

from absl.testing import parameterized
from page_case import BrowserCase
from selenium.webdriver.common.by import By
from small_classifier import LABELS, TEXTS, quick_export

from fastbert_serving import Client, Server


class PageOfServerTest(BrowserCase, parameterized.TestCase):
    @classmethod
    @functools.cache
    def served(cls, is_pair):
        """A server of the class, started when a test first asks for it, and a client."""
        server = Server(quick_export(is_pair=is_pair)[1], rest_api_port=0).start()
        cls.addClassCleanup(server.stop)
        client = Client(server.address)
        cls.addClassCleanup(client.close)
        return server, client

    def shown_probabilities(self):
        rows = (row.text.split("\n") for row in self.driver.find_elements(By.CSS_SELECTOR, "#bars li"))
        return {label: float(percent.rstrip("%")) / 100 for label, percent in rows}

    @parameterized.parameters((False, 0.0), (False, 1.0), (True, 0.95))
    def test_shows_what_a_client_is_answered(self, is_pair, speed):
        server, client = self.served(is_pair)
        pair = TEXTS[1] if is_pair else None
        self.address = f"http://{server.rest_address}"
        self.open()
        self.move(speed)
        if pair is not None:
            self.type(pair, "text-pair")
        self.type(TEXTS[0])
        (answer,) = client.predict([TEXTS[0]], None if pair is None else [pair], speed=speed)
        self.wait_text("verdict", answer.label)
        self.wait(lambda: f"{answer.uncertainty:.3f}" in self.find("uncertainty").text, "the answer for the text")
        self.assertAllClose(self.shown_probabilities(), dict(zip(LABELS, answer.probabilities, strict=True)), atol=6e-4)
        self.assertIn(f"Layer {answer.exit_layer}", self.find("why").text)
        self.assertEmpty([entry for entry in self.driver.get_log("browser") if entry["level"] == "SEVERE"])
