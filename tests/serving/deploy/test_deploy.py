"""Compose file, Kubernetes manifests and Dockerfile: well formed, and at one with each other and with the servers.

What only a container runtime or a cluster can show is listed in docs/deployment.md.
"""

import argparse
import re
import shutil
import subprocess
import unittest
from pathlib import Path

import tensorflow as tf
import yaml
from absl.testing import parameterized

from fastbert_serving.text_protos import MonitoringConfig, parse_text
from fastbert_serving.watch.metrics import DEFAULT_METRICS_PATH

try:
    import kubernetes_validate
except ImportError:
    kubernetes_validate = None

ROOT = Path(__file__).resolve().parents[3]
DEPLOY = ROOT / "serving" / "deploy"
KUSTOMIZATION = yaml.safe_load((DEPLOY / "kustomization.yaml").read_text())
COMPOSE = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
OBJECTS = {
    document["kind"]: document
    for path in KUSTOMIZATION["resources"]
    for document in yaml.safe_load_all((DEPLOY / path).read_text())
}
POD = OBJECTS["Deployment"]["spec"]["template"]["spec"]
SERVER, GATEWAY = POD["initContainers"][0], POD["containers"][0]
STOCK_COMMAND = ["/usr/bin/tensorflow_model_server"]


def flags(arguments):
    """Values by name of `--name=value` and `--name`."""
    pairs = [argument.removeprefix("--").partition("=") for argument in arguments if argument.startswith("--")]
    return {name: value for name, _, value in pairs}


def stock_flags():
    lines = (Path(__file__).parent / "tensorflow_model_server_flags.txt").read_text().splitlines()
    return {line for line in lines if not line.startswith("#")}


SERVERS = {
    "compose": COMPOSE["services"]["tensorflow-serving"]["command"],
    "kubernetes": SERVER["args"],
}
GATEWAYS = {"compose": COMPOSE["services"]["gateway"]["command"], "kubernetes": GATEWAY["args"]}


class FlagsTest(tf.test.TestCase, parameterized.TestCase):
    @parameterized.parameters(*SERVERS)
    def test_the_stock_server_knows_its_flags(self, place):
        self.assertTrue(all(argument.startswith("--") for argument in SERVERS[place]))
        self.assertContainsSubset(flags(SERVERS[place]), stock_flags())
        self.assertEqual(SERVER["command"], STOCK_COMMAND)
        self.assertEqual(COMPOSE["services"]["tensorflow-serving"]["entrypoint"], STOCK_COMMAND)

    @parameterized.parameters(*GATEWAYS)
    def test_the_gateway_knows_its_flags(self, place):
        from fastbert_tf.cli import gateway

        command, *arguments = GATEWAYS[place]
        parser = argparse.ArgumentParser(exit_on_error=False)
        gateway.add_arguments(parser)
        given = vars(parser.parse_args(arguments))
        self.assertEqual(command, "gateway")
        self.assertContainsSubset(flags(arguments), given)

    @parameterized.parameters(*GATEWAYS)
    def test_gateway_and_server_are_at_one(self, place):
        server, gateway = flags(SERVERS[place]), flags(GATEWAYS[place])
        host, _, port = gateway["upstream"].partition(":")
        self.assertEqual(port, server["port"])
        self.assertIn(host, [*COMPOSE["services"], "127.0.0.1"])
        for name in ("model_name", "model_base_path"):
            self.assertEqual(gateway[name], server[name])
        self.assertStartsWith(server["batching_parameters_file"], server["model_base_path"] + "/")

    def test_monitoring_file(self):
        config = parse_text(DEPLOY / "tensorflow-serving" / "monitoring.pbtxt", MonitoringConfig)
        self.assertTrue(config.prometheus_config.enable)
        self.assertEqual(config.prometheus_config.path, DEFAULT_METRICS_PATH)


