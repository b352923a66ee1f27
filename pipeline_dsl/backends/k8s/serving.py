"""The model that ships, served by TensorRT-LLM: what starts it, what reaches it, and what scales it."""

from typing import Any

from pipeline_dsl.backends.k8s.objects import CONTAINER_SECURITY, STORE, VOLUME, metadata
from pipeline_dsl.backends.k8s.spelling import embedded, label, literal
from pipeline_dsl.lang.kubernetes import Kubernetes, Serving, TensorRtLlm
from pipeline_dsl.plan.plan import Plan
from pipeline_dsl.store.layout import tail

_MODEL = "/models/served"
_SETTINGS = "/etc/pdsl/serve.yaml"
_HEALTH = {"path": "/health", "port": "http"}


def server(plan: Plan, options: Kubernetes, serving: Serving) -> list[dict[str, Any]]:
    """A Deployment, or a LeaderWorkerSet where the model spans nodes, with its Service, budget, monitor and scaler."""
    name = label(plan.pipeline, "serve")
    devices = serving.engine.tensor_parallel * serving.engine.pipeline_parallel
    nodes = -(-devices // serving.gpus_per_node)
    workload = _group(plan, options, serving, name, nodes) if nodes > 1 else _deployment(plan, options, serving, name, devices)
    picked = {"matchLabels": {"app.kubernetes.io/name": name}}
    port = [{"name": "http", "port": 80, "targetPort": "http"}]
    monitor = {"selector": picked, "endpoints": [{"port": "http", "path": "/prometheus/metrics", "interval": "10s"}]}
    watched = _named(plan, options, name)
    return [
        _object("v1", "ConfigMap", _named(plan, options, f"{name}-options"), data={"serve.yaml": embedded(engine_options(serving.engine))}),
        workload,
        _object("v1", "Service", _named(plan, options, name), spec={"selector": picked["matchLabels"], "ports": port}),
        _object("policy/v1", "PodDisruptionBudget", _named(plan, options, name), spec={"maxUnavailable": 1, "selector": picked}),
        _object(
            "monitoring.coreos.com/v1",
            "ServiceMonitor",
            {**watched, "labels": {**watched["labels"], **serving.monitor_labels}},
            spec=monitor,
        ),
        *([_scaler(plan, options, serving, name)] if nodes == 1 else []),
    ]


def engine_options(engine: TensorRtLlm) -> dict[str, Any]:
    """The options as TensorRT-LLM 1.2 names them, for its `--extra_llm_api_options`."""
    found: dict[str, Any] = {
        "tensor_parallel_size": engine.tensor_parallel,
        "pipeline_parallel_size": engine.pipeline_parallel,
        "max_batch_size": engine.max_batch,
        "max_num_tokens": engine.max_tokens,
        "enable_chunked_prefill": engine.chunked_prefill,
        "kv_cache_config": {
            "free_gpu_memory_fraction": engine.kv_cache_fraction,
            "enable_block_reuse": engine.reuse,
            "dtype": engine.kv_cache_dtype,
        },
        "return_perf_metrics": True,  # without it there is nothing for Prometheus
    }
    if engine.max_length is not None:
        found["max_seq_len"] = engine.max_length
    if engine.draft is not None:
        drafted = {"decoding_type": "DraftTarget", "max_draft_len": engine.draft_tokens, "speculative_model_dir": engine.draft}
        found["speculative_config"] = drafted
    return found


def _deployment(plan: Plan, options: Kubernetes, serving: Serving, name: str, devices: int) -> dict[str, Any]:
    labelled = {"app.kubernetes.io/name": name}
    spec = {
        "progressDeadlineSeconds": 3600,
        "revisionHistoryLimit": 3,
        "selector": {"matchLabels": labelled},
        "strategy": {"rollingUpdate": {"maxSurge": 0, "maxUnavailable": 1}},  # GPUs for a surge are rarely free
        "template": {"metadata": {"labels": labelled}, "spec": _pod(plan, options, serving, name, devices)},
    }
    return _object("apps/v1", "Deployment", _named(plan, options, name), spec=spec)


def _group(plan: Plan, options: Kubernetes, serving: Serving, name: str, nodes: int) -> dict[str, Any]:
    pod = {"metadata": {"labels": {"app.kubernetes.io/name": name}}, "spec": _pod(plan, options, serving, name, serving.gpus_per_node)}
    spec = {
        "replicas": serving.replicas[0],
        "startupPolicy": "LeaderCreated",
        "leaderWorkerTemplate": {"size": nodes, "restartPolicy": "RecreateGroupOnPodRestart", "workerTemplate": pod},
    }
    return _object("leaderworkerset.x-k8s.io/v1", "LeaderWorkerSet", _named(plan, options, name), spec=spec)


def _pod(plan: Plan, options: Kubernetes, serving: Serving, name: str, devices: int) -> dict[str, Any]:
    asked = {options.gpu_resource: str(devices), "memory": serving.memory}
    probe = {"httpGet": _HEALTH}
    manifest = f"{STORE}/runs/{plan.pipeline}-{tail(plan.digest)[:12]}/manifest.yaml"
    return {
        "terminationGracePeriodSeconds": 300,
        "enableServiceLinks": False,
        "securityContext": {"runAsNonRoot": True, "runAsUser": 1000, "fsGroup": 1000, "seccompProfile": {"type": "RuntimeDefault"}},
        # The gate is asked again by whoever starts: a held run exits with 3 here, and nothing is served.
        "initContainers": [
            {
                "name": "gate",
                "image": options.image,
                "command": [*map(literal, options.command), "export", manifest, "--store", STORE, "--out", _MODEL],
                "env": [{"name": "HOME", "value": "/tmp"}],
                "resources": {"requests": {"cpu": "1", "memory": "4Gi"}, "limits": {"memory": "4Gi"}},
                "securityContext": CONTAINER_SECURITY,
                "volumeMounts": [{"name": "artifacts", "mountPath": "/artifacts"}, {"name": "model", "mountPath": "/models"}, _TMP],
            }
        ],
        "containers": [
            {
                "name": "server",
                "image": serving.image,
                "args": ["trtllm-serve", _MODEL, "--host", "0.0.0.0", "--port", "8000", "--extra_llm_api_options", _SETTINGS],
                "env": [{"name": "HOME", "value": "/tmp"}],
                "ports": [{"name": "http", "containerPort": 8000}],
                "startupProbe": {**probe, "periodSeconds": 10, "failureThreshold": 180},
                "readinessProbe": {**probe, "periodSeconds": 5},
                "livenessProbe": {**probe, "periodSeconds": 20, "failureThreshold": 6},
                "lifecycle": {"preStop": {"sleep": {"seconds": 15}}},  # until no balancer sends requests here
                "resources": {"requests": {"cpu": serving.cpu, **asked}, "limits": asked},
                "securityContext": CONTAINER_SECURITY,
                "volumeMounts": [
                    {"name": "model", "mountPath": "/models", "readOnly": True},
                    {"name": "options", "mountPath": "/etc/pdsl", "readOnly": True},
                    {"name": "shm", "mountPath": "/dev/shm"},
                    _TMP,
                ],
            }
        ],
        "volumes": [
            {"name": "artifacts", "persistentVolumeClaim": {"claimName": VOLUME}},
            {"name": "model", "emptyDir": {}},
            {"name": "options", "configMap": {"name": f"{name}-options"}},
            {"name": "shm", "emptyDir": {"medium": "Memory", "sizeLimit": "16Gi"}},
            {"name": "tmp", "emptyDir": {}},
        ],
    }


def _scaler(plan: Plan, options: Kubernetes, serving: Serving, name: str) -> dict[str, Any]:
    """Two triggers: tokens are counted when a request ends, so they lag behind a burst; requests that wait show it at once."""
    chosen = f'namespace="{options.namespace}",service="{name}"'
    tokens = f"sum(rate(trtllm_generation_tokens_total{{{chosen}}}[2m]))"
    waiting = f"sum(trtllm_num_requests_waiting{{{chosen}}})"
    fewest, most = serving.replicas
    behavior = {
        "scaleUp": {"stabilizationWindowSeconds": 60, "policies": [{"type": "Pods", "value": 2, "periodSeconds": 60}]},
        "scaleDown": {"stabilizationWindowSeconds": 600, "policies": [{"type": "Pods", "value": 1, "periodSeconds": 120}]},
    }
    spec = {
        "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": name},
        "minReplicaCount": max(1, fewest),
        "maxReplicaCount": most,
        "pollingInterval": 15,
        "cooldownPeriod": 300,
        "fallback": {"failureThreshold": 3, "replicas": max(1, fewest), "behavior": "currentReplicasIfHigher"},
        "advanced": {"horizontalPodAutoscalerConfig": {"behavior": behavior}},
        "triggers": [
            _trigger(serving, "tokens", tokens, serving.tokens_per_second),
            _trigger(serving, "waiting", waiting, serving.waiting),
        ],
    }
    return _object("keda.sh/v1alpha1", "ScaledObject", _named(plan, options, name), spec=spec)


def _trigger(serving: Serving, name: str, query: str, threshold: int) -> dict[str, Any]:
    asked = {"serverAddress": serving.prometheus, "query": query, "threshold": str(threshold), "ignoreNullValues": "false"}
    return {"type": "prometheus", "name": name, "metricType": "AverageValue", "metadata": asked}


def _named(plan: Plan, options: Kubernetes, name: str) -> dict[str, Any]:
    found = metadata(plan, options, name)
    found["labels"] = {"app.kubernetes.io/name": name, **found["labels"]}
    return found


def _object(version: str, kind: str, meta: dict[str, Any], **rest: Any) -> dict[str, Any]:
    return {"apiVersion": version, "kind": kind, "metadata": meta, **rest}


_TMP: dict[str, Any] = {"name": "tmp", "mountPath": "/tmp"}
