# seen: https://github.com/kubeflow/pipelines/issues/428 – two things answered to one name: templates[1].name 'example' is not unique
from pipeline_dsl import Pipeline, metric
from pipeline_dsl.stages import Evaluate

from _parts import TASKS, after, policy, suite

rounded = Evaluate(model=policy, suite=suite, tasks=TASKS, dtype="bfloat16")

pipeline = Pipeline(
    name="measured",
    targets=[after, rounded],
    gates=[metric("mmlu") >= 50],  # expect: PDSL508
)
