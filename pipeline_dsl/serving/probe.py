"""Whether a running server is what it should be, asked over HTTP as a stranger would ask."""

import json
import re
import urllib.error
import urllib.request
from typing import Any

from pipeline_dsl.serving.child import ServerFailed
from pipeline_dsl.serving.spec import Launch


def get(url: str, key: str | None = None) -> tuple[int, str]:
    """(status, text) of a GET; an HTTP error is an answer like any other."""
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {key}"} if key else {})
    try:
        with urllib.request.urlopen(request, timeout=10) as reply:
            return reply.status, reply.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode(errors="replace")
    except OSError as error:
        raise ServerFailed(f"the server does not answer: {error}") from error


def check_guards(address: str, launch: Launch, key: str) -> None:
    """Raise ServerFailed unless the server is healthy, lists its model to a key and refuses everyone else."""
    health = get(address + launch.health)
    if health[0] != 200 or json.loads(health[1]).get("model") != launch.model:
        raise ServerFailed(f"the server is not healthy, or serves another model: {health[0]} {health[1]:.200}")
    for wrong in (None, "not-a-key-" + 16 * "x"):
        status, text = get(f"{address}/v1/models", wrong)
        if status != 401 or "error" not in json.loads(text):
            raise ServerFailed(f"the server answers a caller without a right key with {status}")
    status, text = get(f"{address}/v1/models", key)
    listed: Any = json.loads(text).get("data", []) if status == 200 else []
    if [model.get("id") for model in listed] != [launch.name]:
        raise ServerFailed(f"the server does not list its model: {status} {text:.200}")


def counted(address: str, launch: Launch) -> dict[str, float]:
    """The counters of the server's metrics without labels' text: `pdsl_tokens_total{kind="completion"}` to its value.

    Raises: ServerFailed if there are none.
    """
    status, text = get(address + launch.metrics)
    found = {name: float(value) for name, value in re.findall(r"^(pdsl_\S+) (\S+)$", text, re.MULTILINE)}
    if status != 200 or not found:
        raise ServerFailed(f"the server has no metrics at {launch.metrics}: {status}")
    return found
