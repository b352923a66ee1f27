from collections.abc import Iterator

from pipeline_dsl.base.diagnostic import Diagnostic
from pipeline_dsl.compiler.check import FactCheck
from pipeline_dsl.compiler.facts import Facts
from pipeline_dsl.compiler.passes.contracts import made_by
from pipeline_dsl.lang.artifacts import QuantizedModel, Weights


class CalibrationOnEvaluation(FactCheck):
    """Quantization is calibrated on evaluation data.

    AWQ and GPTQ choose scales so that the calibration rows keep their activations: what is then measured on the same documents is
    the loss that was minimized, and the real one shows in production. Source: Lin et al. (2023), arXiv:2306.00978, section 3;
    Williams and Aletras (2023), arXiv:2311.09755, on how much calibration data moves results.
    """

    code = "PDSL230"
    bad = "model = Sft(base=Pretrain(data=Tokenize(corpus=Crawl())))\nsmall = Quantize(model=model, calibration=Talk(part='test'))"
    good = "model = Sft(base=Pretrain(data=Tokenize(corpus=Crawl())))\nsmall = Quantize(model=model, calibration=Talk(part='train'))"

    def run(self, facts: Facts) -> Iterator[Diagnostic]:
        graph = facts.graph
        for edge in graph.edges if facts.evaluation else ():
            if edge.producer not in facts.evaluation or edge.field.held_out or issubclass(made_by(graph, edge), Weights):
                continue
            if issubclass(graph.type(edge.consumer).produces, QuantizedModel):
                origin = facts.evaluation[edge.producer]
                yield self.finding(
                    f"`{graph.names[edge.consumer]}` is calibrated on evaluation data",
                    at=graph.argument(edge.consumer, edge.field.name),
                    related=[("evaluation data is made here", graph.span(origin))],
                    help="calibrate on what the model was trained on",
                )
