"""A baseline is an evaluation, or a shipped run."""

from pipeline_dsl import Pipeline
from studio import base

pipeline = Pipeline(name="p", targets=[base], baseline=base)
#                                                      ^^^^ pyright:reportArgumentType mypy:arg-type
