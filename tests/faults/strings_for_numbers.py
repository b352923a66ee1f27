# seen: https://github.com/ThilinaRajapakse/simpletransformers/issues/229 – a column of numbers held strings: too many dimensions 'str'
from pipeline_dsl import Pipeline
from pipeline_dsl.stages import Tokenize

from _parts import tokenizer, train

rows = Tokenize(tokenizer=tokenizer, corpora=(train,), repeats=("2",), length=512)  # expect: PDSL202

pipeline = Pipeline(name="rows", targets=[rows])
