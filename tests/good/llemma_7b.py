"""Llemma 7B: continued twice, on code and then on mathematics that was cleared of what is asked later.

Source: Azerbayev et al. (2023), arXiv:2310.10631, section 2: from Code Llama 7B, 200B tokens of Proof-Pile-2 in rows of 4,096,
4M tokens a step, 1e-4, on 256 A100 40 GB. The stage of code before it is that of Code Llama.
"""

from _published import ContinuePretrain, HubModel, HubText, HubTokenizer, commit, cores, leaderboard

from pipeline_dsl import A100_40, Corpus, EvalSuite, Hardware, Llama, Pipeline, Ref, Size, Sizes, Stage, Workspace, held_out
from pipeline_dsl.stages import Tokenize


class Decontaminate(Stage[Corpus]):
    """Drop documents that share thirty tokens with a question."""

    corpus: Ref[Corpus]
    against: Ref[EvalSuite] = held_out()

    def size(self, sizes: Sizes) -> Size:
        return sizes[self.corpus]

    def run(self, work: Workspace) -> Corpus:
        raise NotImplementedError


nodes = Hardware(device=A100_40, count=8, nodes=32)
shape = Llama(hidden=4096, layers=32, heads=32, kv_heads=32, ffn=11_008, vocabulary=32_016, context=4096)
tokenizer = HubTokenizer(repository="codellama/CodeLlama-7b-hf", revision=commit("1"), vocabulary=32_016)
llama = HubModel(repository="codellama/CodeLlama-7b-hf", revision=commit("1"), licence="LicenseRef-llama2", model=shape)
code = HubText(repository="bigcode/starcoderdata", revision=commit("2"), licence="Apache-2.0", tokens=200_000_000_000)
pile = HubText(repository="EleutherAI/proof-pile-2", revision=commit("3"), licence="ODC-By-1.0", tokens=55_000_000_000)
unseen = HubText(repository="EleutherAI/proof-pile-2", revision=commit("3"), licence="ODC-By-1.0", tokens=50_000_000, part="test")
held = Tokenize(tokenizer=tokenizer, corpora=(unseen,), length=4096, on=cores)

model: HubModel | ContinuePretrain = llama
for corpora, tokens, rate in (
    ((code,), 100_000_000_000, 3e-4),
    ((Decontaminate(corpus=pile, against=leaderboard),), 200_000_000_000, 1e-4),
):
    model = ContinuePretrain(
        base=model,
        data=Tokenize(tokenizer=tokenizer, corpora=corpora, length=4096, on=cores),
        validation=held,
        tokenizer=tokenizer,
        model=shape,
        tokens=tokens,
        batch=1024,
        micro_batch=2,
        learning_rate=rate,
        zero_stage=3,
        recompute="full",
        processes=256,
        on=nodes,
    )

pipeline = Pipeline(name="llemma-7b", targets=[model], use="research")
