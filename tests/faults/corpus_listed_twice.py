# seen: https://github.com/allenai/OLMo/issues/874 – every file of a training config is there twice; is that meant so?
from pipeline_dsl import Pipeline
from pipeline_dsl.stages import Tokenize

from _parts import tokenizer, train

rows = Tokenize(
    tokenizer=tokenizer,
    corpora=(train, train),  # expect: PDSL237
    length=512,
)

pipeline = Pipeline(name="rows", targets=[rows])
