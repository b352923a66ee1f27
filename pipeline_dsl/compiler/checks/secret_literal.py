import re
from collections.abc import Iterator
from typing import cast

from pipeline_dsl.base.diagnostic import Diagnostic
from pipeline_dsl.compiler.check import FactCheck
from pipeline_dsl.compiler.facts import Facts


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
        for name in ("name", "version"):
            if _TOKEN(getattr(facts.graph.pipeline, name)):
                at = facts.graph.pipeline_argument(name)
                yield self.finding(f"`Pipeline.{name}` holds what looks like a secret", at=at, help=_ADVICE)


_ADVICE = "revoke it, and give the name of an environment variable instead"
_TOKEN = re.compile(
    r"\b(?:hf_[A-Za-z0-9]{30,}|sk-[A-Za-z0-9_-]{20,}|gh[pousr]_[A-Za-z0-9]{30,}|github_pat_\w{30,}|glpat-[\w-]{20,}"
    r"|AKIA[0-9A-Z]{16}|AIza[\w-]{35}|xox[abprs]-[\w-]{10,}|eyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]{10,})"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----|://[^/\s:@]+:[^/\s:@]+@|(?i:secret_access_key|client_secret|password)\W{0,3}[=:]\W{0,2}[\w/+-]{8}"
).search


def looks_secret(text: str) -> bool:
    """Whether something in a text looks like an access token, a key or a password."""
    return _TOKEN(text) is not None


def _secret(value: object) -> bool:
    """Whether a text looks like a secret, or one anywhere inside of lists and mappings does."""
    if isinstance(value, str):
        return _TOKEN(value) is not None
    if isinstance(value, dict):
        found = cast("dict[str, object]", value)
        return any(map(_secret, found)) or any(map(_secret, found.values()))
    return isinstance(value, list) and any(map(_secret, cast("list[object]", value)))
