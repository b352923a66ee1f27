# seen: https://github.com/NicolasHug/Surprise/issues/311 – the search selected by 'mse', which it did not measure: KeyError after all fits
from pipeline_dsl import Pipeline, metric

from _parts import after, policy

pipeline = Pipeline(
    name="measured",
    targets=[after],
    gates=[metric("mmlu", of=policy) >= 50],  # expect: PDSL511
)
