import re
from collections.abc import Iterator, Mapping
from typing import Any, cast

import attrs

from pipeline_dsl.base.diagnostic import Diagnostic
from pipeline_dsl.compiler.check import FactCheck
from pipeline_dsl.compiler.facts import Facts
from pipeline_dsl.lang.stage import is_stage


class SecretLiteral(FactCheck):
    """A field holds what looks like an access token.

    Everything declared is written to plans, manifests and launchers. A secret is referred to by the name of an environment
    variable, and is read only where it is used.
    """

    code = "PDSL207"
    bad = f"web = Crawl(filter='hf_{'a' * 34}')\npipeline = Pipeline(name='p', targets=[web])"
    good = "web = Crawl(filter='HF_TOKEN')\npipeline = Pipeline(name='p', targets=[web])"

    def run(self, facts: Facts) -> Iterator[Diagnostic]:
        for stage, fields in facts.fields.items():
            written = stage.__dict__
            for field in facts.graph.type(stage).fields:
                value = fields.get(field.name, written[field.name])
                if type(value) in (str, list, dict) and _secret(value):
                    yield self.finding(
                        f"`{type(stage).__name__}.{field.name}` holds what looks like a secret",
                        at=facts.graph.argument(stage, field.name),
                        help=_ADVICE,
                    )
        for launcher in facts.graph.pipeline.launchers:
            kind: type[Any] = type(launcher)
            for field in attrs.fields(kind):
                if _secret(_plain(getattr(launcher, field.name))):
                    at = facts.graph.pipeline_argument("launchers")
                    yield self.finding(f"`{kind.__name__}.{field.name}` holds what looks like a secret", at=at, help=_PASSED)
        for name in ("name", "version"):
            if _TOKEN(getattr(facts.graph.pipeline, name)):
                at = facts.graph.pipeline_argument(name)
                yield self.finding(f"`Pipeline.{name}` holds what looks like a secret", at=at, help=_ADVICE)


_ADVICE = "revoke it, and give the name of an environment variable instead"
_PASSED = "revoke it, and name the variable that holds it: `Slurm(variables=...)`, or a Secret: `Kubernetes(secrets=...)`"
_TOKEN = re.compile(
    r"\b(?:hf_[A-Za-z0-9]{30,}|sk-[A-Za-z0-9_-]{20,}|gh[pousr]_[A-Za-z0-9]{30,}|github_pat_\w{30,}|glpat-[\w-]{20,}"
    r"|AKIA[0-9A-Z]{16}|AIza[\w-]{35}|xox[abprs]-[\w-]{10,}|eyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]{10,})"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----|://[^/\s:@]+:[^/\s:@]+@|(?i:secret_access_key|client_secret|password)\W{0,3}[=:]\W{0,2}[\w/+-]{8}"
).search


def looks_secret(text: str) -> bool:
    """Whether something in a text looks like an access token, a key or a password."""
    return _TOKEN(text) is not None


_OPAQUE = re.compile(r"(?=.*\d)(?=.*[A-Za-z])[\w.~+=-]{16,}|(?![/.~])(?=.*\d)(?=.*[a-z])(?=.*[A-Z])[\w+=/-]{30,}").fullmatch
_KEY = re.compile(r"(?i)(^|_)(token|secret|password|passwd|api_?key|access_key|secret_key)$").search
"""A variable that is called like a secret, and a value that is no path, address or word."""


def _secret(value: object) -> bool:
    """Whether a text looks like a secret, or one anywhere inside of lists and mappings does."""
    if isinstance(value, str):
        return _TOKEN(value) is not None
    if isinstance(value, dict):
        found = cast("dict[object, object]", value)
        called = any(_KEY(str(key)) and isinstance(said, str) and _OPAQUE(said) for key, said in found.items())
        return called or any(map(_secret, found)) or any(map(_secret, found.values()))
    return isinstance(value, list) and any(map(_secret, cast("list[object]", value)))


def _plain(value: Any) -> object:
    """A launcher's options as mappings and lists of texts; a stage that is a key stands under its name."""
    kind: type[Any] = value.__class__
    if isinstance(value, str):
        return value
    if attrs.has(kind) and not is_stage(value):
        return {field.name: _plain(getattr(value, field.name)) for field in attrs.fields(kind)}
    if isinstance(value, Mapping):
        return {str(getattr(key, "name", key)): _plain(item) for key, item in cast("Mapping[Any, Any]", value).items()}
    return [_plain(item) for item in cast("tuple[Any, ...]", value)] if isinstance(value, tuple | list) else None
