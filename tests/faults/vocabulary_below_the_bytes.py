# seen: https://github.com/google/sentencepiece/issues/885 – vocabulary size is smaller than required_chars
from pipeline_dsl import Pipeline
from pipeline_dsl.stages import TrainTokenizer

from _parts import train

tokenizer = TrainTokenizer(corpora=(train,), vocabulary=200)  # expect: PDSL205

pipeline = Pipeline(name="vocabulary", targets=[tokenizer])
