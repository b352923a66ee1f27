# seen: https://github.com/assafelovic/gpt-researcher/pull/1829 – a threshold out of the environment was a string: '>=' not supported
from pipeline_dsl import Pipeline, metric

from _parts import after

pipeline = Pipeline(name="measured", targets=[after], gates=[metric("mmlu") >= "50"])  # expect: PDSL509
