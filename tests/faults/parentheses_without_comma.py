# seen: https://github.com/Wansmer/treesj/issues/56 – `(1,)` was joined to `(1)`, which is no tuple
"""`(train)` is no tuple."""

from pipeline_dsl import Pipeline
from pipeline_dsl.stages import Tokenize

from _parts import tokenizer, train

rows = Tokenize(tokenizer=tokenizer, corpora=(train), length=512)  # expect: PDSL206

pipeline = Pipeline(name="rows", targets=[rows])
