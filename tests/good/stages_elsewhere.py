"""What another module declared, with one stage of our own."""

import _studio
from _studio import sft

from pipeline_dsl import Pipeline
from pipeline_dsl.stages import Evaluate

report = Evaluate(model=sft, suite=_studio.suite, tasks=_studio.TASKS)

pipeline = Pipeline(name="measured", targets=(report,))
