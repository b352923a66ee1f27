"""`pdsl submit`, `status`, `logs` and `cancel` on Kubernetes, by the real `kubectl`; see `apiserver.py` for what is not real."""

import json
import shutil
import subprocess
from collections.abc import Generator
from pathlib import Path
from typing import Any

import attrs
import pytest
import yaml

from pipeline_dsl.backends.k8s.cluster import KubernetesObjects
from pipeline_dsl.compiler.compile import compile_target
from pipeline_dsl.plan import plan as plans
from pipeline_dsl.plan.plan import Plan
from pipeline_dsl.render import generate
from pipeline_dsl.runner.gathering import gather
from pipeline_dsl.runner.run import run_folder
from pipeline_dsl.store.layout import Layout
from pipeline_dsl.store.store import Store
from tests.backends.apiserver import ApiServer, apiserver
from tests.command import pdsl

pytestmark = pytest.mark.skipif(
    shutil.which("kubectl") is None, reason="kubectl is not on this machine: `apt-get install kubernetes-client`, or your cloud's package"
)

PIPELINE = """
from pipeline_dsl import *
from tests.runner.stages import Step

one, other = Step(name="one", label="one"), Step(name="other", label="other")
both = Step(name="join_all", label="both", reads=(one, other), on=Hardware(device=H100, count=8, nodes=2))
pipeline = Pipeline(
    name="demo", targets=[Step(name="end", label="end", reads=(both,)), Step(name="aside", label="aside")],
    launchers=[Kubernetes(image="registry.example/pdsl@sha256:" + "1" * 64, argo={argo})],
)
"""

Object = dict[str, Any]


@attrs.frozen
class Bench:
    """A pipeline in a folder, and the server that `kubectl` speaks to there."""

    folder: Path
    api: ApiServer
    config: Path

    def pdsl(self, *words: str, author: str = "") -> "subprocess.CompletedProcess[str]":
        return pdsl(*words, cwd=self.folder, KUBECONFIG=str(self.config), HOME=str(self.folder), PDSL_AUTHOR=author)

    @property
    def files(self) -> Path:
        """Where a plan's files are once it was submitted."""
        (found,) = (self.folder / ".pdsl" / "runs").glob("*/launch/k8s")
        return found

    def states(self) -> dict[str, tuple[str, str]]:
        """What the cluster says of each stage, as `pdsl status` asks it: its state, and why."""
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("KUBECONFIG", str(self.config))
            return {job.stage: (job.state, job.reason) for job in KubernetesObjects().jobs(self.files)}

    @property
    def run(self) -> Object:
        return self.api.of("workflows")[-1]

    def node(self, task: str, phase: str, **more: Any) -> None:
        """What Argo's controller says of a task."""
        name = self.run["metadata"]["name"]
        nodes = self.run.setdefault("status", {"phase": "Running", "nodes": {}})["nodes"]
        nodes[f"{name}-{task}"] = {"name": f"{name}.{task}", "displayName": task, "type": "Retry", "phase": phase, **more}
        nodes[f"{name}-{task}-0"] = {"name": f"{name}.{task}(0)", "displayName": f"{task}(0)", "type": "Pod", "phase": phase}

    def pod(self, task: str, phase: str, *, owner: Object | None = None, index: int | None = None, **status: Any) -> Object:
        """A pod of a stage, as its controller makes it and the kubelet reports it."""
        of = owner or self.run
        known = self.run if self.api.of("workflows") else of
        mark = "workflows.argoproj.io/workflow" if of["kind"] == "Workflow" else "jobset.sigs.k8s.io/jobset-name"
        labels = known["metadata"]["labels"] | {"pdsl.dev/stage": task, mark: of["metadata"]["name"]}
        if index is not None:
            labels["batch.kubernetes.io/job-completion-index"] = str(index)
        meta = {"generateName": f"{task}-", "namespace": "default", "labels": labels, "ownerReferences": [_owner(of)]}
        body = {"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": {"containers": [{"name": "main"}]}}
        return self.api.put("pods", {**body, "status": {"phase": phase, **status}})

    def jobset(self, task: str, **status: Any) -> Object:
        """The JobSet of a stage on several nodes, as Argo's resource template makes it."""
        labels = self.run["metadata"]["labels"] | {"pdsl.dev/stage": task}
        meta = {"generateName": f"demo-{task}-", "namespace": "default", "labels": labels, "ownerReferences": [_owner(self.run)]}
        body = {"apiVersion": "jobset.x-k8s.io/v1alpha2", "kind": "JobSet", "metadata": meta, "spec": {}, "status": status}
        return self.api.put("jobsets", body)


