"""One replica of the server: a pod, or a group of pods whose processes MPI starts from the first, over ssh.

Source of the second: TensorRT-LLM's guide to serving on several nodes (`trtllm-llmapi-launch` below `mpirun`), without Slurm.
"""

from typing import Any

from pipeline_dsl.backends.k8s.objects import CONTAINER_SECURITY, POD_SECURITY, STORE, VOLUME
from pipeline_dsl.backends.k8s.pods import narrowest, placement
from pipeline_dsl.backends.k8s.spelling import literal
from pipeline_dsl.lang.kubernetes import Kubernetes, Pod, Serving
from pipeline_dsl.plan.plan import Plan
from pipeline_dsl.store.layout import tail

SETTINGS = "serve.yaml"

_MODEL = "/models/served"
_FOLDER = "/etc/pdsl"
_SERVE = ["trtllm-serve", _MODEL, "--host", "0.0.0.0", "--port", "8000", "--extra_llm_api_options", f"{_FOLDER}/{SETTINGS}"]
_HEALTH = {"httpGet": {"path": "/health", "port": "http"}}
_PROBES: dict[str, Any] = {
    "ports": [{"name": "http", "containerPort": 8000}],
    "startupProbe": {**_HEALTH, "periodSeconds": 10, "failureThreshold": 180},
    "readinessProbe": {**_HEALTH, "periodSeconds": 5},
    "livenessProbe": {**_HEALTH, "periodSeconds": 20, "failureThreshold": 6},
    "lifecycle": {"preStop": {"sleep": {"seconds": 15}}},  # until no balancer sends requests here
}

_SSH_PORT = "2222"

# What both do first: ssh wants keys that nobody else can read, and a home that is theirs.
_KEYS = """set -eu
export HOME=/tmp
mkdir -p /tmp/.ssh && chmod 700 /tmp/.ssh
install -m 600 /etc/pdsl-ssh/id_ed25519 /tmp/.ssh/id_ed25519
install -m 600 /etc/pdsl-ssh/id_ed25519.pub /tmp/.ssh/authorized_keys
"""

WORKER = (
    _KEYS
    + f"""ssh-keygen -q -t ed25519 -N '' -f /tmp/.ssh/host_key
exec /usr/sbin/sshd -D -e -p {_SSH_PORT} -h /tmp/.ssh/host_key -o PidFile=none -o StrictModes=no -o UsePAM=no \\
    -o PasswordAuthentication=no -o AuthorizedKeysFile=/tmp/.ssh/authorized_keys
"""
)

# The group's first pod is at LWS_LEADER_ADDRESS, the others beside it: <set>-<group>-<number>.<service>.
LEADER = (
    _KEYS
    + """name=${LWS_LEADER_ADDRESS%%.*}
domain=${LWS_LEADER_ADDRESS#*.}
hosts=localhost:$PDSL_GPUS
for number in $(seq 1 $((LWS_GROUP_SIZE - 1))); do
    worker=$name-$number.$domain
    until ssh $PDSL_SSH "$worker" true 2> /dev/null; do sleep 2; done
    hosts=$hosts,$worker:$PDSL_GPUS
done
exec mpirun --host "$hosts" -n $((LWS_GROUP_SIZE * PDSL_GPUS)) --mca plm_rsh_args "$PDSL_SSH" \\
    -x HOME -x PATH -x LD_LIBRARY_PATH trtllm-llmapi-launch "$@"
"""
)
_SSH = f"-p {_SSH_PORT} -i /tmp/.ssh/id_ed25519 -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR"


def deployment(plan: Plan, options: Kubernetes, serving: Serving, name: str) -> dict[str, Any]:
    """A Deployment's spec. How many replicas there are is the scaler's to say."""
    devices = serving.engine.tensor_parallel * serving.engine.pipeline_parallel
    pod = _pod(plan, options, serving, name, {"args": _SERVE, **_PROBES}, devices)
    return {
        "progressDeadlineSeconds": 3600,
        "revisionHistoryLimit": 3,
        "selector": {"matchLabels": {"app.kubernetes.io/name": name}},
        "strategy": {"rollingUpdate": {"maxSurge": 0, "maxUnavailable": 1}},  # GPUs for a surge are rarely free
        "template": pod,
    }


