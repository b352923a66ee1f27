# seen: https://github.com/kubeflow/pipelines/issues/5684 – a string was given where a step reads an artifact: KeyError: 'GCS path'
from pipeline_dsl import Pipeline
from pipeline_dsl.stages import Pretrain

from _parts import TINY, tokenizer, unseen

base = Pretrain(
    model=TINY,
    data="data/train",  # expect: PDSL206
    validation=unseen,
    tokenizer=tokenizer,
    tokens=10_000_000,
    batch=32,
    learning_rate=1e-3,
)

pipeline = Pipeline(name="base", targets=[base])
