"""Every object that is rendered for Kubernetes is one that its API server takes.

Built-in kinds are held to the server's own schemas, with unknown fields refused. So is every pod that stands inside an Argo
Workflow, a JobSet or a LeaderWorkerSet; the schemas of those three are read from the folder that PDSL_CRDS names, if it does.
"""

import collections
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.command import ROOT, pdsl

validation: Any = pytest.importorskip("kubernetes_validate")

CUSTOM = {"Workflow", "JobSet", "LeaderWorkerSet", "ServiceMonitor", "ScaledObject"}

SETTINGS = """
from pipeline_dsl import *
from pipelines import llama_7b
import attrs

ours = Kubernetes(
    image="registry.example/pdsl@sha256:" + "1" * 64, argo={argo}, queue="llm",
    settings={{"NCCL_DEBUG": "$(WARN)"}}, secrets={{"HF_TOKEN": ("hub", "token")}},
    gpu=Pod(memory="200Gi", shared_memory="64Gi", tolerations=(Toleration(key="nvidia.com/gpu"),), node_selector={{"pool": "h100"}},
            topology="cloud.provider.com/topology-block", network=("rdma/ib",)),
    stages={{llama_7b.base: Pod(seconds=2_000_000, priority="high")}},
    serving=Serving(
        image="registry.example/trtllm@sha256:" + "2" * 64, engine=TensorRtLlm(tensor_parallel={tensor}, draft="/models/draft")
    ),
)
pipeline = attrs.evolve(llama_7b.pipeline, launchers=[ours])
"""


def rendered(folder: Path, text: str) -> list[dict[str, Any]]:
    """The objects of a pipeline."""
    (folder / "ours.py").write_text(text)
    ended = pdsl("compile", "ours.py", "--backend", "k8s", cwd=folder)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return [found for file in sorted(folder.glob("generated/*/k8s/*.yaml")) for found in yaml.safe_load_all(file.read_text())]


@pytest.fixture(scope="module", params=[(True, 2), (False, 16)], ids=["argo", "jobset"])
def objects(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    argo, tensor = request.param
    return rendered(tmp_path_factory.mktemp("k8s"), SETTINGS.format(argo=argo, tensor=tensor))


def jobs(found: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The objects of built-in kinds that stand inside a custom one."""
    spec = found["spec"]
    if found["kind"] == "JobSet":
        for job in spec["replicatedJobs"]:
            yield {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": job["name"]}, "spec": job["template"]["spec"]}
    elif found["kind"] == "LeaderWorkerSet":
        yield {"apiVersion": "v1", "kind": "Pod", **spec["leaderWorkerTemplate"]["workerTemplate"]}
    elif found["kind"] == "Workflow":
        for template in spec["templates"]:
            if "resource" in template:
                yield from jobs(yaml.safe_load(template["resource"]["manifest"]))
            elif "container" in template:
                known = ("volumes", "nodeSelector", "tolerations", "priorityClassName", "securityContext")
                inner = {"containers": [template["container"]]} | {name: template[name] for name in known if name in template}
                yield {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": template["name"]}, "spec": inner}


def check(objects: list[dict[str, Any]]) -> collections.Counter[str]:
    """Validate what is of a built-in kind; how many of each kind there were."""
    checked = collections.Counter[str]()
    for found in objects:
        for one in [found] if found["kind"] not in CUSTOM else jobs(found):
            validation.validate(one, "1.37", strict=True)
            checked[one["kind"]] += 1
    return checked


def test_every_built_in_object_and_every_pod_inside_another_is_valid(objects: list[dict[str, Any]]) -> None:
    checked = check(objects)

    assert checked["Pod"] + checked["Job"] >= 27


def test_what_is_committed_for_every_pipeline_is_valid(capsys: pytest.CaptureFixture[str]) -> None:
    found = [found for file in sorted((ROOT / "generated").glob("*/k8s/*.yaml")) for found in yaml.safe_load_all(file.read_text())]
    checked = check(found)
    with capsys.disabled():
        kinds = collections.Counter(one["kind"] for one in found)
        print(f"\n{len(found)} objects for Kubernetes ({dict(kinds)}), {checked.total()} of built-in kinds in them and beside them")

    assert len(found) >= 36
    assert checked["Pod"] >= 80


def test_an_unknown_field_is_found(objects: list[dict[str, Any]]) -> None:
    service = next(found for found in objects if found["kind"] == "Service")

    with pytest.raises(validation.ValidationError):
        validation.validate({**service, "spec": {**service["spec"], "selectr": {}}}, "1.37", strict=True)


@pytest.mark.skipif("PDSL_CRDS" not in os.environ, reason="PDSL_CRDS names no folder with the schemas of Argo, JobSet, KEDA and their like")
def test_every_custom_object_is_valid(objects: list[dict[str, Any]]) -> None:
    jsonschema: Any = pytest.importorskip("jsonschema")
    schemas = {read["kind"]: read for file in Path(os.environ["PDSL_CRDS"]).glob("*.json") for read in [json.loads(file.read_text())]}
    for found in objects:
        if found["kind"] in CUSTOM:
            version = found["apiVersion"].partition("/")[2]
            jsonschema.Draft202012Validator(schemas[found["kind"]]["versions"][version]).validate(found)


def test_a_long_graph_waits_for_no_more_than_a_jobset_can(objects: list[dict[str, Any]]) -> None:
    waits = [len(job.get("dependsOn", ())) for found in objects if found["kind"] == "JobSet" for job in found["spec"]["replicatedJobs"]]

    assert all(count <= 5 for count in waits)


def test_no_pod_runs_as_root_or_may_become_root(objects: list[dict[str, Any]]) -> None:
    pods = [
        one for found in objects for one in ([found] if found["kind"] == "Deployment" else jobs(found) if found["kind"] in CUSTOM else [])
    ]
    specs = [pod["spec"]["template"]["spec"] if "template" in pod["spec"] else pod["spec"] for pod in pods]

    assert specs
    for spec in specs:
        assert spec["securityContext"]["runAsNonRoot"] is True
        for container in [*spec["containers"], *spec.get("initContainers", ())]:
            assert container["securityContext"]["allowPrivilegeEscalation"] is False
            assert container["securityContext"]["readOnlyRootFilesystem"] is True
            assert "memory" in container["resources"]["limits"]


def test_an_image_that_can_change_is_refused(tmp_path: Path) -> None:
    (tmp_path / "ours.py").write_text(SETTINGS.format(argo=True, tensor=1).replace('@sha256:" + "1" * 64', ':latest"'))
    ended = pdsl("compile", "ours.py", "--backend", "k8s", cwd=tmp_path)

    assert ended.returncode == 1
    assert "can change under its name" in ended.stderr
    assert not (tmp_path / "generated").exists()


def test_what_argo_would_replace_is_refused(tmp_path: Path) -> None:
    (tmp_path / "ours.py").write_text(SETTINGS.format(argo=True, tensor=1).replace("$(WARN)", "{{workflow.name}}"))
    ended = pdsl("compile", "ours.py", "--backend", "k8s", cwd=tmp_path)

    assert ended.returncode == 1
    assert "Argo Workflows would replace" in ended.stderr
