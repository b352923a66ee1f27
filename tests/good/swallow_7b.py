"""Swallow 7B: a model of mostly English goes on in Japanese, with a tokenizer that was extended for it.

Source: Fujii et al. (2024), arXiv:2404.17790, sections 3 and 4: Llama 2 7B, 32,000 tokens and 11,176 more, about 100B tokens of
Japanese and English text, rows of 4,096 tokens, 1e-4. New rows of the embedding are means of the old pieces.
"""

from _published import ContinuePretrain, HubModel, HubText, HubTokenizer, commit, cores

from pipeline_dsl import A100_40, Checkpoint, Count, Hardware, Llama, Pipeline, Ref, Size, Sizes, Stage, Tokenizer, Workspace
from pipeline_dsl.stages import Tokenize


class Extend(Stage[Tokenizer]):
    """More tokens behind those that there are."""

    base: Ref[Tokenizer]
    vocabulary: Count

    def run(self, work: Workspace) -> Tokenizer:
        raise NotImplementedError


class Grow(Stage[Checkpoint]):
    """Rows of the embedding for the tokens that were added."""

    base: Ref[Checkpoint]
    tokenizer: Ref[Tokenizer]
    model: Llama

    def size(self, sizes: Sizes) -> Size:
        return Size(model=self.model)

    def run(self, work: Workspace) -> Checkpoint:
        raise NotImplementedError


def shape(vocabulary: int) -> Llama:
    """Llama 2 7B."""
    return Llama(hidden=4096, layers=32, heads=32, kv_heads=32, ffn=11_008, vocabulary=vocabulary, context=4096)


llama = HubModel(repository="meta-llama/Llama-2-7b-hf", revision=commit("1"), licence="LicenseRef-llama2", model=shape(32_000))
old = HubTokenizer(repository="meta-llama/Llama-2-7b-hf", revision=commit("1"), vocabulary=32_000)
tokenizer = Extend(base=old, vocabulary=43_176)
grown = Grow(base=llama, tokenizer=tokenizer, model=shape(43_176))
japanese = HubText(repository="our/swallow-corpus", revision=commit("2"), licence="LicenseRef-ours", tokens=94_000_000_000)
english = HubText(repository="tiiuae/falcon-refinedweb", revision=commit("3"), licence="ODC-By-1.0", tokens=10_000_000_000)
unseen = HubText(repository="our/swallow-corpus", revision=commit("2"), licence="LicenseRef-ours", tokens=10_000_000, part="test")
base = ContinuePretrain(
    base=grown,
    data=Tokenize(tokenizer=tokenizer, corpora=(japanese, english), length=4096, on=cores),
    validation=Tokenize(tokenizer=tokenizer, corpora=(unseen,), length=4096, on=cores),
    tokenizer=tokenizer,
    model=shape(43_176),
    tokens=100_000_000_000,
    batch=1024,
    micro_batch=1,
    learning_rate=1e-4,
    zero_stage=3,
    recompute="full",
    processes=64,
    on=Hardware(device=A100_40, count=8, nodes=8),
)

pipeline = Pipeline(name="swallow-7b", targets=[base], use="research")
