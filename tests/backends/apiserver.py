"""An API server of Kubernetes in a thread, for the real `kubectl`: objects go in by its requests, and come out with what controllers say.

It stores objects and finds them by label; it validates nothing (`kubernetes-validate` does), and runs nothing: a test writes the
statuses that Argo's and JobSet's controllers and the kubelet would, in the shapes that they document. What is deleted takes with it
what it owns, as the garbage collector does. That is the boundary: the protocol and `kubectl` are real, the cluster is not.
"""

import contextlib
import itertools
import json
import threading
import uuid
from collections.abc import Generator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import yaml

Object = dict[str, Any]

KINDS = {
    ("", "v1"): {
        "configmaps": "ConfigMap",
        "pods": "Pod",
        "persistentvolumeclaims": "PersistentVolumeClaim",
        "serviceaccounts": "ServiceAccount",
    },
    ("rbac.authorization.k8s.io", "v1"): {"roles": "Role", "rolebindings": "RoleBinding"},
    ("argoproj.io", "v1alpha1"): {"workflows": "Workflow"},
    ("jobset.x-k8s.io", "v1alpha2"): {"jobsets": "JobSet"},
}


class ApiServer:
    """The objects, by plural and name, and the requests that changed something."""

    def __init__(self) -> None:
        self.objects: dict[tuple[str, str], Object] = {}
        self.logs: dict[str, str] = {}
        self.absent: set[str] = set()
        """Groups whose kinds the cluster does not know."""
        self.refuses: dict[str, str] = {}
        """Plurals whose creation is refused, and why."""
        self.requests: list[tuple[str, str]] = []
        self._numbers = itertools.count(1)

    def of(self, plural: str) -> list[Object]:
        """All objects of a kind, oldest first."""
        return [found for (kind, _), found in self.objects.items() if kind == plural]

    def put(self, plural: str, body: Object, *, dry: bool = False) -> Object:
        """Store an object as the server does: with a name, an identity and a time."""
        number = next(self._numbers)
        meta = body["metadata"]
        if "name" not in meta:
            meta["name"] = f"{meta['generateName']}{number:05x}"
        meta |= {"uid": str(uuid.uuid4()), "resourceVersion": str(number)}
        meta["creationTimestamp"] = f"2026-11-21T10:{number // 60 % 60:02}:{number % 60:02}Z"
        if not dry:
            self.objects[plural, meta["name"]] = body
        return body

    def remove(self, plural: str, name: str) -> None:
        """An object, and all that it owns."""
        gone = self.objects.pop((plural, name))
        for (kind, other), found in list(self.objects.items()):
            owners = found["metadata"].get("ownerReferences", ())
            if (kind, other) in self.objects and any(owner["uid"] == gone["metadata"]["uid"] for owner in owners):
                self.remove(kind, other)


