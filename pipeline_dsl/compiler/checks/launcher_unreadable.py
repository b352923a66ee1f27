from collections import Counter
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import Any

from pipeline_dsl.base.diagnostic import Diagnostic
from pipeline_dsl.compiler.check import FactCheck
from pipeline_dsl.compiler.facts import Facts
from pipeline_dsl.compiler.graph import Graph
from pipeline_dsl.lang.stage import Problem, is_stage


class LauncherUnreadable(FactCheck):
    """A cluster's settings say what its scheduler does not read, or of a stage that is not there.

    Slurm takes no `24h`, no partition with a space in its name and no memory in two ways, Kubernetes no `64GB`: the launcher is not
    written, or refused when it is submitted. A setting of a stage that nobody has is worse: it counts for nothing.

    Sources: Slurm's manual of `sbatch`, options `--time` and `--mem`; the Kubernetes API's `resource.Quantity`.
    """

    code = "PDSL704"
    bad = (
        "base = Train(data=Tokenize(corpus=Crawl()))\n"
        "pipeline = Pipeline(name='p', targets=[base], launchers=[Slurm(gpu=SlurmJob(time='24h'))])"
    )
    good = (
        "base = Train(data=Tokenize(corpus=Crawl()))\n"
        "pipeline = Pipeline(name='p', targets=[base], launchers=[Slurm(gpu=SlurmJob(time='24:00:00'))])"
    )

    def run(self, facts: Facts) -> Iterator[Diagnostic]:
        graph = facts.graph
        yield from self._twice(graph)
        for launcher in graph.pipeline.launchers:
            stages: Mapping[Any, Any] = getattr(launcher, "stages", {})
            for problem in (*launcher.problems(), *_nowhere(stages, set(graph.names.values()))):
                yield self.finding(
                    f"`{type(launcher).__name__}.{problem.field}`: {problem.message}",
                    at=graph.pipeline_argument("launchers"),
                    help=problem.help,
                )

    def _twice(self, graph: Graph) -> Iterator[Diagnostic]:
        """Two settings for one backend, of which only one can count."""
        counted = Counter(launcher.backend for launcher in graph.pipeline.launchers)
        for backend, times in counted.items():
            if times > 1:
                yield self.finding(
                    f"{times} of the `launchers` are for `{backend}`, and only one of them can count",
                    at=graph.pipeline_argument("launchers"),
                    help="give the other cluster's in a pipeline of its own, or differences of stages in `stages`",
                )


def _nowhere(stages: Mapping[Any, Any], names: set[str]) -> Iterator[Problem]:
    """Settings of stages that are none of the pipeline's."""
    for stage in stages:
        if not is_stage(stage) and stage not in names:
            close = get_close_matches(str(stage), names, n=1, cutoff=0.5)
            yield Problem("stages", f"no stage is called {stage!r}", f"did you mean {close[0]!r}?" if close else "name the stage itself")
