"""Mail of real people goes through redaction, questions of the suite are taken out, and every part is of one division."""

import attrs
from _studio import TINY, Npm, suite, tokenizer

from pipeline_dsl import Corpus, EvalSuite, Pipeline, Ref, Stage, Workspace, held_out
from pipeline_dsl.stages import Deduplicate, Fetch, FitScalingLaw, Ingest, Pretrain, Split, Tokenize


class Decontaminate(Stage[Corpus]):
    """Documents that share no 13 words in a row with a suite."""

    corpus: Ref[Corpus]
    suite: Ref[EvalSuite] = held_out()

    def run(self, work: Workspace) -> Corpus:
        raise NotImplementedError


mail = Fetch(package=Npm(name="mail", version="1.0.0", sha256="5d" * 32), licence="CC0-1.0", personal=True)
clean = Ingest(sources=(mail,), filters=(), redact=("email", "ipv4"), tokens=20_000_000)
whole = Deduplicate(corpora=(Decontaminate(corpus=clean, suite=suite),))
train, watched = (Split(corpus=whole, part=part, train=0.9, validation=0.05, test=0.05) for part in ("train", "validation"))
rows = Tokenize(tokenizer=tokenizer, corpora=(train,), length=512)
unseen = Tokenize(tokenizer=tokenizer, corpora=(watched,), length=512)
law = FitScalingLaw(
    sizes=tuple(attrs.evolve(TINY, hidden=width, ffn=3 * width, layers=2) for width in (64, 96, 128)),
    predicts=TINY,
    data=rows,
    validation=unseen,
    tokenizer=tokenizer,
    tokens=1_000_000,
    batch=16,
    learning_rate=1e-3,
)
base = Pretrain(
    data=rows,
    validation=unseen,
    tokenizer=tokenizer,
    model=TINY,
    tokens=18_000_000,
    batch=32,
    learning_rate=1e-3,
    scaling=law,
)

pipeline = Pipeline(name="mail", targets=[base])
