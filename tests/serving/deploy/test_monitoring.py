"""Prometheus and Grafana files: they parse, and name only metrics that the servers export."""

import json
import re
import shutil
import subprocess
import unittest
from pathlib import Path

import tensorflow as tf
import yaml
from absl.testing import parameterized

from fastbert_serving.control.speed_choice import DOWN_MARGIN, MOST_UTILISATION
from fastbert_serving.watch.control_metrics import ControlMetrics
from fastbert_serving.watch.drift_alarm import DriftAlarm
from fastbert_serving.watch.metrics import DEFAULT_METRICS_PATH, Metrics

try:
    import promql_parser
except ImportError:
    promql_parser = None

DEPLOY = Path(__file__).resolve().parents[3] / "serving" / "deploy"
RULES = yaml.safe_load((DEPLOY / "prometheus" / "rules.yml").read_text())
CONFIG = yaml.safe_load((DEPLOY / "prometheus" / "prometheus.yml").read_text())
DASHBOARD = json.loads((DEPLOY / "grafana" / "dashboards" / "fastbert.json").read_text())
ADAPTER = yaml.safe_load((DEPLOY / "kubernetes" / "monitoring" / "prometheus-adapter-values.yaml").read_text())
PROMETHEUS_RULE = yaml.safe_load((DEPLOY / "kubernetes" / "monitoring" / "prometheus-rule.yaml").read_text())
POD_MONITOR = yaml.safe_load((DEPLOY / "kubernetes" / "monitoring" / "pod-monitor.yaml").read_text())
AUTOSCALER = yaml.safe_load((DEPLOY / "kubernetes" / "autoscaler.yaml").read_text())

_ALL_RULES = [rule for group in RULES["groups"] for rule in group["rules"]]
EXPRESSIONS = {rule.get("alert") or rule["record"]: rule["expr"] for rule in _ALL_RULES}
for _panel in DASHBOARD["panels"]:
    for _target in _panel["targets"]:
        EXPRESSIONS[f"{_panel['title']} {_target['refId']}"] = _target["expr"]
NAME = re.compile(r"(?<![\w:]):tensorflow:[\w:]+|(?<![\w:])fastbert[_:][\w:]+")


class NoControl:
    """Load control over no models: its metrics have names and no values."""

    def states(self):
        return {}


def exported_names():
    """Names that Prometheus stores of what a server exposes."""
    metrics = Metrics(collectors=[ControlMetrics(NoControl()), DriftAlarm()])
    names = set()
    for name, kind in re.findall(r"^# TYPE (\S+) (\w+)$", metrics.exposition().decode(), re.MULTILINE):
        names |= {f"{name}_{part}" for part in ("bucket", "sum", "count")} if kind == "histogram" else {name}
    return names


class ExpressionsTest(tf.test.TestCase, parameterized.TestCase):
    @parameterized.parameters(*EXPRESSIONS)
    def test_names_are_exported_or_recorded(self, place):
        names = set(NAME.findall(EXPRESSIONS[place]))
        recorded = {rule["record"] for rule in _ALL_RULES if "record" in rule}
        self.assertContainsSubset(names, exported_names() | recorded)
        self.assertTrue(names or "up{" in EXPRESSIONS[place])

    @unittest.skipIf(promql_parser is None, "needs `pip install promql-parser`")
    @parameterized.parameters(*EXPRESSIONS)
    def test_syntax(self, place):
        promql_parser.parse(EXPRESSIONS[place].replace("$__rate_interval", "1m"))

    @parameterized.parameters(*EXPRESSIONS)
    def test_gateways_are_not_asked_for_what_they_do_not_know(self, place):
        for name in NAME.findall(EXPRESSIONS[place]):
            self.assertFalse(name.startswith(("fastbert_queue_", "fastbert_batch_")), name)

    def test_jobs_are_scraped(self):
        jobs = {job["job_name"] for job in CONFIG["scrape_configs"]}
        for expression in EXPRESSIONS.values():
            for named in re.findall(r'job=~?"([^"]+)"', expression):
                self.assertContainsSubset(named.split("|"), jobs)
        endpoints = POD_MONITOR["spec"]["podMetricsEndpoints"]
        self.assertEqual({endpoint["relabelings"][0]["replacement"] for endpoint in endpoints}, jobs)
        for scrape in CONFIG["scrape_configs"]:
            self.assertEqual(scrape["metrics_path"], DEFAULT_METRICS_PATH)
        for endpoint in endpoints:
            self.assertEqual(endpoint["path"], DEFAULT_METRICS_PATH)


