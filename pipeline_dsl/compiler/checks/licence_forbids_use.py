from collections.abc import Iterator

from pipeline_dsl.base.diagnostic import Diagnostic
from pipeline_dsl.compiler.check import FactCheck
from pipeline_dsl.compiler.facts import Facts
from pipeline_dsl.compiler.release import FORBIDS, carried, released


class LicenceForbidsUse(FactCheck):
    """What a commercial pipeline releases descends from something whose licence forbids that.

    `Pipeline(use="commercial")` says that money is earned. Licences flow from sources through data, tokenizers, filters, reward
    models and generated text into weights; only what an input marked `held_out()` reads stays out. SPDX identifiers say
    themselves what they forbid (`CC-BY-NC-4.0`, `CC-BY-ND-4.0`); for a `LicenseRef-...` write `terms=` beside it.
    `A OR B` may be used under the freer one. Share-alike terms are not judged.

    Found on day five, the model is trained and must not be served: Alpaca (CC-BY-NC-4.0, on a LLaMA of research terms) was
    taken off the net a week after it went up.
    """

    code = "PDSL904"
    bad = (
        "base = Pretrain(data=Tokenize(corpus=Crawl(licence='CC-BY-NC-4.0')))\n"
        "pipeline = Pipeline(name='p', targets=[Evaluate(model=base)], ships=base, use='commercial', gates=GATES[:3], "
        "baseline=Release(manifest='v1.yaml'))"
    )
    good = (
        "base = Pretrain(data=Tokenize(corpus=Crawl(licence='CC-BY-4.0')))\n"
        "pipeline = Pipeline(name='p', targets=[Evaluate(model=base)], ships=base, use='commercial', gates=GATES[:3], "
        "baseline=Release(manifest='v1.yaml'))"
    )

    def run(self, facts: Facts) -> Iterator[Diagnostic]:
        if facts.graph.pipeline.use != "commercial":
            return
        for found in carried(facts, released(facts), ("non-commercial", "no-derivatives", "no-competing")):
            yield self.finding(
                f"`{facts.graph.names[found.stage]}` is for commercial use and descends from what {FORBIDS[found.label.kind]} "
                f"under {found.label.said or 'its terms'}: {found.way}{found.others}",
                at=found.at,
                related=found.related,
                help='leave that source out, get leave in writing and declare it by `terms="open"`, or write use="research"',
            )
