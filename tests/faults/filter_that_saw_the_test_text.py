# seen: https://github.com/leonagoel/hybrid-recommender/pull/1270 – what chose among the texts had been fitted to the test items as well
from pipeline_dsl import Artifact, Corpus, Pipeline, Ref, Stage, Workspace
from pipeline_dsl.stages import Tokenize

from _parts import TINY, Pretrain, test, tokenizer, train, unseen


class Rule(Artifact):
    """What is kept, as a table of words."""


class FitRule(Stage[Rule]):
    """Words that good text has."""

    like: Ref[Corpus]

    def run(self, work: Workspace) -> Rule:
        raise NotImplementedError


class Choose(Stage[Corpus]):
    """The documents that a rule keeps."""

    corpus: Ref[Corpus]
    rule: Ref[Rule]

    def run(self, work: Workspace) -> Corpus:
        raise NotImplementedError


chosen = Choose(corpus=train, rule=FitRule(like=test))
rows = Tokenize(tokenizer=tokenizer, corpora=(chosen,), length=512)
base = Pretrain(
    data=rows,  # expect: PDSL901
    validation=unseen,
    tokenizer=tokenizer,
    model=TINY,
    tokens=10_000_000,
    batch=32,
    learning_rate=1e-3,
)

pipeline = Pipeline(name="base", targets=[base])
