# seen: https://github.com/keras-team/keras/issues/7447 – the tokenizer was made from training and validation text together
from pipeline_dsl import Pipeline
from pipeline_dsl.stages import TrainTokenizer

from _parts import train, validation

tokenizer = TrainTokenizer(
    vocabulary=4096,
    corpora=(train, validation),  # expect: PDSL901
)

pipeline = Pipeline(name="vocabulary", targets=[tokenizer])
