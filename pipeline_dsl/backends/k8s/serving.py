"""The model that ships, served by TensorRT-LLM: what reaches it, and its engine's options."""

from typing import Any

from pipeline_dsl.backends.k8s.objects import PLAN_LABEL, metadata
from pipeline_dsl.backends.k8s.replicas import SETTINGS, deployment, group
from pipeline_dsl.backends.k8s.scaling import scaling
from pipeline_dsl.backends.k8s.spelling import embedded, label
from pipeline_dsl.base.fault import Unrenderable
from pipeline_dsl.lang.kubernetes import Kubernetes, Serving, TensorRtLlm
from pipeline_dsl.plan.plan import Plan


def server(plan: Plan, options: Kubernetes, serving: Serving) -> list[dict[str, Any]]:
    """A Deployment, or a LeaderWorkerSet where the model spans nodes, with its Service, budget, monitor and scaler."""
    name = service = label(plan.pipeline, "serve")
    engine = {SETTINGS: embedded(engine_options(serving.engine))}
    own = {"app.kubernetes.io/name": name}
    if nodes_of(serving) > 1:
        workload = {"apiVersion": "leaderworkerset.x-k8s.io/v1", "kind": "LeaderWorkerSet"}
        spec = group(plan, options, serving, name, nodes_of(serving))
        picked = own | {"leaderworkerset.sigs.k8s.io/worker-index": "0"}  # the leader answers; the others only compute
        service = f"{name}-http"  # by the set's own name its controller makes one that has no address, for its pods' names
    else:
        workload = {"apiVersion": "apps/v1", "kind": "Deployment"}
        spec, picked = deployment(plan, options, serving, name), own
    port = [{"name": "http", "port": 80, "targetPort": "http"}]
    monitor = {"selector": {"matchLabels": own}, "endpoints": [{"port": "http", "path": "/prometheus/metrics", "interval": "10s"}]}
    budget = {"maxUnavailable": 1, "selector": {"matchLabels": picked}}
    watched = _named(plan, options, name)
    watched["labels"] |= serving.monitor_labels
    return [
        _object("v1", "ConfigMap", _named(plan, options, f"{name}-options"), data=engine),
        {**workload, "metadata": _named(plan, options, name), "spec": spec},
        _object("v1", "Service", _named(plan, options, service, name), spec={"selector": picked, "ports": port}),
        _object("policy/v1", "PodDisruptionBudget", _named(plan, options, name), spec=budget),
        _object("monitoring.coreos.com/v1", "ServiceMonitor", watched, spec=monitor),
        _object(
            "keda.sh/v1alpha1",
            "ScaledObject",
            _named(plan, options, name),
            spec=scaling(serving, {**workload, "name": name}, {"namespace": options.namespace, "service": service}),
        ),
    ]


def nodes_of(serving: Serving) -> int:
    """How many nodes one replica takes.

    Raises: Unrenderable if it does not fill them.
    """
    devices = serving.engine.tensor_parallel * serving.engine.pipeline_parallel
    nodes = -(-devices // serving.gpus_per_node)
    if nodes > 1 and devices % serving.gpus_per_node:
        raise Unrenderable(
            f"the server's {devices} devices do not fill {nodes} nodes of {serving.gpus_per_node}",
            help="choose `tensor_parallel` x `pipeline_parallel` as a multiple of `gpus_per_node`",
        )
    return nodes


def engine_options(engine: TensorRtLlm) -> dict[str, Any]:
    """The options as TensorRT-LLM 1.2 names them, for its `--extra_llm_api_options`."""
    found: dict[str, Any] = {
        "tensor_parallel_size": engine.tensor_parallel,
        "pipeline_parallel_size": engine.pipeline_parallel,
        "max_batch_size": engine.max_batch,
        "max_num_tokens": engine.max_tokens,
        "enable_chunked_prefill": engine.chunked_prefill,
        "dtype": engine.dtype,
        "kv_cache_config": {
            "free_gpu_memory_fraction": engine.kv_cache_fraction,
            "enable_block_reuse": engine.reuse,
            "dtype": engine.kv_cache_dtype,
            "tokens_per_block": engine.kv_cache_block,
        },
        "return_perf_metrics": True,  # without it there is nothing for Prometheus
        "enable_iter_perf_stats": True,
    }
    if engine.max_length is not None:
        found["max_seq_len"] = engine.max_length
    if engine.expert_parallel is not None:
        found["moe_expert_parallel_size"] = engine.expert_parallel
    kind = engine.speculation or (engine.draft and "DraftTarget")
    if kind:
        found["speculative_config"] = {"decoding_type": kind, **_drafted(engine, kind)}
    if kind == "DraftTarget":
        found["disable_overlap_scheduler"] = True  # two models take turns
    return found


def _drafted(engine: TensorRtLlm, kind: str) -> dict[str, Any]:
    """How many tokens are drafted, and by what.

    Raises: Unrenderable if what drafts is not said, or is said where the model drafts by itself.
    """
    by_itself = kind in ("MTP", "NGram")
    if by_itself == (engine.draft is not None):
        wrong = "drafts by itself, and `draft` names something" if by_itself else "needs `draft`, the folder of what drafts"
        raise Unrenderable(f"TensorRtLlm(speculation={kind!r}) {wrong}")
    if kind == "MTP":
        return {"num_nextn_predict_layers": engine.draft_tokens}
    if by_itself:
        return {"max_draft_len": engine.draft_tokens, "max_matching_ngram_size": engine.draft_tokens}
    return {"max_draft_len": engine.draft_tokens, "speculative_model_dir": engine.draft}


def _named(plan: Plan, options: Kubernetes, name: str, of: str | None = None) -> dict[str, Any]:
    """Without the plan's label: what serves outlives the run that made it, and is none of what `pdsl cancel` deletes."""
    found = metadata(plan, options, name)
    kept = {key: value for key, value in found["labels"].items() if key != PLAN_LABEL}
    found["labels"] = {"app.kubernetes.io/name": of or name, **kept}
    return found


def _object(version: str, kind: str, meta: dict[str, Any], **rest: Any) -> dict[str, Any]:
    return {"apiVersion": version, "kind": kind, "metadata": meta, **rest}