class ComposeTest(tf.test.TestCase, parameterized.TestCase):
    def test_bound_files_exist(self):
        for name, service in COMPOSE["services"].items():
            for volume in service["volumes"]:
                if volume["type"] == "bind" and not volume["source"].startswith("$"):
                    self.assertTrue((DEPLOY / volume["source"]).exists(), f"{name}: {volume['source']}")
                    self.assertTrue(volume["read_only"], name)
                if volume["type"] == "volume":
                    self.assertIn(volume["source"], COMPOSE["volumes"])

    def test_what_servers_read_is_mounted(self):
        for name in ("tensorflow-serving", "gateway"):
            service = COMPOSE["services"][name]
            targets = [volume["target"] for volume in service["volumes"]]
            for flag, value in flags(service["command"]).items():
                if flag.endswith(("_path", "_file")):
                    self.assertTrue(any(value.startswith(target) for target in targets), f"{name}: {flag}")

    def test_nothing_is_published_beyond_loopback(self):
        published = [port for service in COMPOSE["services"].values() for port in service.get("ports", ())]
        self.assertNotEmpty(published)
        for port in published:
            self.assertStartsWith(port, "127.0.0.1:")
        self.assertNotIn("ports", COMPOSE["services"]["tensorflow-serving"])

    def test_images_are_pinned(self):
        for service in COMPOSE["services"].values():
            if "build" not in service:
                self.assertRegex(service["image"], r":v?\d+\.\d+\.\d+$")
        self.assertEqual(SERVER["image"], COMPOSE["services"]["tensorflow-serving"]["image"])

    def test_the_gateway_may_drain(self):
        gateway = COMPOSE["services"]["gateway"]
        grace = int(flags(gateway["command"])["grace_seconds"])
        self.assertGreater(int(gateway["stop_grace_period"].removesuffix("s")), grace)
        self.assertEqual(gateway["depends_on"]["tensorflow-serving"]["condition"], "service_healthy")

    def test_the_health_check_asks_for_the_model(self):
        script = COMPOSE["services"]["tensorflow-serving"]["healthcheck"]["test"][-1]
        command = flags(SERVERS["compose"])
        self.assertIn(f"/v1/models/{command['model_name']} ", script)
        self.assertIn(f"/{command['rest_api_port']} ", script)
        subprocess.run(["bash", "-n", "-c", script], check=True)


class DockerfileTest(tf.test.TestCase):
    def test_copied_sources_exist_and_reach_the_build(self):
        folder = DEPLOY / "gateway"
        self.assertEqual(COMPOSE["services"]["gateway"]["build"]["dockerfile"], "serving/deploy/gateway/Dockerfile")
        self.assertEqual((DEPLOY / COMPOSE["services"]["gateway"]["build"]["context"]).resolve(), ROOT)
        allowed = re.findall(r"^!(\S+)$", (folder / "Dockerfile.dockerignore").read_text(), re.MULTILINE)
        copied = []
        for line in (folder / "Dockerfile").read_text().splitlines():
            if line.startswith("COPY ") and "--from" not in line:
                copied += line.split()[1:-1]
        self.assertCountEqual(copied, allowed)
        for name in copied:
            self.assertTrue((ROOT / name).exists(), name)

    def test_runs_as_nobody(self):
        self.assertRegex((DEPLOY / "gateway" / "Dockerfile").read_text(), r"\nUSER 10001:10001\n(?s:.)*ENTRYPOINT")


