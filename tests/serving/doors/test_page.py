"""What the page shows and asks, in a real browser: against a fake server, so that every number is known beforehand."""

from __future__ import annotations

from page_case import PageCase
from page_fake import state
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys


class AnswerTest(PageCase):
    def bars(self):
        rows = self.driver.find_elements(By.CSS_SELECTOR, "#bars li")
        return [tuple(row.text.split("\n")) for row in rows]

    def rungs(self):
        return [rung.text for rung in self.driver.find_elements(By.CSS_SELECTOR, "#ladder .rung")]

    def test_shows_label_probabilities_layer_uncertainty_and_work(self):
        self.open()
        self.assertEqual(self.find("verdict").text, "No text yet")
        self.type("four")  # 4 modulo 3 labels
        self.wait_text("verdict", "so-so")
        self.assertEqual(self.bars(), [("bad", "10.0%"), ("so-so", "80.0%"), ("good", "10.0%")])
        self.assertEqual(self.rungs(), ["not sure yet", "answered", "skipped", "skipped"])
        self.assertIn(
            "Layer 2 of 4 answered “so-so”: its uncertainty 0.450 is below the speed 0.50", self.find("why").text
        )
        self.assertEqual(self.find("saved").text, "48%")  # layer 2 costs 0.52 of the full depth
        self.assertEqual(self.find("uncertainty").text, "0.450")
        self.assertRegex(self.find("milliseconds").text, r"^[\d.]+ ms$")
        self.assertEqual(self.fake.rows[-1], {"text": "four", "speed": 0.5, "model": "films"})

    def test_names_another_exit_policy(self):
        self.fake.states = {"films": state(policy={"name": "agreement_entropy"})}
        self.open()
        self.type("four")
        rule = "by the rule “agreement entropy”"
        self.wait_text("why", f"Layer 2 of 4 answered “so-so”: its doubt {rule} is below the speed 0.50.")
        self.move(0)
        self.wait_text("why", f"none before it had a doubt {rule} below the speed 0.00.")

    def test_last_layer_costs_more_than_full_depth(self):
        self.open()
        self.type("four")
        self.move(0)
        self.wait_text("why", "Layer 4, the last, answered")
        self.assertEqual(self.find("saved").text, "−4%")
        self.assertIn("classifiers too", self.find("saved-note").text)

    def test_slider_by_keyboard(self):
        self.open()
        self.type("four")
        slider = self.find("speed")
        slider.send_keys(Keys.ARROW_RIGHT)
        self.wait(lambda: self.fake.rows and self.fake.rows[-1]["speed"] == 0.51)
        slider.send_keys(Keys.END)
        self.wait_text("why", "Layer 1 of 4")
        self.assertEqual(self.find("speed-value").text, "1.00")
        self.assertEqual(slider.get_attribute("aria-valuetext"), "1.00, accuracy 70.0%")
        slider.send_keys(Keys.HOME)
        self.wait_text("why", "Layer 4, the last")
        self.assertEqual(self.fake.rows[-1]["speed"], 0)

    def test_requests_never_pile_up_and_the_newest_wins(self):
        self.open()
        self.fake.gate.clear()
        self.type("four")
        self.wait(lambda: self.fake.running)
        for step in range(50, 100):
            self.move(step / 100)
        self.run_script("return new Promise((done) => setTimeout(done, 500))")  # longer than any debounce
        self.assertLen(self.fake.rows, 1)
        self.assertEqual(self.find("answer").get_attribute("aria-busy"), "true")
        self.fake.gate.set()
        self.wait_text("why", "below the speed 0.99")
        self.assertEqual([row["speed"] for row in self.fake.rows], [0.5, 0.99])
        self.assertEqual(self.fake.most_running, 1)
        self.assertEqual(self.find("answer").get_attribute("aria-busy"), "false")

    def test_answers_follow_while_the_slider_keeps_moving(self):
        self.open()
        self.type("four")
        self.wait_text("verdict", "so-so")
        before = len(self.fake.rows)
        words = """
            const [before] = arguments, slider = document.getElementById("speed"), end = performance.now() + 3000;
            return new Promise((done) => (function move(step) {
              slider.value = (step % 100) / 100;
              slider.dispatchEvent(new Event("input"));
              performance.now() < end ? setTimeout(move, 10, step + 1) : done();
            })(0));"""
        self.run_script(words, before)
        self.assertGreater(len(self.fake.rows), before + 1)  # not only once it rested
        self.assertEqual(self.fake.most_running, 1)

    def test_answer_to_a_text_since_deleted_is_dropped(self):
        self.open()
        self.fake.gate.clear()
        self.type("a")
        self.wait(lambda: self.fake.running)
        self.find("text").send_keys(Keys.BACKSPACE)
        self.wait(lambda: self.find("answer").get_attribute("aria-busy") == "false")
        self.fake.gate.set()
        self.wait(lambda: not self.fake.running)
        polls = self.fake.polls
        self.wait(lambda: self.fake.polls > polls + 1)
        self.assertEqual(self.find("verdict").text, "No text yet")

    def test_pair(self):
        self.fake.states = {"pairs": state("pairs", is_pair=True, labels=["no", "yes"])}
        self.open()
        self.type("one")
        self.wait_text("verdict", "No second text yet")
        self.assertEmpty(self.fake.rows)
        self.type("two", "text-pair")
        self.wait_text("verdict", "yes")
        self.assertEqual(self.fake.rows[-1], {"text": "one", "text_pair": "two", "speed": 0.5, "model": "pairs"})

    def test_many_labels_show_the_likeliest(self):
        self.fake.states = {"intents": state("intents", labels=[f"intent {number}" for number in range(77)])}
        self.open()
        self.type("eleven text")
        self.wait_text("verdict", "intent 11")
        self.assertLen(self.bars(), 6)
        self.assertEqual(self.bars()[0], ("intent 11", "80.0%"))
        self.assertIn("71 more", self.find("bars-more").text)


