"""A study that takes a whole module of shared stages by a star, and uses some of them."""

from _studio import *  # noqa: F403
from _studio import TASKS, policy, suite

from pipeline_dsl import Pipeline
from pipeline_dsl.stages import Evaluate

report = Evaluate(model=policy, suite=suite, tasks=TASKS)

pipeline = Pipeline(name="stars", targets=[report])