class KubernetesTest(tf.test.TestCase, parameterized.TestCase):
    @parameterized.parameters("1.30", "1.37")
    @unittest.skipIf(kubernetes_validate is None, "needs `pip install kubernetes-validate`")
    def test_schemas(self, version):
        for kind, document in OBJECTS.items():
            with self.subTest(kind):
                kubernetes_validate.validate(document, version, strict=True)

    @unittest.skipIf(shutil.which("kubectl") is None, "needs kubectl")
    def test_kustomize_builds_it(self):
        built = subprocess.run(["kubectl", "kustomize", DEPLOY], check=True, capture_output=True, text=True)
        documents = list(yaml.safe_load_all(built.stdout))
        self.assertEqual({document["kind"] for document in documents}, {*OBJECTS, "ConfigMap"})
        for document in documents:
            if document["kind"] != "Namespace":
                self.assertEqual(document["metadata"]["namespace"], KUSTOMIZATION["namespace"])
        (deployment,) = [document for document in documents if document["kind"] == "Deployment"]
        image = deployment["spec"]["template"]["spec"]["containers"][0]["image"]
        self.assertEqual(image, "registry.example.com/fastbert-gateway:0.1.0")

    def test_labels_select_the_pods(self):
        labels = OBJECTS["Deployment"]["spec"]["template"]["metadata"]["labels"]
        for selector in (
            OBJECTS["Deployment"]["spec"]["selector"]["matchLabels"],
            OBJECTS["Service"]["spec"]["selector"],
            OBJECTS["PodDisruptionBudget"]["spec"]["selector"]["matchLabels"],
            OBJECTS["NetworkPolicy"]["spec"]["podSelector"]["matchLabels"],
        ):
            self.assertEqual(selector, labels)

    def test_named_ports_are_those_of_the_flags(self):
        ports = {port["name"]: port["containerPort"] for container in (SERVER, GATEWAY) for port in container["ports"]}
        server, gateway = flags(SERVER["args"]), flags(GATEWAY["args"])
        wanted = {"grpc": gateway["port"], "http": gateway["rest_api_port"], "upstream-http": server["rest_api_port"]}
        self.assertEqual(ports, {name: int(port) for name, port in wanted.items()})
        self.assertLen({*wanted.values(), server["port"]}, 4)  # one network namespace: no port twice
        for port in OBJECTS["Service"]["spec"]["ports"]:
            self.assertIn(port["targetPort"], ports)
        rules = OBJECTS["NetworkPolicy"]["spec"]["ingress"]
        opened = {port["port"] for rule in rules for port in rule["ports"]}
        self.assertEqual(opened, {"grpc", "http", ports["upstream-http"]})

    def test_probes(self):
        server, gateway = flags(SERVER["args"]), flags(GATEWAY["args"])
        self.assertEqual(SERVER["startupProbe"]["httpGet"]["path"], f"/v1/models/{server['model_name']}")
        self.assertEqual(SERVER["startupProbe"]["httpGet"]["port"], int(server["rest_api_port"]))
        self.assertEqual(SERVER["livenessProbe"]["tcpSocket"]["port"], int(server["port"]))
        ready = GATEWAY["readinessProbe"]["grpc"]
        self.assertEqual(ready, {"port": int(gateway["port"]), "service": gateway["model_name"]})
        self.assertEqual(GATEWAY["livenessProbe"]["tcpSocket"]["port"], int(gateway["port"]))

    def test_the_server_outlives_the_gateway_and_both_may_drain(self):
        self.assertEqual(SERVER["restartPolicy"], "Always")
        ending = GATEWAY["lifecycle"]["preStop"]["sleep"]["seconds"] + int(flags(GATEWAY["args"])["grace_seconds"])
        self.assertGreater(POD["terminationGracePeriodSeconds"], ending)

    def test_mounts(self):
        volumes = {volume["name"]: volume for volume in POD["volumes"]}
        self.assertEqual(
            volumes["models"]["persistentVolumeClaim"]["claimName"],
            OBJECTS["PersistentVolumeClaim"]["metadata"]["name"],
        )
        (generated,) = KUSTOMIZATION["configMapGenerator"]
        self.assertEqual(volumes["tensorflow-serving"]["configMap"]["name"], generated["name"])
        self.assertTrue(all((DEPLOY / file).exists() for file in generated["files"]))
        for container in (SERVER, GATEWAY):
            paths = [mount["mountPath"] for mount in container["volumeMounts"]]
            self.assertContainsSubset([mount["name"] for mount in container["volumeMounts"]], volumes)
            for flag, value in flags(container["args"]).items():
                if flag.endswith(("_path", "_file")):
                    self.assertTrue(any(value.startswith(path) for path in paths), flag)

    def test_a_call_has_one_thread(self):
        server = flags(SERVER["args"])
        self.assertEqual(server["tensorflow_intra_op_parallelism"], "1")
        self.assertEqual(server["tensorflow_inter_op_parallelism"], "-1")

    def test_pods_satisfy_the_restricted_standard(self):
        self.assertTrue(POD["securityContext"]["runAsNonRoot"])
        for container in (SERVER, GATEWAY):
            context = container["securityContext"]
            self.assertFalse(context["allowPrivilegeEscalation"])
            self.assertEqual(context["capabilities"]["drop"], ["ALL"])


if __name__ == "__main__":
    tf.test.main()