class ModelTest(PageCase):
    def choose(self, name):
        self.find("model").find_element(By.CSS_SELECTOR, f"option[value='{name}']").click()

    def centres(self, selector):
        dots = self.driver.find_elements(By.CSS_SELECTOR, selector)
        return [tuple(float(dot.get_dom_attribute(name)) for name in ("cx", "cy")) for dot in dots]

    def test_one_model_needs_no_choice(self):
        self.open()
        self.assertFalse(self.find("model").is_displayed())
        self.assertEqual((self.find("model-name").text, self.find("version").text), ("films", "version 3"))

    def test_answer_of_the_model_left_behind_is_dropped(self):
        self.fake.states["other"] = state("other", labels=["x", "y", "z"], num_layers=4, default_speed=0.1)
        self.open()
        self.fake.gate.clear()
        self.type("four")
        self.wait(lambda: self.fake.running)
        self.choose("other")
        self.wait(lambda: [row["model"] for row in self.fake.rows] == ["films", "other"])
        self.fake.gate.set()
        self.wait_text("verdict", "y")
        self.assertEqual(self.find("speed-value").text, "0.10")
        self.assertEqual([row["speed"] for row in self.fake.rows], [0.5, 0.1])

    def test_a_new_version_takes_over(self):
        self.open()
        self.type("four")
        self.wait_text("verdict", "so-so")
        self.fake.states = {"films": {**state(labels=["down", "up"]), "version": 4}}
        self.wait_text("version", "version 4")
        self.wait_text("verdict", "down")

    def test_without_a_curve(self):
        self.fake.states = {"films": state(curve=None)}
        self.open()
        self.assertIn("no measured curve", self.find("curve-note").text)
        self.assertFalse(self.find("plot").is_displayed())
        self.type("four")
        self.wait_text("saved", "50%")
        self.assertIn("2 of 4 layers skipped; no cost was measured", self.find("saved-note").text)

    def test_unlabelled_curve_shows_costs_alone(self):
        points = [{"speed": 0.0, "executed_speedup": 1.0}, {"speed": 1.0, "executed_speedup": 4.0}]
        self.fake.states = {"films": state(curve={"points": points})}
        self.open()
        self.assertEqual(self.find("curve-now").text, "At speed 0.50: 38% of the work saved, on average.")
        self.assertIn("no accuracy is known", self.find("curve-note").text)
        self.assertFalse(self.find("plot").is_displayed())

    def test_curve_and_current_point(self):
        self.fake.states["films"]["manifest"]["lowest_accuracy"] = 0.85
        self.open()
        self.move(0.25)
        # Half way between 0.9 and 0.88, and between costs of 1.04 and 0.728.
        self.assertEqual(
            self.find("curve-now").text, "At speed 0.25: accuracy 89.0%, 12% of the work saved, on average."
        )
        points = self.centres("#plot .point")
        ((x, y),) = self.centres("#plot .now")
        self.assertLen(points, 3)
        self.assertAllClose([x, y], [(points[0][0] + points[1][0]) / 2, (points[0][1] + points[1][1]) / 2])
        self.assertGreater(points[2][0], points[1][0])  # faster is further right
        self.assertGreater(points[2][1], points[1][1])  # and less accurate further down
        self.assertIn("lowest accepted 85.0%", self.find("plot").text)
        shares = [share.text for share in self.driver.find_elements(By.CSS_SELECTOR, "#ladder .share")]
        self.assertEqual(shares, ["0%", "20%", "20%", "60%"])

    def test_the_numbers_behind_the_curve(self):
        self.open()
        self.driver.find_element(By.TAG_NAME, "summary").click()
        rows = [row.text for row in self.driver.find_elements(By.CSS_SELECTOR, "#curve-rows tr")]
        self.assertEqual(rows, ["0 90.0% −4% 4.00", "0.5 88.0% 27% 2.80", "1 70.0% 74% 1.00"])