def _owner(of: Object) -> Object:
    return {"kind": of["kind"], "name": of["metadata"]["name"], "uid": of["metadata"]["uid"]}


def ended(code: int, reason: str = "Error") -> Object:
    """A pod's status whose container ended."""
    return {"containerStatuses": [{"name": "main", "state": {"terminated": {"exitCode": code, "reason": reason}}}]}


def waits(reason: str, message: str = "") -> Object:
    """A pod's status whose container does not start."""
    return {"containerStatuses": [{"name": "main", "state": {"waiting": {"reason": reason, "message": message}}}]}


@pytest.fixture(scope="module", params=[True, False])
def planned(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Plan:
    """The plan, compiled once; with Argo, and without it."""
    file = tmp_path_factory.mktemp("planned") / "ours.py"
    file.write_text(PIPELINE.format(argo=request.param))
    compiled = compile_target(str(file))
    assert compiled.plan is not None, compiled.diagnostics
    return compiled.plan


@pytest.fixture
def bench(tmp_path: Path, planned: Plan) -> Generator[Bench]:
    """A saved plan, and nothing in the cluster."""
    (tmp_path / "plan.json").write_text(plans.dump(planned))
    with apiserver(tmp_path) as (api, config):
        yield Bench(tmp_path, api, config)


@pytest.fixture
def submitted(bench: Bench, planned: Plan) -> Bench:
    """The same once it was submitted: what `kubectl create` leaves, without having called it."""
    store = Store(Layout(bench.folder / ".pdsl"))
    gather(planned, store)
    folder = generate.launch_folder(run_folder(store, planned), "k8s")
    for file in generate.files(planned, "k8s"):
        (folder / file.path).parent.mkdir(parents=True, exist_ok=True)
        (folder / file.path).write_text(file.text)
    for file in ("support.yaml", "run.yaml"):
        for body in yaml.safe_load_all((folder / file).read_text()):
            bench.api.put(body["kind"].lower() + "s", body)
    return bench


with_argo = pytest.mark.parametrize("planned", [True], indirect=True)
without_argo = pytest.mark.parametrize("planned", [False], indirect=True)


@with_argo
def test_a_plan_is_created_and_what_was_created_is_said(bench: Bench) -> None:
    said = bench.pdsl("submit", "plan.json", "--backend", "k8s")

    (run,) = bench.api.of("workflows")
    assert f"workflow.argoproj.io/{run['metadata']['name']} created" in said.stdout
    assert "in namespace default of test" in said.stdout
    assert {kind for kind, _ in bench.api.objects} == {
        "workflows", "configmaps", "persistentvolumeclaims", "serviceaccounts", "roles", "rolebindings"
    }  # fmt: skip


def authors(spec: Object) -> list[Object]:
    """The PDSL_AUTHOR of each container of a Workflow, those of JobSets inside it too, or of a JobSet."""
    if "replicatedJobs" in spec:
        found = [job["template"]["spec"]["template"]["spec"]["containers"][0] for job in spec["replicatedJobs"]]
        return [each for container in found for each in container["env"] if each["name"] == "PDSL_AUTHOR"]
    inner = [yaml.safe_load(template["resource"]["manifest"])["spec"] for template in spec["templates"] if "resource" in template]
    found = [template["container"] for template in spec["templates"] if "container" in template]
    own = [each for container in found for each in container["env"] if each["name"] == "PDSL_AUTHOR"]
    return own + [each for jobset in inner for each in authors(jobset)]


def test_the_records_of_all_pods_will_name_whoever_submitted(bench: Bench) -> None:
    said = bench.pdsl("submit", "plan.json", "--backend", "k8s", author="ada@example.org")
    assert said.returncode == 0, said.stderr
    (run,) = [*bench.api.of("workflows"), *bench.api.of("jobsets")]
    given = [each["valueFrom"]["configMapKeyRef"] for each in authors(run["spec"])]
    read = [bench.api.objects["configmaps", each["name"]]["data"][each["key"]] for each in given]

    assert read == ["ada@example.org"] * 6  # five stages and the gate
    assert all(each["optional"] for each in given)  # what is created by hand starts as well
    assert "ada@" not in (bench.files / "run.yaml").read_text() + (bench.files / "support.yaml").read_text()


def test_who_submitted_is_forgotten_with_the_plan_and_replaced_by_who_submits_next(bench: Bench) -> None:
    bench.pdsl("submit", "plan.json", "--backend", "k8s", author="ada@example.org")
    bench.pdsl("cancel")
    assert bench.api.of("configmaps") == []
    bench.pdsl("submit", "plan.json", "--backend", "k8s", author="yes")  # a text, whatever YAML could take it for

    assert [found["data"]["PDSL_AUTHOR"] for found in bench.api.of("configmaps") if "PDSL_AUTHOR" in found["data"]] == ["yes"]


@with_argo
def test_a_dry_run_asks_the_server_and_creates_nothing(bench: Bench) -> None:
    said = bench.pdsl("submit", "plan.json", "--backend", "k8s", "--dry-run")

    assert "kubectl --namespace default create --filename" in said.stdout
    assert "created (server dry run)" in said.stdout
    assert bench.api.objects == {}


@with_argo
def test_what_the_server_refuses_leaves_nothing_behind(bench: Bench) -> None:
    bench.api.refuses["workflows"] = "spec.templates: Invalid value"
    said = bench.pdsl("submit", "plan.json", "--backend", "k8s")

    assert said.returncode == 5
    assert "spec.templates: Invalid value" in said.stderr
    assert bench.api.requests == []


@with_argo
def test_a_second_submit_of_a_running_plan_says_so(submitted: Bench) -> None:
    said = submitted.pdsl("submit", "plan.json", "--backend", "k8s")

    assert (said.returncode, len(submitted.api.of("workflows"))) == (1, 1)
    assert "submitted already" in said.stdout


@with_argo
def test_a_plan_that_runs_is_not_submitted_from_another_folder_either(submitted: Bench) -> None:
    said = submitted.pdsl("submit", "plan.json", "--backend", "k8s", "--store", "other")

    assert (said.returncode, len(submitted.api.of("workflows"))) == (1, 1)


@with_argo
def test_a_plan_that_is_done_is_not_submitted_again(submitted: Bench) -> None:
    for task in ("one", "other", "join-all", "end", "aside", "gate"):
        submitted.node(task, "Succeeded")
    submitted.run["status"]["phase"] = "Succeeded"
    said = submitted.pdsl("submit", "plan.json", "--backend", "k8s")

    assert (said.returncode, len(submitted.api.of("workflows"))) == (0, 1), submitted.states()
    assert "nothing to submit" in said.stdout


@pytest.mark.parametrize(
    ("status", "told"),
    [
        ({"conditions": [{"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/3 nodes have 8 GPUs"}]},
         "Unschedulable: 0/3 nodes have 8 GPUs"),
        (waits("ImagePullBackOff", "Back-off pulling image"), "ImagePullBackOff: Back-off pulling image"),
        (waits("CreateContainerConfigError", 'secret "hub" not found'), 'CreateContainerConfigError: secret "hub" not found'),
    ],
)  # fmt: skip
@with_argo
def test_a_pod_that_cannot_start_says_why(submitted: Bench, status: Object, told: str) -> None:
    submitted.node("one", "Pending")
    submitted.pod("one", "Pending", **status)

    assert submitted.states()["one"] == ("waiting", told)


@pytest.mark.parametrize(
    ("status", "told"),
    [
        (ended(5), "the stage failed, exit 5"),
        (ended(4), "a digest does not match, exit 4"),
        (ended(137, "OOMKilled"), "OOMKilled: it took more than its memory limit"),
        ({"reason": "Evicted", "message": "The node was low on resource: memory."}, "Evicted: The node was low on resource: memory."),
    ],
)
@with_argo
def test_a_pod_that_failed_says_why(submitted: Bench, status: Object, told: str) -> None:
    submitted.node("one", "Failed", message="retryStrategy.expression evaluated to false")
    submitted.pod("one", "Failed", **status)

    assert submitted.states()["one"] == ("failed", told)


@with_argo
def test_a_held_gate_is_told_from_a_failed_stage(submitted: Bench) -> None:
    submitted.node("gate", "Failed")
    submitted.pod("gate", "Failed", **ended(3))

    assert submitted.states()["gate"] == ("failed", "HOLD, exit 3")


@with_argo
def test_what_depends_on_a_failed_stage_is_cancelled_and_others_go_on(submitted: Bench) -> None:
    submitted.node("one", "Failed")
    submitted.node("join-all", "Omitted", message="omitted: depends condition not met")
    submitted.node("aside", "Running")
    submitted.pod("aside", "Running")
    states = submitted.states()

    assert states["join_all"] == ("cancelled", "a stage before it failed")
    assert states["aside"] == ("running", "")


@with_argo
def test_nodes_that_argo_compressed_are_read(submitted: Bench) -> None:
    import base64
    import gzip

    submitted.node("one", "Succeeded")
    nodes = submitted.run["status"].pop("nodes")
    submitted.run["status"]["compressedNodes"] = base64.b64encode(gzip.compress(json.dumps(nodes).encode())).decode()

    assert submitted.states()["one"][0] == "done"


@with_argo
def test_a_stage_on_several_nodes_runs_when_its_pods_do(submitted: Bench) -> None:
    submitted.node("join-all", "Running")
    jobset = submitted.jobset("join-all", restarts=1)
    for index in (0, 1):
        submitted.pod("join-all", "Running", owner=jobset, index=index)

    assert submitted.states()["join_all"] == ("running", "try 2")


@with_argo
def test_a_jobset_runs_though_the_pod_that_waited_for_it_was_lost(submitted: Bench) -> None:
    """Argo takes an evicted pod for a failed task; what the pod had made goes on, and is there to be cancelled."""
    submitted.node("join-all", "Failed", message="The node was low on resource: memory.")
    submitted.run["status"]["phase"] = "Failed"
    submitted.pod("join-all", "Running", owner=submitted.jobset("join-all"), index=0)

    assert submitted.states()["join_all"] == ("running", "")
    assert "cancelled" in submitted.pdsl("cancel").stdout
    assert submitted.api.of("jobsets") == []


@with_argo
def test_a_jobset_that_failed_fails_its_stage(submitted: Bench) -> None:
    submitted.node("join-all", "Failed", message="failure condition evaluated true")
    submitted.pod("join-all", "Failed", owner=submitted.jobset("join-all", terminalState="Failed"), index=0, **ended(4))

    assert submitted.states()["join_all"] == ("failed", "a digest does not match, exit 4")


@with_argo
def test_a_stage_that_its_queue_holds_back_waits_for_it(submitted: Bench) -> None:
    submitted.node("join-all", "Running")
    submitted.jobset("join-all")["spec"] = {"suspend": True}

    assert submitted.states()["join_all"] == ("waiting", "its queue has not let it in")


@with_argo
def test_logs_are_of_the_newest_pod_of_the_node_that_is_asked_for(submitted: Bench) -> None:
    jobset = submitted.jobset("join-all")
    for index, text in ((0, "first\n"), (1, "second\n"), (1, "second, again\n")):
        pod = submitted.pod("join-all", "Running", owner=jobset, index=index)
        submitted.api.logs[pod["metadata"]["name"]] = text

    assert submitted.pdsl("logs", "join_all").stdout == "first\n"
    assert submitted.pdsl("logs", "join_all", "--node", "1").stdout == "second, again\n"


@with_argo
def test_status_names_each_stage_with_its_pod_and_the_reason(submitted: Bench) -> None:
    submitted.node("one", "Pending")
    pod = submitted.pod("one", "Pending", **waits("ImagePullBackOff", "Back-off"))
    shown = submitted.pdsl("status").stdout

    assert f"one       waiting    job {pod['metadata']['name']}: ImagePullBackOff: Back-off" in shown
    assert "gate      waiting" in shown


@with_argo
def test_logs_of_a_stage_without_a_pod_say_so(submitted: Bench) -> None:
    said = submitted.pdsl("logs", "one")

    assert said.returncode == 2
    assert "has not run here" in said.stderr


@with_argo
def test_cancelling_deletes_what_was_submitted_and_leaves_what_pipelines_share(submitted: Bench) -> None:
    jobset = submitted.jobset("join-all")
    submitted.pod("join-all", "Running", owner=jobset, index=0)
    said = submitted.pdsl("cancel")

    assert "cancelled" in said.stdout
    assert {kind for kind, _ in submitted.api.objects} == {"persistentvolumeclaims", "serviceaccounts", "roles", "rolebindings"}
    assert "nothing was running" in submitted.pdsl("cancel").stdout


@with_argo
def test_a_pod_that_outlives_what_owned_it_is_ended_too(submitted: Bench) -> None:
    pod = submitted.pod("one", "Running")
    del pod["metadata"]["ownerReferences"]
    said = submitted.pdsl("cancel")

    assert said.returncode == 0, said.stderr
    assert submitted.api.of("pods") == []
    assert ("DELETE", f"pods/{pod['metadata']['name']}") in submitted.api.requests


@with_argo
def test_a_cluster_without_argo_is_told_as_such(bench: Bench) -> None:
    bench.api.absent.add("argoproj.io")
    said = bench.pdsl("submit", "plan.json", "--backend", "k8s")

    assert said.returncode == 5
    assert "the cluster lacks a controller" in said.stderr


@with_argo
def test_a_machine_without_kubectl_is_told_what_to_install(bench: Bench) -> None:
    said = pdsl("submit", "plan.json", "--backend", "k8s", cwd=bench.folder, PATH="/nowhere")

    assert said.returncode == 5
    assert "`kubectl` is not on this machine" in said.stderr


@without_argo
def test_without_argo_one_jobset_is_the_graph(submitted: Bench) -> None:
    (run,) = submitted.api.of("jobsets")
    counts = {"active": 0, "failed": 0, "ready": 0, "succeeded": 0, "suspended": 0}
    run["status"] = {"replicatedJobsStatus": [{"name": "one", **counts, "succeeded": 1}, {"name": "other", **counts, "active": 1}]}
    submitted.pod("other", "Running", owner=run, index=0)
    states = {stage: state for stage, (state, _) in submitted.states().items()}

    assert (states["one"], states["other"], states["join_all"], states["gate"]) == ("done", "running", "waiting", "waiting")


@without_argo
def test_without_argo_a_failed_stage_ends_the_graph(submitted: Bench) -> None:
    (run,) = submitted.api.of("jobsets")
    run["status"] = {"terminalState": "Failed"}
    submitted.pod("one", "Failed", owner=run, index=0, **ended(5))
    states = submitted.states()

    assert states["one"] == ("failed", "the stage failed, exit 5")
    assert states["join_all"][0] == "cancelled"
