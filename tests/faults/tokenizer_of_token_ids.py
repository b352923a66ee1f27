# seen: https://github.com/SamuelSchmidgall/AgentLaboratory/issues/25 – the tokenizer was given what is no text: input must be of type `str`
from pipeline_dsl import Pipeline
from pipeline_dsl.stages import TrainTokenizer

from _parts import rows, train

tokenizer = TrainTokenizer(corpora=(train, rows), vocabulary=4096)  # expect: PDSL201

pipeline = Pipeline(name="vocabulary", targets=[tokenizer])
