"""How a team's Kubernetes cluster is asked for: options of the `k8s` backend."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, Literal

import attrs

from pipeline_dsl.lang import kubernetes_names as names
from pipeline_dsl.lang.device import Device
from pipeline_dsl.lang.fields import Count, Fraction, Whole
from pipeline_dsl.lang.launcher import Launcher, misnamed, within
from pipeline_dsl.lang.stage import Problem

NAMESPACE = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
_QUANTITY = re.compile(r"\d+(\.\d*)?([munkMGTPE]|[KMGTPE]i|[eE][+-]?\d+)?")
"""Source: the API's `resource.Quantity`."""


def _quantities(amounts: Mapping[str, str | None]) -> Iterator[Problem]:
    """Amounts that the API server refuses, and memory in thousandths of a byte."""
    for field, value in amounts.items():
        if value is None:
            continue
        small = value.endswith(("m", "u", "n")) and field != "cpu"
        if small or not _QUANTITY.fullmatch(value):
            said = "is thousandths of a byte and less" if small and _QUANTITY.fullmatch(value) else "is no quantity of Kubernetes"
            yield Problem(
                field, f"{value!r} {said}", 'write "8" or "500m"' if field == "cpu" else 'write "64Gi", or "64G" for powers of ten'
            )


@attrs.frozen(kw_only=True)
class Toleration:
    """A taint that a stage's pod bears."""

    key: str
    operator: Literal["Equal", "Exists"] = "Exists"
    value: str | None = None
    effect: Literal["NoSchedule", "PreferNoSchedule", "NoExecute"] | None = None


def _tolerated(field: str, given: tuple[Toleration, ...] | None) -> Iterator[Problem]:
    """What the API server refuses of tolerations; an empty key bears every taint."""
    for each in given or ():
        if each.key or each.operator == "Equal":
            yield from names.misspelled(field, (each.key,), names.key, "key of a taint")
        yield from names.misspelled(field, (each.value,), names.label_value, "value of a taint")
        if each.operator == "Exists" and each.value:
            yield Problem(field, f"{each.value!r} is compared with nothing, as `operator` is Exists", 'write operator="Equal"')


@attrs.frozen(kw_only=True)
class Pod:
    """What a stage's pod asks for; None leaves it to the next wider setting. Quantities as Kubernetes writes them (`64Gi`)."""

    cpu: str | None = None
    """Without it, as many as the stage keeps busy."""
    memory: str | None = None
    shared_memory: str | None = None
    """Of /dev/shm, which counts as memory: NCCL and data loaders need it."""
    node_selector: Mapping[str, str] | None = None
    tolerations: tuple[Toleration, ...] | None = None
    priority: str | None = None
    """A PriorityClass."""
    seconds: int | None = None
    """After which a stage is ended."""
    topology: str | None = None
    """The label of the topology that nodes of one stage must share, where Kueue knows it."""
    network: tuple[str, ...] | None = None
    """Names of extended resources of the fast network, such as `rdma/ib`; one of each a pod."""
    image: str | None = None
    """Another image than the pipeline's, by digest."""

    def problems(self) -> Iterator[Problem]:
        """What the API server would refuse, or read as something else."""
        yield from _quantities({"cpu": self.cpu, "memory": self.memory, "shared_memory": self.shared_memory})
        if self.seconds is not None and self.seconds < 1:
            yield Problem("seconds", f"the stage is ended after {self.seconds} seconds", "write how long it may take, or leave it out")
        yield from names.labels("node_selector", self.node_selector)
        yield from _tolerated("tolerations", self.tolerations)
        yield from names.misspelled("priority", (self.priority,), names.object_name, "name of a PriorityClass")
        yield from names.misspelled("topology", (self.topology,), names.key, "key of a label")
        yield from names.misspelled("network", self.network or (), names.key, "name of a resource")
        yield from names.misspelled("image", (self.image,), names.image, "name of an image")


@attrs.frozen(kw_only=True)
class TensorRtLlm:
    """How `trtllm-serve` serves the model that ships. Field by field the options of its release 1.2, under the field's usual names.

    Source: the `LlmArgs` of TensorRT-LLM 1.2, which its YAML file of options is read into.
    """

    tensor_parallel: Count = 1
    pipeline_parallel: Count = 1
    expert_parallel: Count | None = None
    """Devices that share the experts of a mixture; a divisor of `tensor_parallel`."""
    max_batch: Count = 64
    """Sequences of one step."""
    max_tokens: Count = 8192
    """Tokens of one step, over all sequences."""
    max_length: Count | None = None
    """Prompt and answer together; without it, the model's context."""
    dtype: Literal["auto", "bfloat16", "float16"] = "auto"
    """Of weights that are not quantized, and of activations."""
    quantization: Literal["FP8", "NVFP4", "W4A16_AWQ", "W4A8_AWQ", "W8A16", "W4A16"] | None = None
    """What the weights are packed as, which is checked and not rendered: release 1.2 reads it from the model's own
    `hf_quant_config.json`, and has no option for it. Without it, as the pipeline's quantizing stage says."""
    kv_cache_fraction: Fraction = 0.85
    """Share of the memory that weights leave free."""
    kv_cache_dtype: Literal["auto", "fp8"] = "auto"
    kv_cache_block: Literal[16, 32, 64, 128] = 32
    """Tokens of one block of the cache."""
    reuse: bool = True
    """Whether the cache of equal prefixes is shared."""
    chunked_prefill: bool = True
    speculation: Literal["DraftTarget", "Eagle", "MTP", "NGram"] | None = None
    """How tokens are drafted: by a model, by heads trained for it, by the model's own next-token layers, or from the prompt."""
    draft: str | None = None
    """Where the model or the heads that draft are, a folder in the server's image or its volume; alone, it says DraftTarget."""
    draft_tokens: Count = 4


