from collections.abc import Iterator
from pathlib import Path

from pipeline_dsl.base.diagnostic import Diagnostic
from pipeline_dsl.base.fault import Fault
from pipeline_dsl.compiler.check import ShapeCheck
from pipeline_dsl.compiler.graph import Graph
from pipeline_dsl.lang.pipeline import Release


class ReleaseBroken(ShapeCheck):
    """The manifest that a pipeline takes as its baseline cannot be read, or its hash chain does not hold.

    Every stage in a manifest must have read what its producer made, by the recipe that is written there. A release that is
    not on this machine is not judged here; `pdsl gate` will ask for it.
    """

    code = "PDSL412"
    bad = "pipeline = Pipeline(name='p', targets=[Crawl()], baseline=Release(manifest=__file__))"
    good = "pipeline = Pipeline(name='p', targets=[Crawl()], baseline=Release(manifest='elsewhere.yaml'))"

    def run(self, graph: Graph) -> Iterator[Diagnostic]:
        given = graph.pipeline.baseline
        if not isinstance(given, Release):
            return
        from pipeline_dsl.gates.chain import broken_links  # with the store, a tenth of a cold start
        from pipeline_dsl.store import manifest

        try:
            file = Path(given.manifest)
            faults = list(broken_links(manifest.read(file))) if file.is_file() else ["it is a folder"] if file.is_dir() else []
            faults += [] if given.manifest.isprintable() else ["its path holds what no text may"]
        except Fault as fault:
            faults = [fault.message]
        except (TypeError, ValueError, OSError) as error:  # it is no path at all
            faults = [str(error)]
        for fault in faults[:1]:
            yield self.finding(
                f"the baseline {given.manifest!s:.200} cannot be trusted: {fault:.500}",
                at=graph.pipeline_argument("baseline"),
                help="name the manifest that the release's run wrote",
            )
