# seen: https://github.com/eclipse-threadx/threadx/pull/667 – a stated requirement was measured by a gauge without a failing value
from pipeline_dsl import Pipeline, metric

from _parts import after

pipeline = Pipeline(name="measured", targets=[after], gates=[metric("mmlu")])  # expect: PDSL509
