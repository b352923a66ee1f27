"""`kubectl`, which every user of a cluster has: what it is asked, and its answers as data. It finds the cluster by its own settings."""

import json
import subprocess
from collections.abc import Sequence
from typing import Any, cast

from pipeline_dsl.base.fault import ClusterFailed

Object = dict[str, Any]


def ask(namespace: str, *words: str) -> str:
    """What a command prints.

    Raises: ClusterFailed with what `kubectl` says of it.
    """
    ended = call(namespace, *words)
    if ended.returncode:
        said = ended.stderr.strip() or ended.stdout.strip()
        raise ClusterFailed(f"`kubectl {words[0]}` in {namespace}: {said}", help=_advice(said))
    return ended.stdout


def call(namespace: str, *words: str) -> subprocess.CompletedProcess[str]:
    """A command that has ended, well or not.

    Raises: ClusterFailed if there is no `kubectl`.
    """
    command = ["kubectl", "--namespace", namespace, *words]
    try:
        return subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace", check=False)
    except FileNotFoundError as error:
        raise ClusterFailed(
            "`kubectl` is not on this machine", help="install it, and point it at your cluster: `kubectl config current-context`"
        ) from error


def found(namespace: str, kinds: Sequence[str], selector: str) -> list[Object]:
    """The objects of some kinds that carry a label, oldest first.

    Raises: ClusterFailed.
    """
    text = ask(namespace, "get", ",".join(kinds), "--selector", selector, "--output", "json")
    items = cast("list[Object]", json.loads(text).get("items", []))
    return sorted(items, key=lambda item: str(item["metadata"].get("creationTimestamp", "")))


def _advice(said: str) -> str:
    if "the server doesn't have a resource type" in said or "no matches for kind" in said:
        return "the cluster lacks a controller: Argo Workflows (or `Kubernetes(argo=False)`) and JobSet are needed"
    if "namespaces" in said and "not found" in said:
        return "create the namespace first: `kubectl create namespace NAME`"
    if "orbidden" in said:
        return "ask for the right to do this in the namespace: `kubectl auth can-i --list`"
    if "connection" in said or "Unable to connect" in said or "current-context" in said:
        return "see that `kubectl get pods` works here"
    return ""
