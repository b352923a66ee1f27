# seen: https://github.com/LunaBlack/KGAT-pytorch/issues/29 – what was tried next was decided on the test set
import attrs

from pipeline_dsl import Pipeline
from pipeline_dsl.stages import FitScalingLaw, Tokenize

from _parts import TINY, rows, test, tokenizer

kept = Tokenize(tokenizer=tokenizer, corpora=(test,), length=512)
law = FitScalingLaw(
    sizes=tuple(attrs.evolve(TINY, hidden=width, ffn=3 * width, layers=2) for width in (64, 96, 128)),
    predicts=TINY,
    data=rows,
    validation=kept,  # expect: PDSL908
    tokenizer=tokenizer,
    tokens=1_000_000,
    batch=16,
    learning_rate=1e-3,
)

pipeline = Pipeline(name="law", targets=[law])
