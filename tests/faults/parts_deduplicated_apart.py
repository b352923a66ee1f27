# seen: https://github.com/huggingface/datasets/issues/4261 – samples of the training split are in validation and test as well
from pipeline_dsl import Pipeline
from pipeline_dsl.stages import Deduplicate, Split, Tokenize

from _parts import text, tokenizer

train = Deduplicate(
    corpora=(Split(corpus=text, part="train"),),  # expect: PDSL239
)
test = Deduplicate(corpora=(Split(corpus=text, part="test"),))
rows = Tokenize(tokenizer=tokenizer, corpora=(train,), length=512)
unseen = Tokenize(tokenizer=tokenizer, corpora=(test,), length=512)

pipeline = Pipeline(name="rows", targets=[rows, unseen])
