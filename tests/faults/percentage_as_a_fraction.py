# seen: https://github.com/ShishirPatil/gorilla/issues/827 – 72.58 on the one side and 0.9375 on the other were taken for one scale
from pipeline_dsl import Pipeline, metric

from _parts import after

pipeline = Pipeline(name="measured", targets=[after], gates=[metric("mmlu") >= 0.7])  # expect: PDSL504
