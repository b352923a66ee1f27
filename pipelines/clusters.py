"""Clusters that a team might have: settings beside the pipelines, none of which changes a digest."""

from pipeline_dsl import H100, Bases, Kubernetes, Pod, Serving, Slurm, SlurmJob, TensorRtLlm, Toleration

slurm = Slurm(
    job=SlurmJob(partition="cpu", account="llm", time="1-00:00:00"),
    gpu=SlurmJob(partition="h100", time="2-00:00:00", gpu_type="h100", memory="1500G", exclusive=True),
    setup=("module load cuda",),
    variables=("HF_TOKEN",),
    settings={"NCCL_SOCKET_IFNAME": "ib0", "NCCL_DEBUG": "WARN"},
)

kubernetes = Kubernetes(
    image="registry.example/pdsl@sha256:1f3a5c7e9b0d2f4a6c8e0b1d3f5a7c9e1b2d4f6a8c0e2d4f6b8a0c1e3f5d7b9a",
    bases=Bases(
        training="registry.example/cuda-python@sha256:2a4c6e8f0b1d3f5a7c9e1b2d4f6a8c0e2d4f6b8a0c1e3f5d7b9a1f3a5c7e9b0d",
        evaluation="registry.example/cuda-python@sha256:2a4c6e8f0b1d3f5a7c9e1b2d4f6a8c0e2d4f6b8a0c1e3f5d7b9a1f3a5c7e9b0d",
        server="registry.example/tensorrt-llm-release@sha256:9b0d2f4a6c8e0b1d3f5a7c9e1b2d4f6a8c0e2d4f6b8a0c1e3f5d7b9a1f3a5c7e",
    ),
    queue="llm",
    gpu=Pod(
        memory="1200Gi",
        shared_memory="256Gi",
        tolerations=(Toleration(key="nvidia.com/gpu"),),
        node_selector={"nvidia.com/gpu.product": "NVIDIA-H100-80GB-HBM3"},
        topology="cloud.provider.com/topology-block",
    ),
    settings={"NCCL_DEBUG": "WARN"},
    secrets={"HF_TOKEN": ("hub", "token")},
)

serving = Serving(
    image="registry.example/tensorrt-llm@sha256:7c1e3f5d7b9a1f3a5c7e9b0d2f4a6c8e0b1d3f5a7c9e1b2d4f6a8c0e2d4f6b8a",
    device=H100,
    engine=TensorRtLlm(max_batch=128, max_tokens=16_384, kv_cache_fraction=0.85),
)
"""What serves a model that fits one GPU."""
