from collections.abc import Iterator
from typing import Any

from pipeline_dsl.base.diagnostic import Diagnostic
from pipeline_dsl.compiler.check import FactCheck
from pipeline_dsl.compiler.facts import Facts
from pipeline_dsl.lang.placement import ServingPlacement


class CacheTooSmall(FactCheck):
    """A server's key-value cache holds less than one request may need.

    A request of the longest prompt and the longest answer that are let in is then never scheduled, or ends the engine. One
    request is the least; to serve several at once without waiting, the cache holds as many. Source: Kwon et al. (2023),
    arXiv:2309.06180, section 4.
    """

    code = "PDSL343"
    bad = "server = Host(model=Pretrain(data=Tokenize(corpus=Crawl())), blocks=8, block=16, prompt_limit=2048, output_limit=512)"
    good = "server = Host(model=Pretrain(data=Tokenize(corpus=Crawl())), blocks=512, block=16, prompt_limit=2048, output_limit=512)"

    def run(self, facts: Facts) -> Iterator[Diagnostic]:
        for stage, placed in facts.placements.items():
            blocks: Any = getattr(stage, "blocks", None)
            limits: list[Any] = [getattr(stage, "prompt_limit", None), getattr(stage, "output_limit", None)]
            if (
                not isinstance(placed, ServingPlacement)
                or not isinstance(blocks, int)
                or not all(isinstance(limit, int) for limit in limits)
            ):
                continue
            longest = min(sum(limits), placed.model.context)
            if blocks * placed.length < longest:
                yield self.finding(
                    f"{blocks} blocks of {placed.length} tokens hold {blocks * placed.length:,}; a request may need {longest:,}",
                    at=facts.graph.argument(stage, "blocks"),
                    help=f"write `blocks={-(-longest // placed.length)}` for one request at a time",
                )