class LivePanelTest(PageCase):
    def facts(self):
        names, values = (self.driver.find_elements(By.CSS_SELECTOR, f"#facts {tag}") for tag in ("dt", "dd"))
        return {name.text: value.text for name, value in zip(names, values, strict=True)}

    def test_without_load_control(self):
        self.open()
        self.wait_text("pulse", "live")
        self.assertEqual(self.find("force").text, "0.50")
        self.assertIn("Load control is off", self.find("force-reason").text)
        self.assertEqual(self.facts(), {"Rows a second": "12.5", "Rows waiting": "3", "Rejected so far": "7"})

    def test_load_control_is_followed(self):
        self.open()
        control = {"on": True, "speed": 0.7, "reason": "arrivals rose", "arrival_rate": 41.25, "utilisation": 0.83,
                   "p99_ms": 92.0, "target_p99_ms": 150.0}  # fmt: skip
        self.fake.states = {"films": {**state(), "control": control}}
        self.wait_text("force", "0.70")
        self.assertEqual(self.find("force-reason").text, "arrivals rose")
        facts = self.facts()
        self.assertEqual(facts["99th percentile"], "92 ms of 150 allowed")
        self.assertEqual((facts["Utilisation"], facts["Arriving a second"]), ("83%", "41.3"))
        self.assertIn("0.70", self.find("curve-force").text)
        self.assertEqual(self.find("speed-value").text, "0.50")  # the reader's own slider stays

    def test_polls_only_while_visible(self):
        self.open()
        polls = self.fake.polls
        self.wait(lambda: self.fake.polls > polls)
        self.run_script("Object.defineProperty(document, 'hidden', {configurable: true, get: () => true})")
        polls = self.fake.polls
        self.run_script("return new Promise((done) => setTimeout(done, 3000))")
        self.assertLessEqual(self.fake.polls, polls + 1)  # one may have been under way
        self.run_script("delete document.hidden; document.dispatchEvent(new Event('visibilitychange'))")
        polls = self.fake.polls
        self.wait(lambda: self.fake.polls > polls)
