"""The page of the real server: what it shows is what a client is answered."""

from __future__ import annotations

from absl.testing import parameterized
from page_case import BrowserCase
from selenium.webdriver.common.by import By
from small_classifier import LABELS, TEXTS, small_export

from fastbert_serving import Client, Server


class PageOfServerTest(BrowserCase, parameterized.TestCase):
    def shown_probabilities(self):
        rows = (row.text.split("\n") for row in self.driver.find_elements(By.CSS_SELECTOR, "#bars li"))
        return {label: float(percent.rstrip("%")) / 100 for label, percent in rows}

    @parameterized.parameters((False, 0.0), (False, 1.0), (True, 0.95))
    def test_shows_what_a_client_is_answered(self, is_pair, speed):
        _, directory = small_export(is_pair=is_pair)
        pair = TEXTS[1] if is_pair else None
        with Server(directory, rest_api_port=0) as server, Client(server.address) as client:
            self.address = f"http://{server.rest_address}"
            self.open()
            self.move(speed)
            if pair is not None:
                self.type(pair, "text-pair")
            self.type(TEXTS[0])
            (answer,) = client.predict([TEXTS[0]], None if pair is None else [pair], speed=speed)
            self.wait_text("verdict", answer.label)
            self.wait(lambda: f"{answer.uncertainty:.3f}" in self.find("uncertainty").text, "the answer for the text")
            self.assertAllClose(
                self.shown_probabilities(), dict(zip(LABELS, answer.probabilities, strict=True)), atol=6e-4
            )
            self.assertIn(f"Layer {answer.exit_layer}", self.find("why").text)
            self.assertEmpty([entry for entry in self.driver.get_log("browser") if entry["level"] == "SEVERE"])
