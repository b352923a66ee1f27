# seen: LLaMA's mixture (arXiv:2302.13971, table 1), with the epochs of its smallest part broken: Wikipedia 40 times instead of 2.45
from pipeline_dsl import H100, Corpus, Count, Hardware, Pipeline, Size, Sizes, Stage, Workspace
from pipeline_dsl.base.units import Tokens
from pipeline_dsl.stages import Pretrain, Tokenize

from _cluster import RUN, data


class Dump(Stage[Corpus]):
    """A published part of a mixture."""

    repository: str
    revision: str
    tokens: Count

    def size(self, sizes: Sizes) -> Size:
        return Size(tokens=Tokens(self.tokens))

    def run(self, work: Workspace) -> Corpus:
        raise NotImplementedError


parts = data()
web = Dump(repository="web", revision="5" * 40, tokens=1_900_000_000_000)
wiki = Dump(repository="wikipedia", revision="6" * 40, tokens=4_000_000_000)
mixed = Tokenize(
    tokenizer=parts["tokenizer"],
    corpora=(web, wiki),
    repeats=(1, 40),  # expect: PDSL340
    length=4096,
)
base = Pretrain(
    data=mixed,
    validation=parts["validation"],
    tokenizer=parts["tokenizer"],
    **RUN,
    zero_stage=2,
    processes=512,
    on=Hardware(device=H100, count=8, nodes=64),
)
del parts

pipeline = Pipeline(name="base", targets=[base])
