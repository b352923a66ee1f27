# seen: https://github.com/autonomio/talos/issues/423 – the metric asked for is in none of the results: not found in index
from pipeline_dsl import Pipeline, metric

from _parts import after

pipeline = Pipeline(name="measured", targets=[after], gates=[metric("humaneval") >= 20])  # expect: PDSL511
