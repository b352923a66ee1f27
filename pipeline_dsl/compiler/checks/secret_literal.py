import re
from collections.abc import Iterator
from typing import Any, cast

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
            for name, value in fields.items():
                if type(value) in (str, list, dict) and any(_TOKEN(text) for text in _texts(value)):
                    yield self.finding(
                        f"`{type(stage).__name__}.{name}` holds what looks like a secret",
                        at=facts.graph.argument(stage, name),
                        help="revoke it, and give the name of an environment variable instead",
                    )


_TOKEN = re.compile(
    r"\b(?:hf_[A-Za-z0-9]{30,}|sk-[A-Za-z0-9_-]{20,}|gh[pousr]_[A-Za-z0-9]{30,}|github_pat_\w{30,}|glpat-[\w-]{20,}"
    r"|AKIA[0-9A-Z]{16}|AIza[\w-]{35}|xox[abprs]-[\w-]{10,}|eyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]{10,})"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----"
).search


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list | dict):
        found = cast("dict[str, Any] | list[Any]", value)
        for item in found.values() if isinstance(found, dict) else found:
            yield from _texts(item)
