# seen: https://github.com/opensafely-core/ehrql/issues/770 – `a < x < b` built from objects silently dropped its first half
from pipeline_dsl import Pipeline, metric

from _parts import after

pipeline = Pipeline(
    name="measured",
    targets=[after],
    gates=[
        50 <= metric("mmlu") <= 95,  # expect: PDSL101
    ],
)
