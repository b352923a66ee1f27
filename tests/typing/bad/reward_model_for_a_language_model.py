"""A reward model predicts no token, so it cannot sit an exam that asks for some."""

from pipeline_dsl import Pipeline
from pipeline_dsl.stages import Evaluate, Task
from studio import exam, reward

report = Evaluate(model=reward, suite=exam, tasks=(Task(name="kinds"),))
#                       ^^^^^^ pyright:reportArgumentType mypy:arg-type
pipeline = Pipeline(name="p", targets=[report])
