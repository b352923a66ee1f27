# seen: https://github.com/dask/dask-ml/pull/502 – shares that do not add up to one were taken for a split
from pipeline_dsl import Pipeline
from pipeline_dsl.stages import Split

from _parts import unique

train = Split(
    corpus=unique,
    part="train",  # expect: PDSL205
    train=0.8,
)

pipeline = Pipeline(name="split", targets=[train])
