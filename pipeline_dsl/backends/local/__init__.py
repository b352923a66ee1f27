"""One machine, one stage after the other: a script for where `pdsl run` and its display are not wanted."""

from collections.abc import Iterator

from pipeline_dsl.backends.local.cluster import Background
from pipeline_dsl.lang.local import Local
from pipeline_dsl.plan.plan import Plan
from pipeline_dsl.render.backend import Backend, Rendered
from pipeline_dsl.render.templates import render


class LocalScript(Backend[Local]):
    """`run.sh`, which runs every stage in order, writes the manifest, and judges it."""

    name = "local"
    options = Local

    def given(self, plan: Plan) -> Local:
        """What the plan's own runner is told."""
        return plan.local

    def cluster(self) -> Background:
        """A process group of this machine."""
        return Background()

    def render(self, plan: Plan, options: Local) -> Iterator[Rendered]:
        yield Rendered("run.sh", render(__package__ or "", "run.sh.j2", plan=plan, options=options), executable=True)