class _Handler(BaseHTTPRequestHandler):
    api: ApiServer

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        parts, query = url.path.strip("/").split("/"), parse_qs(url.query)
        if parts[0] == "openapi":
            self._openapi()
        elif parts == ["version"]:
            self._answer({"major": "1", "minor": "36", "gitVersion": "v1.36.0"})
        elif parts in (["api"], ["apis"]):
            self._answer(self._groups(parts[0]))
        elif (parts[0], len(parts)) in (("api", 2), ("apis", 3)):
            self._answer(self._resources(("", parts[1]) if parts[0] == "api" else (parts[1], parts[2])))
        else:
            self._find(*self._address(parts), query)

    def _find(self, plural: str, name: str, rest: list[str], query: dict[str, list[str]]) -> None:
        if name and rest == ["log"]:
            self._answer_text(self.api.logs.get(name, ""))
        elif name:
            found = self.api.objects.get((plural, name))
            self._answer(found) if found else self._status(404, "NotFound", f'{plural} "{name}" not found')
        else:
            wanted = dict(word.split("=") for word in query.get("labelSelector", [""])[0].split(",") if word)
            found = [each for each in self.api.of(plural) if wanted.items() <= each["metadata"].get("labels", {}).items()]
            kind = {plural: kind for kinds in KINDS.values() for plural, kind in kinds.items()}[plural]
            version = next("/".join(filter(None, group)) for group, kinds in KINDS.items() if plural in kinds)
            self._answer({"kind": f"{kind}List", "apiVersion": version, "metadata": {"resourceVersion": "1"}, "items": found})

    def do_POST(self) -> None:
        plural, _, _, dry, body = self._change()
        if plural in self.api.refuses:
            self._status(422, "Invalid", self.api.refuses[plural])
            return
        name = body["metadata"].get("name", "")
        if name and (plural, name) in self.api.objects:
            self._status(409, "AlreadyExists", f'{plural} "{name}" already exists')
            return
        self._answer(self.api.put(plural, body, dry=dry), 201)

    def do_PATCH(self) -> None:
        plural, name, _, dry, body = self._change()
        known = self.api.objects.get((plural, name))
        if known and known.get("immutable") and known["data"] != body["data"]:
            self._status(422, "Invalid", f'{plural} "{name}" is invalid: data: field is immutable when `immutable` is set')
            return
        self._answer(self.api.put(plural, body, dry=dry), 200 if known else 201)

    def do_DELETE(self) -> None:
        plural, name, _, dry, _ = self._change()
        if (plural, name) not in self.api.objects:
            self._status(404, "NotFound", f'{plural} "{name}" not found')
            return
        if not dry:
            self.api.remove(plural, name)
        self._answer({"kind": "Status", "apiVersion": "v1", "status": "Success"})

    def _change(self) -> tuple[str, str, list[str], bool, Object]:
        url = urlsplit(self.path)
        plural, name, rest = self._address(url.path.strip("/").split("/"))
        dry = parse_qs(url.query).get("dryRun") == ["All"]
        if not dry:
            self.api.requests.append((self.command, f"{plural}/{name}".rstrip("/")))
        text = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        return plural, name, rest, dry, yaml.safe_load(text) if text else {}

    def _address(self, parts: list[str]) -> tuple[str, str, list[str]]:
        place = parts[parts.index("namespaces") + 2 :]
        return place[0], place[1] if len(place) > 1 else "", place[2:]

    def _groups(self, root: str) -> Object:
        if root == "api":
            return {"kind": "APIVersions", "versions": ["v1"]}
        named = [
            {"name": group, "versions": [version := {"groupVersion": f"{group}/{number}", "version": number}], "preferredVersion": version}
            for group, number in KINDS
            if group and group not in self.api.absent
        ]
        return {"kind": "APIGroupList", "apiVersion": "v1", "groups": named}

    def _resources(self, group: tuple[str, str]) -> Object:
        verbs = ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"]
        kinds = [
            {"name": plural, "singularName": kind.lower(), "namespaced": True, "kind": kind, "verbs": verbs}
            for plural, kind in KINDS[group].items()
        ]
        return {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": "/".join(filter(None, group)), "resources": kinds}

    def _openapi(self) -> None:
        """Only that a request may ask the server to refuse unknown fields, which `kubectl` looks up before it relies on it."""
        roots = {f"apis/{group}/{version}" if group else f"api/{version}": (group, version) for group, version in KINDS}
        place = urlsplit(self.path).path.removeprefix("/openapi/v3").strip("/")
        if place not in roots:
            self._answer({"paths": {root: {"serverRelativeURL": f"/openapi/v3/{root}"} for root in roots}})
            return
        group, version = roots[place]
        parameters = [{"name": "fieldValidation", "in": "query", "schema": {"type": "string"}}]
        paths: Object = {
            f"/{place}/namespaces/{{namespace}}/{plural}/{{name}}": {
                "patch": {"parameters": parameters, "x-kubernetes-group-version-kind": {"group": group, "version": version, "kind": kind}}
            }
            for plural, kind in KINDS[group, version].items()
        }
        self._answer({"openapi": "3.0.0", "info": {"title": "test", "version": "1"}, "paths": paths})

    def _answer(self, body: Object, code: int = 200) -> None:
        self._send(json.dumps(body).encode(), "application/json", code)

    def _answer_text(self, text: str) -> None:
        self._send(text.encode(), "text/plain", 200)

    def _status(self, code: int, reason: str, message: str) -> None:
        self._answer({"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": reason, "message": message, "code": code}, code)

    def _send(self, data: bytes, kind: str, code: int) -> None:
        self.send_response(code)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


@contextlib.contextmanager
def apiserver(folder: Path) -> Generator[tuple[ApiServer, Path]]:
    """A server for as long as the block lasts, and the file by which `kubectl` finds it."""
    api = ApiServer()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"api": api}))
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    config = folder / "kubeconfig"
    cluster = {"name": "test", "cluster": {"server": f"http://127.0.0.1:{server.server_port}"}}
    context = {"name": "test", "context": {"cluster": "test", "user": "test"}}
    whole: Object = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [cluster],
        "contexts": [context],
        "users": [{"name": "test", "user": {}}],
    }
    config.write_text(yaml.safe_dump({**whole, "current-context": "test"}))
    try:
        yield api, config
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
