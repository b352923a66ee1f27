"""Settings of clusters in every spelling that their schedulers read."""

from _studio import base, sft

from pipeline_dsl import Kubernetes, Pipeline, Pod, Slurm, SlurmJob

IMAGE = "registry.example/team/train@sha256:" + "a1" * 32

long = SlurmJob(
    time="3-0",
    memory="0",
    partition="gpu,gpu-long",
    constraint="a100&ib",
    nodelist="gpu[01-08,10]",
    arguments=("--mail-type=END", "--gres-flags=enforce-binding"),
)
slurm = Slurm(
    job=SlurmJob(time="90", memory="64000M"),
    gpu=SlurmJob(time="UNLIMITED", memory_per_gpu="180GB"),
    stages={base: long, "11_sft": SlurmJob(time="23:59:59")},
    variables=("HF_TOKEN", "WANDB_API_KEY"),
    settings={"NCCL_IB_HCA": "^mlx5_2", "HF_HUB_DISABLE_IMPLICIT_TOKEN": "1", "PAD_TOKEN": "<|endoftext|>", "TOKEN": "/run/secrets/token2"},
    container="pyxis",
    image=IMAGE,
    mounts=("/data:/data:ro", "/scratch"),
)
k8s = Kubernetes(
    image=IMAGE,
    namespace="ml-team",
    storage="500Gi",
    pod=Pod(cpu="500m", memory="1.5Gi"),
    gpu=Pod(cpu="96", memory="1Ti", shared_memory="64000000k", seconds=86_400),
    stages={sft: Pod(memory="128e9")},
    secrets={"HF_TOKEN": ("hub", "token")},
)

pipeline = Pipeline(name="clusters", targets=[sft], launchers=[slurm, k8s])
