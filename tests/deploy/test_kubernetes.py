"""The manifests are valid, and fit each other and the program."""

from __future__ import annotations

import copy
import shutil
import subprocess
from typing import Any

import kubernetes_validate
import pytest
import typer
import yaml

from interject.cli.commands import app
from interject.model_runtime.redis.timings import Timings
from tests.deploy.files import DEPLOY, GOODBYE_S, manifests

pytestmark = pytest.mark.timeout(300)
VERSION = "1.32"
OBJECTS = manifests()
SERVE = manifests("k8s-serve")
WORKER = OBJECTS["StatefulSet", "interject-worker"]["spec"]["template"]["spec"]
CONTAINER = WORKER["containers"][0]
needs_kubectl = pytest.mark.skipif(shutil.which("kubectl") is None, reason="kubectl is not here")


@pytest.mark.parametrize("name", OBJECTS | SERVE, ids="/".join)
def test_an_object_fits_its_schema(name: tuple[str, str]) -> None:
    kubernetes_validate.validate((OBJECTS | SERVE)[name], VERSION, strict=True)


@needs_kubectl
@pytest.mark.parametrize(("folder", "gpus"), [("k8s", None), ("k8s-gpu", "1")])
def test_kustomize_builds_valid_objects(folder: str, gpus: str | None) -> None:
    done = subprocess.run(
        ["kubectl", "kustomize", str(DEPLOY / folder)],
        capture_output=True,
        text=True,
        check=True,
        timeout=280,
    )
    documents = list(yaml.safe_load_all(done.stdout))
    for document in documents:
        kubernetes_validate.validate(document, VERSION, strict=True)
        assert document["kind"] == "Namespace" or document["metadata"]["namespace"] == "interject"
    built = {(d["kind"], d["metadata"]["name"].partition("-redis-")[0]): d for d in documents}
    assert {"redis.conf", "start.sh", "users.acl"} == set(built["ConfigMap", "interject"]["data"])
    worker = built["StatefulSet", "interject-worker"]["spec"]["template"]["spec"]["containers"][0]
    assert worker["resources"]["limits"].get("nvidia.com/gpu") == gpus


def test_kustomization_lists_every_file() -> None:
    listed = yaml.safe_load((DEPLOY / "k8s" / "kustomization.yaml").read_text())["resources"]
    there = {path.name for path in (DEPLOY / "k8s").glob("*.yaml")} - {"kustomization.yaml"}
    assert set(listed) == there | {"../redis"}


def worker_parameters(arguments: list[str]) -> dict[str, Any]:
    """What `interject worker` would be called with."""
    return parameters(["worker", *arguments])


def parameters(arguments: list[str]) -> dict[str, Any]:
    program = typer.main.get_command(app)
    context = program.make_context("interject", arguments[:1])
    name, command, rest = program.resolve_command(context, arguments)  # type: ignore[attr-defined]
    return dict(command.make_context(name, rest, parent=context).params)


def test_the_worker_is_started_with_options_that_it_has() -> None:
    params = worker_parameters(CONTAINER["args"])
    port = next(port["containerPort"] for port in CONTAINER["ports"] if port["name"] == "metrics")
    assert params["telemetry"] == f"0.0.0.0:{port}"
    assert params["name"] == "$(POD_NAME)"


def test_the_worker_is_given_time_to_drain() -> None:
    assert WORKER["terminationGracePeriodSeconds"] >= 2 * Timings().drain_s


def test_probes_ask_what_is_served() -> None:
    paths = {
        kind: CONTAINER[f"{kind}Probe"]["httpGet"]["path"]
        for kind in ("startup", "liveness", "readiness")
    }
    assert paths == {"startup": "/healthz", "liveness": "/healthz", "readiness": "/readyz"}


def test_a_server_is_probed_where_it_listens_and_given_time_for_its_calls() -> None:
    deployment = SERVE["Deployment", "interject-serve"]["spec"]
    spec = deployment["template"]["spec"]
    (container,) = spec["containers"]
    found = parameters(container["args"])
    (port,) = container["ports"]
    assert found["bind"] == f"0.0.0.0:{port['containerPort']}"
    probes = {
        kind: container[f"{kind}Probe"]["httpGet"] for kind in ("startup", "liveness", "readiness")
    }
    assert {probe["port"] for probe in probes.values()} == {port["name"]}
    assert {kind: probe["path"] for kind, probe in probes.items()} == {
        "startup": "/healthz", "liveness": "/healthz", "readiness": "/readyz",
    }  # fmt: skip
    assert spec["terminationGracePeriodSeconds"] >= found["drain_timeout"] + GOODBYE_S
    assert deployment["replicas"] == 1, "a call is known to one process"