class RulesTest(tf.test.TestCase, parameterized.TestCase):
    def test_a_cluster_has_the_same_rules(self):
        self.assertEqual(PROMETHEUS_RULE["spec"], RULES)
        for field in ("apiVersion", "metadata"):
            self.assertEqual(PROMETHEUS_RULE[field], POD_MONITOR[field])
        self.assertEqual(PROMETHEUS_RULE["kind"], "PrometheusRule")

    def test_alerts_say_what_to_do(self):
        alerts = [rule for rule in _ALL_RULES if "alert" in rule]
        self.assertNotEmpty(alerts)
        for alert in alerts:
            self.assertEqual(set(alert), {"alert", "expr", "for", "labels", "annotations"})
            self.assertEqual(set(alert["annotations"]), {"summary", "mend"})
            self.assertIn(alert["labels"]["severity"], ("page", "ticket"))

    @unittest.skipIf(shutil.which("promtool") is None, "needs promtool, of the Debian package prometheus")
    @parameterized.parameters(
        ("check", "config", "prometheus.yml"), ("check", "rules", "rules.yml"), ("test", "rules", "rules_test.yml")
    )
    def test_promtool(self, *arguments):
        done = subprocess.run(
            ["promtool", *arguments], cwd=DEPLOY / "prometheus", capture_output=True, text=True, check=False
        )
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)


class AutoscalerTest(tf.test.TestCase):
    def test_its_metric_is_exported_and_adapted(self):
        (metric,) = AUTOSCALER["spec"]["metrics"]
        name = metric["pods"]["metric"]["name"]
        self.assertIn(name, exported_names())
        (rule,) = ADAPTER["rules"]["custom"]
        self.assertStartsWith(rule["seriesQuery"], name + "{")

    def test_where_it_rests_the_speed_returns(self):
        (metric,) = AUTOSCALER["spec"]["metrics"]
        target = float(metric["pods"]["target"]["averageValue"].removesuffix("m")) / 1000
        self.assertLess(1.1 * target, MOST_UTILISATION * DOWN_MARGIN)
        self.assertEqual(metric["pods"]["metric"]["name"], "fastbert_control_demand")


class DashboardTest(tf.test.TestCase):
    def test_panels_do_not_overlap(self):
        cells = set()
        for panel in DASHBOARD["panels"]:
            place = panel["gridPos"]
            covered = {
                (x, y)
                for x in range(place["x"], place["x"] + place["w"])
                for y in range(place["y"], place["y"] + place["h"])
            }
            self.assertLessEqual(place["x"] + place["w"], 24)
            self.assertEmpty(cells & covered, panel["title"])
            cells |= covered
        self.assertLen({panel["id"] for panel in DASHBOARD["panels"]}, len(DASHBOARD["panels"]))

    def test_every_panel_is_described_and_has_a_source(self):
        provisioned = yaml.safe_load((DEPLOY / "grafana/provisioning/datasources/prometheus.yaml").read_text())
        uid = provisioned["datasources"][0]["uid"]
        for panel in DASHBOARD["panels"]:
            self.assertNotEmpty(panel["description"])
            for target in (panel, *panel["targets"]):
                self.assertEqual(target["datasource"], {"type": "prometheus", "uid": uid})


if __name__ == "__main__":
    tf.test.main()
