import textwrap
from collections.abc import Iterator
from functools import cache
from typing import Any

from pipeline_dsl.base.convert import structure
from pipeline_dsl.base.diagnostic import Diagnostic
from pipeline_dsl.compiler.check import FactCheck
from pipeline_dsl.compiler.facts import Facts
from pipeline_dsl.compiler.graph import AnyStage
from pipeline_dsl.lang.fields import Field
from pipeline_dsl.lang.stage import stage_type


class ValueUnspellable(FactCheck):
    """A field holds a value that has no canonical spelling, so no digest could be taken of it.

    Functions, open files, NaN and objects that print their address look different in every process. What is spelled must also
    come back: the stage runs in another process, with the values that the plan brings there.
    """

    code = "PDSL204"
    bad = "web = Crawl(filter=lambda text: True)\npipeline = Pipeline(name='p', targets=[web])"
    good = "web = Crawl(filter='english')\npipeline = Pipeline(name='p', targets=[web])"

    def run(self, facts: Facts) -> Iterator[Diagnostic]:
        graph = facts.graph
        for item in facts.unspelled:
            yield self.finding(
                f"`{type(item.stage).__name__}.{item.field}` has no fixed spelling: {item.reason}",
                at=graph.argument(item.stage, item.field),
            )
        refused = {(item.stage, item.field) for item in facts.unspelled}
        for stage, fields in facts.fields.items():
            for field in _uncertain(type(stage)):
                if (stage, field.name) not in refused and (reason := _lost(fields[field.name], field)):
                    yield self.finding(
                        f"`{type(stage).__name__}.{field.name}` cannot be read back from a plan: {reason}",
                        at=graph.argument(stage, field.name),
                        help="annotate it with numbers, strings, tuples, mappings, enumerations or attrs classes",
                    )
        if not graph.pipeline.version.isprintable():
            yield self.finding(
                "`Pipeline.version` holds what no text may", at=graph.pipeline_argument("version"), help="write letters and digits"
            )


@cache
def _uncertain(cls: type[AnyStage]) -> tuple[Field, ...]:
    """The identity fields whose annotation is more than a plain type, or a choice of them."""
    return tuple(field for field in stage_type(cls).identity if not field.kinds or not _ATOMS.issuperset(field.kinds))


_ATOMS = frozenset({str, int, float, bool, type(None)})


def _lost(spelled: Any, field: Field) -> str:
    """Why a spelled value cannot become the field's value again; empty if it can."""
    if spelled == [] and field.kinds == (tuple,):
        return ""
    try:
        structure(spelled, field.hint, what=field.name)
    except Exception as error:  # whatever cattrs makes of an annotation that it does not know
        return textwrap.shorten(getattr(error, "message", str(error)), 200)
    return ""
