from pipeline_dsl import Pipeline
from pipeline_dsl.stages import TrainTokenizer

from _parts import train, validation

tokenizer = TrainTokenizer(
    vocabulary=4096,
    corpora=(train, validation),  # expect: PDSL901
)

pipeline = Pipeline(name="vocabulary", targets=[tokenizer])
