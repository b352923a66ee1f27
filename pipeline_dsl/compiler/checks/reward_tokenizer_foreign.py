from collections.abc import Iterator

from pipeline_dsl.base.diagnostic import Diagnostic
from pipeline_dsl.compiler.check import FactCheck
from pipeline_dsl.compiler.facts import Facts
from pipeline_dsl.compiler.passes.contracts import apart, foreign, made_by, said
from pipeline_dsl.lang.artifacts import CausalModel, RewardModel

HELP = "train the reward model from the policy's own SFT model, or from one of its family"


class RewardTokenizerForeign(FactCheck):
    """A reward model scores the token ids of a policy that has another tokenizer.

    PPO and best-of-n hand the sampled ids on as they are. If the vocabularies differ, the reward model reads other words, or
    fails with an index out of range at the first large id. Give it a reward model of the policy's own family; a stage that decodes
    the answers and encodes them for the reward model says `retokenizes = True`.
    """

    code = "PDSL228"
    bad = (
        "def made(size):\n    words = Vocabulary(corpus=Crawl(), vocabulary=size)\n"
        "    rows = Tokenize(corpus=Crawl(), tokenizer=words)\n    return Sft(base=Pretrain(data=rows, tokenizer=words))\n\n"
        "policy = Dpo(policy=made(32_000), reward=Reward(base=made(31_936)), kl_budget=9.0)"
    )
    good = (
        "def made(size):\n    words = Vocabulary(corpus=Crawl(), vocabulary=size)\n"
        "    rows = Tokenize(corpus=Crawl(), tokenizer=words)\n    return Sft(base=Pretrain(data=rows, tokenizer=words))\n\n"
        "sft = made(32_000)\npolicy = Dpo(policy=sft, reward=Reward(base=sft), kl_budget=9.0)"
    )

    def run(self, facts: Facts) -> Iterator[Diagnostic]:
        graph = facts.graph
        for stage, descent in facts.descent.items():
            if not issubclass(graph.type(stage).produces, CausalModel) or said(stage, "retokenizes", bool):
                continue
            for edge in graph.inputs.get(stage, ()):
                known = facts.descent.get(edge.producer)
                if not issubclass(made_by(graph, edge), RewardModel):
                    continue
                if descent.tokenizer is None or known is None or known.tokenizer is None:
                    rows = apart(facts, edge.producer, stage)
                    if rows is not None:
                        yield self.finding(
                            f"`{graph.names[edge.producer]}` reads a vocabulary of {rows[0]:,} tokens, "
                            f"the policy writes one of {rows[1]:,}",
                            at=graph.argument(stage, edge.field.name),
                            related=[("the reward model", graph.span(edge.producer))],
                            help=HELP,
                        )
                    continue
                if foreign(facts, descent.tokenizer, known.tokenizer):
                    yield self.finding(
                        f"`{graph.names[edge.producer]}` reads tokens of `{graph.names[known.tokenizer]}`, "
                        f"the policy writes those of `{graph.names[descent.tokenizer]}`",
                        at=graph.argument(stage, edge.field.name),
                        related=[("its tokenizer", graph.span(known.tokenizer)), ("the policy's", graph.span(descent.tokenizer))],
                        help=HELP,
                    )
