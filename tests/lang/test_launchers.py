"""What cluster settings say is held to what their schedulers read."""

import pytest

from pipeline_dsl.lang.kubernetes import Kubernetes, Pod, Serving, Toleration
from pipeline_dsl.lang.slurm import Slurm, SlurmJob


@pytest.mark.parametrize("time", ["90", "90:30", "12:00:00", "2-12", "2-12:30", "2-12:30:00", "infinite", "UNLIMITED"])
def test_slurm_reads_these_times(time: str) -> None:
    assert list(SlurmJob(time=time).problems()) == []


@pytest.mark.parametrize(
    ("time", "instead"),
    [("24h", "1-00:00:00"), ("90 minutes", "01:30:00"), ("36 hours", "1-12:00:00"), ("2d", "2-00:00:00"), ("1:00:00:00", "24:00:00")],
)
def test_slurm_reads_no_other_time_and_the_finding_says_what_to_write(time: str, instead: str) -> None:
    (problem,) = SlurmJob(time=time).problems()

    assert problem.field == "time"
    assert f'"{instead}"' in problem.help


@pytest.mark.parametrize(
    ("settings", "field"),
    [
        (Slurm(job=SlurmJob(memory="64 GB")), "job.memory"),
        (Slurm(gpu=SlurmJob(memory="1G", memory_per_gpu="1G")), "gpu.memory"),
        (Slurm(release_job=SlurmJob(partition="a b")), "release_job.partition"),
        (Slurm(stages={"base": SlurmJob(arguments=("--comment=two words",))}), "stages['base'].arguments"),
        (Slurm(gpu=SlurmJob(cpus=0)), "gpu.cpus"),
        (Slurm(variables=("HF-TOKEN",)), "variables"),
        (Slurm(settings={"1ST": ""}), "settings"),
        (Slurm(container="pyxis"), "container"),
        (Slurm(container="pyxis", image="/ours.sqsh", mounts=("/a,/b",)), "mounts"),
        (Slurm(setup=("a\nb",)), "setup"),
        (Kubernetes(gpu=Pod(memory="200GB")), "gpu.memory"),
        (Kubernetes(pod=Pod(memory="64K")), "pod.memory"),
        (Kubernetes(pod=Pod(memory="512m")), "pod.memory"),
        (Kubernetes(storage="2TB"), "storage"),
        (Kubernetes(namespace="ML_Team"), "namespace"),
        (Kubernetes(secrets={"HF-TOKEN": ("hub", "token")}), "secrets"),
        (Kubernetes(pod=Pod(seconds=0)), "pod.seconds"),
        (Kubernetes(queue="Our queue"), "queue"),
        (Kubernetes(queue="q" * 64), "queue"),
        (Kubernetes(storage_class="Fast SSD"), "storage_class"),
        (Kubernetes(gpu_resource="a gpu"), "gpu_resource"),
        (Kubernetes(image="registry.example/Ours@sha256:" + "a" * 64), "image"),
        (Kubernetes(secrets={"HF_TOKEN": ("The hub", "token")}), "secrets"),
        (Kubernetes(secrets={"HF_TOKEN": ("hub", "the token")}), "secrets"),
        (Kubernetes(gpu=Pod(node_selector={"gpu product": "H100"})), "gpu.node_selector"),
        (Kubernetes(gpu=Pod(node_selector={"gpu": "H100 80GB"})), "gpu.node_selector"),
        (Kubernetes(gpu=Pod(network=("rdma ib",))), "gpu.network"),
        (Kubernetes(pod=Pod(priority="High")), "pod.priority"),
        (Kubernetes(pod=Pod(topology="a block")), "pod.topology"),
        (Kubernetes(pod=Pod(tolerations=(Toleration(key="a key"),))), "pod.tolerations"),
        (Kubernetes(pod=Pod(tolerations=(Toleration(key="key", value="x"),))), "pod.tolerations"),
        (Kubernetes(pod=Pod(tolerations=(Toleration(key="", operator="Equal"),))), "pod.tolerations"),
        (Kubernetes(serving=Serving(image="ours", replicas=(4, 1))), "serving.replicas"),
        (Kubernetes(serving=Serving(image="ours", monitor_labels={"release": "of ours"})), "serving.monitor_labels"),
    ],
)
def test_the_way_to_the_field_is_told(settings: Slurm | Kubernetes, field: str) -> None:
    assert [problem.field for problem in settings.problems()] == [field]


@pytest.mark.parametrize(
    "settings",
    [
        Kubernetes(image="localhost:5000/ours/train:1.0_b-2@sha256:" + "A1" * 32),
        Kubernetes(image="train"),
        Kubernetes(image="ghcr.io/our-team/train__x/a.b:24.10-py3"),
        Kubernetes(queue="team.gpu-1", storage_class="ceph.rook.io", gpu_resource="nvidia.com/mig-3g.40gb"),
        Kubernetes(secrets={"AWS_SECRET_ACCESS_KEY": ("s3.team", "AWS_SECRET_ACCESS_KEY")}),
        Kubernetes(
            gpu=Pod(node_selector={"cloud.google.com/gke-accelerator": "nvidia-h100-80gb", "spot": ""}, network=("rdma/hca_shared",))
        ),
        Kubernetes(
            pod=Pod(tolerations=(Toleration(key=""), Toleration(key="team", operator="Equal", value="llm")), priority="system.high")
        ),
    ],
)
def test_the_names_that_clusters_have_are_taken(settings: Kubernetes) -> None:
    assert list(settings.problems()) == []