def test_a_server_reaches_redis_and_is_reached_by_its_service() -> None:
    labels = SERVE["Deployment", "interject-serve"]["spec"]["template"]["metadata"]["labels"]
    rules = OBJECTS["NetworkPolicy", "interject-redis"]["spec"]["ingress"][0]["from"]
    assert any(
        rule["podSelector"]["matchLabels"].items() <= labels.items()
        for rule in rules
        if "namespaceSelector" in rule
    )
    selector = SERVE["Service", "interject-serve"]["spec"]["selector"]
    assert selector.items() <= labels.items()


def test_scaling_keeps_slots_free() -> None:
    slots = int(CONTAINER["args"][CONTAINER["args"].index("--slots") + 1])
    (metric,) = OBJECTS["HorizontalPodAutoscaler", "interject-worker"]["spec"]["metrics"]
    assert metric["pods"]["metric"]["name"] == "interject_sessions"
    assert 0 < int(metric["pods"]["target"]["averageValue"]) < slots


def patched_for_gpus(kind: str) -> Any:
    """An object as `k8s-gpu` changes it. kubectl, which would say the same, may not be here."""
    document = copy.deepcopy(OBJECTS[kind, "interject-worker"])
    listed = yaml.safe_load((DEPLOY / "k8s-gpu" / "kustomization.yaml").read_text())["patches"]
    for patch in listed:
        for change in yaml.safe_load(patch["patch"]) if patch["target"]["kind"] == kind else ():
            *way, last = [step.replace("~1", "/") for step in change["path"].split("/")[1:]]
            at: Any = document
            for step in way:
                at = at[int(step)] if isinstance(at, list) else at[step]
            if last == "-":
                at.append(change["value"])
            else:
                key: Any = int(last) if isinstance(at, list) else last
                assert change["op"] == "add" or at[key] is not None
                at[key] = change["value"]
    return document


def test_a_worker_for_a_gpu_asks_for_it_and_has_more_slots() -> None:
    worker = patched_for_gpus("StatefulSet")
    scaler = patched_for_gpus("HorizontalPodAutoscaler")
    for document in (worker, scaler):
        kubernetes_validate.validate(document, VERSION, strict=True)
    (container,) = worker["spec"]["template"]["spec"]["containers"]
    assert container["resources"]["limits"] == {"memory": "16Gi", "nvidia.com/gpu": "1"}
    params = worker_parameters(container["args"])
    assert (params["device"], params["slots"]) == ("cuda", "64")
    (metric,) = scaler["spec"]["metrics"]
    assert 0 < int(metric["pods"]["target"]["averageValue"]) < int(params["slots"])


def test_everyone_points_at_the_worker() -> None:
    labels = OBJECTS["StatefulSet", "interject-worker"]["spec"]["template"]["metadata"]["labels"]
    budget = OBJECTS["PodDisruptionBudget", "interject-worker"]["spec"]
    target = OBJECTS["HorizontalPodAutoscaler", "interject-worker"]["spec"]["scaleTargetRef"]
    assert budget["selector"]["matchLabels"].items() <= labels.items()
    assert budget["maxUnavailable"] == 1
    assert (target["kind"], target["name"]) == ("StatefulSet", "interject-worker")


@pytest.mark.parametrize("name", ["interject-worker", "interject-redis", "interject-serve"])
def test_pods_run_without_privileges(name: str) -> None:
    kind = "Deployment" if name == "interject-serve" else "StatefulSet"
    spec = (OBJECTS | SERVE)[kind, name]["spec"]["template"]["spec"]
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["automountServiceAccountToken"] is False
    for container in spec["containers"]:
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert "memory" in container["resources"]["limits"]


def test_no_password_is_written_down() -> None:
    environment = {entry["name"]: entry for entry in CONTAINER["env"]}
    assert "secretKeyRef" in environment["WORKER_PASSWORD"]["valueFrom"]
    assert "$(WORKER_PASSWORD)" in environment["INTERJECT_REDIS_URL"]["value"]
    assert not any(kind == "Secret" for kind, _ in OBJECTS)
