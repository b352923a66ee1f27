from collections.abc import Iterator

from pipeline_dsl.base.diagnostic import Diagnostic, Severity
from pipeline_dsl.compiler.check import FactCheck
from pipeline_dsl.compiler.facts import Facts
from pipeline_dsl.compiler.release import carried, released


class LicenceUnknown(FactCheck):
    """What a commercial pipeline releases descends from a source whose terms nobody has told.

    `NOASSERTION` and `NONE` mean that there is no licence to rely on; what a `LicenseRef-...` allows is not in its name, unless it
    is your own (`LicenseRef-ours`) or a model licence that pdsl knows. Read it, and say by `terms=` what it allows.

    Found on day five, somebody asks under which licence the data was taken, and there is no answer: 70% of the data sets on the
    hubs were without one, and two thirds of those that had one had the wrong one (Longpre et al., 2023, arXiv:2310.16787).
    """

    code = "PDSL906"
    severity = Severity.WARNING
    bad = (
        "base = Pretrain(data=Tokenize(corpus=Crawl(licence='NOASSERTION')))\n"
        "pipeline = Pipeline(name='p', targets=[Evaluate(model=base)], ships=base, use='commercial', gates=GATES[:3], "
        "baseline=Release(manifest='v1.yaml'))"
    )
    good = (
        "base = Pretrain(data=Tokenize(corpus=Crawl(licence='ODC-By-1.0')))\n"
        "pipeline = Pipeline(name='p', targets=[Evaluate(model=base)], ships=base, use='commercial', gates=GATES[:3], "
        "baseline=Release(manifest='v1.yaml'))"
    )

    def run(self, facts: Facts) -> Iterator[Diagnostic]:
        if facts.graph.pipeline.use != "commercial":
            return
        for found in carried(facts, released(facts), ("unknown",)):
            yield self.finding(
                f"`{facts.graph.names[found.stage]}` is for commercial use, and what `{found.label.said}` allows is not known: "
                f"{found.way}{found.others}",
                at=found.at,
                related=found.related,
                help='read it, and write terms="open", "non-commercial" or "no-derivatives" beside `licence`',
            )