def group(plan: Plan, options: Kubernetes, serving: Serving, name: str, nodes: int) -> dict[str, Any]:
    """A LeaderWorkerSet's spec: the leader serves, and starts processes on the workers, which only let it in.

    How many groups there are is the scaler's to say here too.
    """
    env = [{"name": "PDSL_GPUS", "value": str(serving.gpus_per_node)}, {"name": "PDSL_SSH", "value": _SSH}]
    leads = {"command": ["bash", "-c", literal(LEADER), "leader"], "args": _SERVE, "env": env, **_PROBES}
    works = {"command": ["bash", "-c", literal(WORKER), "worker"]}
    each = serving.gpus_per_node
    return {
        "startupPolicy": "LeaderCreated",
        "leaderWorkerTemplate": {
            "size": nodes,
            "restartPolicy": "RecreateGroupOnPodRestart",
            "leaderTemplate": _pod(plan, options, serving, name, leads, each, keys=True),
            "workerTemplate": _pod(plan, options, serving, name, works, each, keys=True),
        },
    }


def _pod(
    plan: Plan, options: Kubernetes, serving: Serving, name: str, run: dict[str, Any], devices: int, *, keys: bool = False
) -> dict[str, Any]:
    asked = {options.gpu_resource: str(devices), "memory": serving.memory}
    mounts: list[dict[str, Any]] = [
        {"name": "model", "mountPath": "/models", "readOnly": True},
        {"name": "options", "mountPath": _FOLDER, "readOnly": True},
        {"name": "shm", "mountPath": "/dev/shm"},
        _TMP,
    ]
    volumes: list[dict[str, Any]] = [
        {"name": "artifacts", "persistentVolumeClaim": {"claimName": VOLUME}},
        {"name": "model", "emptyDir": {}},
        {"name": "options", "configMap": {"name": f"{name}-options"}},
        {"name": "shm", "emptyDir": {"medium": "Memory", "sizeLimit": "16Gi"}},
        {"name": "tmp", "emptyDir": {}},
    ]
    if keys:
        mounts.append({"name": "keys", "mountPath": "/etc/pdsl-ssh", "readOnly": True})
        volumes.append({"name": "keys", "secret": {"secretName": serving.keys}})
    server = {
        "name": "server",
        "image": serving.image,
        **run,
        "env": [*_USER, *run.get("env", ())],
        "resources": {"requests": {"cpu": serving.cpu, **asked}, "limits": asked},
        "securityContext": CONTAINER_SECURITY,
        "volumeMounts": mounts,
    }
    own = Pod(node_selector=serving.node_selector, tolerations=serving.tolerations, priority=serving.priority)
    spec = {
        "terminationGracePeriodSeconds": 300,
        "enableServiceLinks": False,
        "automountServiceAccountToken": False,
        "securityContext": POD_SECURITY,
        "initContainers": [_gate(plan, options)],
        "containers": [server],
        "volumes": volumes,
        **placement(narrowest(options.pod, options.gpu, own)),
    }
    return {"metadata": {"labels": {"app.kubernetes.io/name": name}}, "spec": spec}


def _gate(plan: Plan, options: Kubernetes) -> dict[str, Any]:
    """The gate is asked again by whoever starts: a held run exits with 3 here, and nothing is served."""
    manifest = f"{STORE}/runs/{plan.pipeline}-{tail(plan.digest)[:12]}/manifest.yaml"
    mounts = [{"name": "artifacts", "mountPath": "/artifacts"}, {"name": "model", "mountPath": "/models"}, _TMP]
    script = f'rm -rf {_MODEL} && exec "$@"'  # of an earlier try of this pod: a folder that is there already is not written to
    words = [*options.command, "export", manifest, "--store", STORE, "--out", _MODEL]
    return {
        "name": "gate",
        "image": options.image,
        "command": ["sh", "-c", script, "gate", *map(literal, words)],
        "env": _USER,
        "resources": {"requests": {"cpu": "1", "memory": "4Gi"}, "limits": {"memory": "4Gi"}},
        "securityContext": CONTAINER_SECURITY,
        "volumeMounts": mounts,
    }


_TMP: dict[str, Any] = {"name": "tmp", "mountPath": "/tmp"}
_USER = [{"name": "HOME", "value": "/tmp"}, {"name": "LOGNAME", "value": "pdsl"}]
"""Not every image has a name and a home for the user that pods run as, and torch asks for both."""
