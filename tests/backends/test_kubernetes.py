"""Every object that is rendered for Kubernetes is one that its API server takes.

Built-in kinds are held to the server's own schemas, with unknown fields refused. So is every pod that stands inside an Argo
Workflow, a JobSet or a LeaderWorkerSet; the schemas of those three are read from the folder that PDSL_CRDS names, if it does.
"""

import collections
import json
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from pipeline_dsl import TensorRtLlm
from pipeline_dsl.backends.k8s import replicas
from pipeline_dsl.backends.k8s.serving import engine_options
from pipeline_dsl.base.fault import Unrenderable
from tests.command import ROOT, pdsl, run

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
        image="registry.example/trtllm@sha256:" + "2" * 64, device=H100,
        engine=TensorRtLlm(tensor_parallel={tensor}, pipeline_parallel={pipeline}, draft="/models/draft"),
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


@pytest.fixture(scope="module", params=[(True, 2, 1), (False, 2, 8)], ids=["argo", "jobset"])
def objects(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    argo, tensor, pipeline = request.param
    return rendered(tmp_path_factory.mktemp("k8s"), SETTINGS.format(argo=argo, tensor=tensor, pipeline=pipeline))


def jobs(found: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The objects of built-in kinds that stand inside a custom one."""
    spec = found["spec"]
    if found["kind"] == "JobSet":
        for job in spec["replicatedJobs"]:
            yield {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": job["name"]}, "spec": job["template"]["spec"]}
    elif found["kind"] == "LeaderWorkerSet":
        for template in ("leaderTemplate", "workerTemplate"):
            yield {"apiVersion": "v1", "kind": "Pod", **spec["leaderWorkerTemplate"][template]}
    elif found["kind"] == "Workflow":
        for template in spec["templates"]:
            if "resource" in template:
                yield from jobs(yaml.safe_load(template["resource"]["manifest"]))
            elif "container" in template:
                known = ("nodeSelector", "tolerations", "priorityClassName")
                inner = {"containers": [template["container"]]} | {name: template[name] for name in known if name in template}
                inner |= {"volumes": [*spec["volumes"], *template.get("volumes", ())], "securityContext": spec["securityContext"]}
                inner |= json.loads(spec["podSpecPatch"])
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


def test_a_long_graph_waits_for_no_more_than_a_jobset_can_and_for_all_of_it(objects: list[dict[str, Any]]) -> None:
    for jobset in (found for found in objects if found["kind"] == "JobSet"):
        waits = {job["name"]: [each["name"] for each in job.get("dependsOn", ())] for job in jobset["spec"]["replicatedJobs"]}
        assert all(len(names) <= 5 for names in waits.values())
        before = {"gate"}
        for name in reversed(waits):  # a job stands behind those that it waits for
            before |= set(waits[name]) if name in before else set()
        assert before == set(waits)


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


def test_an_image_that_can_change_earns_a_warning(tmp_path: Path) -> None:
    (tmp_path / "ours.py").write_text(SETTINGS.format(argo=True, tensor=1, pipeline=1).replace('@sha256:" + "1" * 64', ':latest"'))
    ended = pdsl("compile", "ours.py", "--backend", "k8s", cwd=tmp_path)

    assert ended.returncode == 0
    assert "warning[PDSL703]: `Kubernetes.image` is 'registry.example/pdsl:latest', which can change under its name" in ended.stderr
    assert "Kubernetes.serving.image" not in ended.stderr


def test_what_argo_would_replace_is_refused(tmp_path: Path) -> None:
    (tmp_path / "ours.py").write_text(SETTINGS.format(argo=True, tensor=1, pipeline=1).replace("$(WARN)", "{{workflow.name}}"))
    ended = pdsl("compile", "ours.py", "--backend", "k8s", cwd=tmp_path)

    assert ended.returncode == 1
    assert "Argo Workflows would replace" in ended.stderr


def only(objects: list[dict[str, Any]], kind: str) -> dict[str, Any]:
    (found,) = [found for found in objects if found["kind"] == kind]
    return found


def every_job(objects: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [job for found in objects if found["kind"] in CUSTOM for job in jobs(found) if job["kind"] == "Job"]


@pytest.mark.parametrize(("code", "again"), [(-1, True), (0, True), (1, False), (2, False), (3, False), (4, False), (5, True), (137, True)])
def test_argo_tries_again_by_the_exit_code(objects: list[dict[str, Any]], code: int, again: bool) -> None:
    """-1 is what Argo says where a pod is gone without one."""
    for template in (template for found in objects if found["kind"] == "Workflow" for template in found["spec"]["templates"]):
        if "container" in template:
            expression = template["retryStrategy"]["expression"]
            said = re.fullmatch(r"asInt\(lastRetry\.exitCode\) < (\d+) \|\| asInt\(lastRetry\.exitCode\) > (\d+)", expression)

            assert said is not None
            assert (code < int(said[1]) or code > int(said[2])) is again


def test_no_waiting_between_tries_ends_a_long_stage(objects: list[dict[str, Any]]) -> None:
    assert "maxDuration" not in json.dumps(objects)


def test_a_lost_node_restarts_a_jobset_and_a_final_exit_code_fails_it(objects: list[dict[str, Any]]) -> None:
    for job in every_job(objects):
        lost, final = job["spec"]["podFailurePolicy"]["rules"]
        assert lost == {"action": "FailJob", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]}
        assert final["onExitCodes"]["values"] == [1, 2, 3, 4]
    jobsets = [found for found in objects if found["kind"] == "JobSet"]
    jobsets += [
        yaml.safe_load(template["resource"]["manifest"])
        for found in objects
        if found["kind"] == "Workflow"
        for template in found["spec"]["templates"]
        if "resource" in template
    ]
    assert jobsets
    for jobset in jobsets:
        actions = [rule["action"] for rule in jobset["spec"]["failurePolicy"]["rules"]]
        assert actions == ["RestartJobSetAndIgnoreMaxRestarts", "FailJobSet"]  # the first that fits decides


def test_the_gate_is_last(objects: list[dict[str, Any]]) -> None:
    if any(found["kind"] == "Workflow" for found in objects):
        (gate,) = [task for task in only(objects, "Workflow")["spec"]["templates"][0]["dag"]["tasks"] if task["name"] == "gate"]
        assert gate["depends"]
    else:
        gate = only(objects, "JobSet")["spec"]["replicatedJobs"][-1]
        assert gate["name"] == "gate"
        assert gate["dependsOn"]


def test_what_outlives_a_run_carries_no_plans_label(objects: list[dict[str, Any]]) -> None:
    """Or ending one plan would delete everybody's volume, and the options of a server that is at work."""
    for found in objects:
        shared = found["kind"] in ("ServiceAccount", "Role", "RoleBinding", "PersistentVolumeClaim")
        serves = "app.kubernetes.io/name" in found["metadata"]["labels"]
        assert ("pdsl.dev/plan" in found["metadata"]["labels"]) is not (shared or serves)


def test_every_pod_of_a_stage_is_found_by_plan_and_stage(objects: list[dict[str, Any]]) -> None:
    for job in every_job(objects):
        assert {"pdsl.dev/plan", "pdsl.dev/stage"} <= set(job["spec"]["template"]["metadata"]["labels"])


LONG = """
from pipeline_dsl import *
from tests.runner.stages import Step

name = "a_stage_whose_name_is_as_long_as_a_name_may_be_4"
stage = Step(name=name[:47] + "1", label="one", on=Hardware(device=H100, count=8, nodes=512))
pipeline = Pipeline(
    name="a_pipeline_whose_name_is_as_long_as_one_may_be_4", targets=[Step(name=name[:47] + "2", label="two", reads=(stage,))],
    launchers=[Kubernetes(image="registry.example/pdsl@sha256:" + "1" * 64, argo={argo})],
)
"""


@pytest.mark.parametrize("argo", [True, False])
def test_no_pod_has_a_longer_name_than_63_characters(argo: bool, tmp_path: Path) -> None:
    """A JobSet's pod is a host as `<jobset>-<job>-<number>-<pod>`, and is called with five more random letters."""
    (whole,) = [found for found in rendered(tmp_path, LONG.format(argo=argo)) if found["kind"] in ("Workflow", "JobSet")]
    jobset = yaml.safe_load(whole["spec"]["templates"][1]["resource"]["manifest"]) if argo else whole
    for job in jobset["spec"]["replicatedJobs"]:
        pods = job["template"]["spec"]["completions"]

        assert len(f"{jobset['metadata']['generateName']}12345-{job['name']}-0-{pods - 1}-12345") <= 63


def test_a_stage_that_would_be_called_as_something_else_is_refused(tmp_path: Path) -> None:
    text = "from pipeline_dsl import *\nfrom tests.runner.stages import Step\n"
    text += "pipeline = Pipeline(name='p', targets=[Step(name='gate', label='1')], launchers=[Kubernetes(image='i@sha256:' + '1' * 64)])\n"
    (tmp_path / "ours.py").write_text(text)
    ended = pdsl("compile", "ours.py", "--backend", "k8s", cwd=tmp_path)

    assert ended.returncode == 1
    assert "`gate` would be called `gate` on Kubernetes, as the gate is" in ended.stderr


def test_an_object_that_is_too_large_for_the_api_server_is_refused(tmp_path: Path) -> None:
    text = "from pipeline_dsl import *\nfrom tests.runner.stages import Step\n"
    text += "made = [Step(label=f'{number}') for number in range(900)]\n"
    text += "pipeline = Pipeline(name='p', targets=made, launchers=[Kubernetes(image='i@sha256:' + '1' * 64, argo=False)])\n"
    (tmp_path / "ours.py").write_text(text)
    ended = pdsl("compile", "ours.py", "--backend", "k8s", cwd=tmp_path)

    assert ended.returncode == 1
    assert "bytes, Kubernetes takes" in ended.stderr


# Options of `LlmArgs` and of what it holds, in release 1.2, as far as a server that loads a Hugging Face folder has them.
KNOWN = {
    "tensor_parallel_size", "pipeline_parallel_size", "moe_expert_parallel_size", "max_batch_size", "max_num_tokens", "max_seq_len",
    "enable_chunked_prefill", "dtype", "kv_cache_config", "return_perf_metrics", "enable_iter_perf_stats", "speculative_config",
    "disable_overlap_scheduler",
}  # fmt: skip
KNOWN_OF_CACHE = {"free_gpu_memory_fraction", "enable_block_reuse", "dtype", "tokens_per_block"}
KNOWN_OF_DRAFTS = {
    "DraftTarget": {"decoding_type", "max_draft_len", "speculative_model_dir"},
    "Eagle": {"decoding_type", "max_draft_len", "speculative_model_dir"},
    "MTP": {"decoding_type", "num_nextn_predict_layers"},
    "NGram": {"decoding_type", "max_draft_len", "max_matching_ngram_size"},
}


@pytest.mark.parametrize("kind", KNOWN_OF_DRAFTS)
def test_the_engine_is_told_by_the_names_of_its_own_release(kind: Any) -> None:
    draft = "/models/draft" if kind in ("DraftTarget", "Eagle") else None
    told = engine_options(TensorRtLlm(speculation=kind, draft=draft, expert_parallel=2, max_length=4096))

    assert set(told) <= KNOWN
    assert set(told["kv_cache_config"]) == KNOWN_OF_CACHE
    assert told["speculative_config"]["decoding_type"] == kind
    assert set(told["speculative_config"]) == KNOWN_OF_DRAFTS[kind]


def test_a_draft_that_is_not_said_is_refused() -> None:
    with pytest.raises(Unrenderable, match="needs `draft`"):
        engine_options(TensorRtLlm(speculation="Eagle"))


def test_a_model_that_spans_nodes_is_reached_by_its_leader_alone(objects: list[dict[str, Any]]) -> None:
    service = only(objects, "Service")["spec"]["selector"]
    several = any(found["kind"] == "LeaderWorkerSet" for found in objects)

    assert ("leaderworkerset.sigs.k8s.io/worker-index" in service) is several
    assert only(objects, "ScaledObject")["spec"]["scaleTargetRef"]["kind"] == ("LeaderWorkerSet" if several else "Deployment")


def test_the_service_leaves_its_pods_their_names(objects: list[dict[str, Any]]) -> None:
    """A LeaderWorkerSet's controller makes a Service without an address by the set's own name, unless there is one: by it pods meet."""
    service = only(objects, "Service")["metadata"]

    assert service["name"] not in {found["metadata"]["name"] for found in objects if found["kind"] == "LeaderWorkerSet"}
    assert only(objects, "ServiceMonitor")["spec"]["selector"]["matchLabels"].items() <= service["labels"].items()
    for trigger in only(objects, "ScaledObject")["spec"]["triggers"]:
        assert f'service="{service["name"]}"' in trigger["metadata"]["query"]


def served(objects: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The pods that serve."""
    several = [pod["spec"] for found in objects if found["kind"] == "LeaderWorkerSet" for pod in jobs(found)]
    return several or [only(objects, "Deployment")["spec"]["template"]["spec"]]


def test_what_serves_bears_the_taints_of_the_nodes_with_gpus(objects: list[dict[str, Any]]) -> None:
    for pod in served(objects):
        assert pod["tolerations"] == [{"key": "nvidia.com/gpu", "operator": "Exists"}]
        assert pod["nodeSelector"] == {"pool": "h100"}


def test_what_serves_may_be_asked_for_elsewhere(tmp_path: Path) -> None:
    text = SETTINGS.format(argo=True, tensor=2, pipeline=1).replace(
        "device=H100,", 'device=H100, node_selector={"pool": "serve"}, tolerations=(),'
    )
    for pod in served(rendered(tmp_path, text)):
        assert pod["nodeSelector"] == {"pool": "serve"}
        assert "tolerations" not in pod


def test_only_the_scaler_says_how_many_replicas_there_are(objects: list[dict[str, Any]]) -> None:
    for found in objects:
        assert found["kind"] == "ScaledObject" or "replicas" not in found.get("spec", {})


# What TensorRT-LLM 1.2 tells Prometheus, below `trtllm_` or, in its first builds, without it: histograms, each with its sum and count.
TOLD = {"e2e_request_latency_seconds", "time_to_first_token_seconds", "time_per_output_token_seconds", "request_queue_time_seconds"}


def test_the_scaler_reads_what_release_1_2_tells_where_the_newer_counters_are_not_there(objects: list[dict[str, Any]]) -> None:
    for trigger in only(objects, "ScaledObject")["spec"]["triggers"]:
        newer, older = trigger["metadata"]["query"].split(" or ")
        read = re.findall(r'__name__=~"\(trtllm_\)\?(\w+)_(?:sum|count)"', older)

        assert re.search(r"\btrtllm_(generation_tokens_total|num_requests_waiting)\{", newer)
        assert len(read) == older.count("{") > 0
        assert set(read) <= TOLD


def test_the_scripts_of_a_model_that_spans_nodes_pass_shellcheck(tmp_path: Path) -> None:
    for name, script in (("leader", replicas.LEADER), ("worker", replicas.WORKER)):
        (tmp_path / name).write_text(f"#!/usr/bin/env bash\n{script}")
    checked = run([Path(sys.executable).with_name("shellcheck"), "-e", "SC2086", tmp_path / "leader", tmp_path / "worker"], cwd=tmp_path)

    assert checked.stdout == ""


MANY = """
from pipeline_dsl import *
from tests.runner.stages import Step

step = Step(label="first")
for number in range({stages} - 1):
    step = Step(label=str(number), reads=(step,))
pipeline = Pipeline(name="many", targets=[step], launchers=[Kubernetes(image="ours@sha256:" + "1" * 64, argo={argo})])
"""


@pytest.mark.parametrize(("stages", "argo", "code"), [(198, True, 0), (199, True, 1), (199, False, 0)])
def test_more_stages_than_argo_takes_are_refused(tmp_path: Path, stages: int, argo: bool, code: int) -> None:
    """200 templates of a Workflow and 200 tasks of a graph: https://github.com/argoproj/argo-workflows/pull/15028."""
    (tmp_path / "ours.py").write_text(MANY.format(stages=stages, argo=argo))
    ended = pdsl("compile", "ours.py", "--backend", "k8s", cwd=tmp_path, PYTHONPATH=str(ROOT))

    assert ended.returncode == code, ended.stderr
    assert ("argo=False" in ended.stderr) == bool(code)
    (run_file,) = tmp_path.glob("generated/many/k8s/run.yaml") if not code else (None,)
    if argo and run_file is not None:
        assert len(yaml.safe_load(run_file.read_text())["spec"]["templates"]) == 200