@attrs.frozen(kw_only=True)
class Serving:
    """How the model that ships is served for good."""

    engine: TensorRtLlm = TensorRtLlm()
    image: str
    """TensorRT-LLM's, by digest."""
    replicas: tuple[Count, Count] = (1, 4)
    """The fewest and the most."""
    device: Device | None = None
    """The GPUs that it runs on, from the catalogue: whether the model fits them, and has kernels there, is checked if it is said."""
    gpus_per_node: Count = 8
    """Where the model needs more, it spans nodes, as a LeaderWorkerSet."""
    keys: str = "pdsl-ssh"
    """A Secret with `id_ed25519` and `id_ed25519.pub`, by which the nodes of one model reach each other; needed only there."""
    memory: str = "128Gi"
    cpu: str = "8"
    node_selector: Mapping[str, str] | None = None
    """Without it, that of stages on accelerators; so are `tolerations` and `priority`."""
    tolerations: tuple[Toleration, ...] | None = None
    priority: str | None = None
    tokens_per_second: Count = 2500
    """Of one replica, written; above it another starts."""
    waiting: Count = 4
    """Requests that wait at one replica; above it another starts."""
    prometheus: str = "http://prometheus-operated.monitoring.svc:9090"
    monitor_labels: Mapping[str, str] = {"release": "kube-prometheus-stack"}
    """By which the Prometheus operator picks its monitors."""

    def problems(self) -> Iterator[Problem]:
        """What the API server would refuse."""
        yield from _quantities({"cpu": self.cpu, "memory": self.memory})
        if self.replicas[0] > self.replicas[1]:
            yield Problem(
                "replicas", f"the fewest, {self.replicas[0]}, are more than the most, {self.replicas[1]}", "write the fewest first"
            )
        yield from names.labels("node_selector", self.node_selector)
        yield from names.labels("monitor_labels", self.monitor_labels)
        yield from _tolerated("tolerations", self.tolerations)
        yield from names.misspelled("priority", (self.priority,), names.object_name, "name of a PriorityClass")
        yield from names.misspelled("keys", (self.keys,), names.object_name, "name of a Secret")
        yield from names.misspelled("image", (self.image,), names.image, "name of an image")


@attrs.frozen(kw_only=True)
class Bases:
    """What images are built from, each by digest; without one, `docker build --build-arg BASE=...` has to say it."""

    training: str | None = None
    """A CUDA runtime, or a plain system for CPU stages, with Python 3.11 or newer."""
    evaluation: str | None = None
    server: str | None = None
    """TensorRT-LLM's release."""


@attrs.frozen(kw_only=True)
class Kubernetes(Launcher):
    """A Kubernetes cluster with the JobSet controller; with Argo Workflows unless `argo` is False.

    What a pod asks for is looked up in `stages`, then in `gpu` (for stages on accelerators), then in `pod`.
    """

    backend: ClassVar[str] = "k8s"

    image: str | None = None
    """What stages run in, by digest; it has to be said. `pdsl compile` writes a Dockerfile for one."""
    bases: Bases = Bases()
    namespace: str = "default"
    argo: bool = True
    queue: str | None = None
    """A LocalQueue of Kueue, for stages of several nodes."""
    pod: Pod = Pod(memory="16Gi")
    gpu: Pod = Pod(memory="200Gi", shared_memory="64Gi")
    stages: Mapping[Any, Pod] = {}
    """By stage, or by a stage's name."""
    gpu_resource: str = "nvidia.com/gpu"
    command: tuple[str, ...] = ("pdsl",)
    """How `pdsl` is called in the image; the pipeline's modules are in its working folder."""
    storage: str = "2Ti"
    """Of the volume that all pods share."""
    storage_class: str | None = None
    access: Literal["ReadWriteMany", "ReadWriteOnce"] = "ReadWriteMany"
    """`ReadWriteOnce` only where one node runs everything."""
    settings: Mapping[str, str] = {}
    """Variables with their values, such as NCCL_SOCKET_IFNAME; never a secret."""
    secrets: Mapping[str, tuple[str, str]] = {}
    """Variables that come from a Secret: its name, and the key in it."""
    retries: Whole = 2
    """Of a pod that was evicted or lost its node."""
    kept: Whole = 604_800
    """Seconds for which what has ended can be looked at."""
    serving: Serving | None = None

    def problems(self) -> Iterator[Problem]:
        if not NAMESPACE.fullmatch(self.namespace):
            yield Problem("namespace", f"{self.namespace!r} is no name of a namespace", "use lower-case letters, digits and `-`")
        stages = {f"stages[{getattr(stage, 'name', None) or stage!r}]": pod for stage, pod in self.stages.items()}
        for path, pod in {"pod": self.pod, "gpu": self.gpu, **stages}.items():
            yield from within(path, pod.problems())
        yield from _quantities({"storage": self.storage})
        if self.serving is not None:
            yield from within("serving", self.serving.problems())
        yield from misnamed("settings", self.settings)
        yield from misnamed("secrets", self.secrets)
        for name, entry in self.secrets.values():
            yield from names.misspelled("secrets", (name,), names.object_name, "name of a Secret")
            yield from names.misspelled("secrets", (entry,), names.entry, "key in a Secret")
        yield from names.misspelled("queue", (self.queue,), names.queue_name, "name of a queue")
        yield from names.misspelled("storage_class", (self.storage_class,), names.object_name, "name of a StorageClass")
        yield from names.misspelled("gpu_resource", (self.gpu_resource,), names.key, "name of a resource")
        yield from names.misspelled("image", (self.image,), names.image, "name of an image")
