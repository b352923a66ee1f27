"""Without a comma these parentheses hold a string, whose letters would be the patterns."""

from pipeline_dsl import Pipeline
from pipeline_dsl.stages import Ingest

from _parts import source

text = Ingest(sources=(source,), files=("**/*.txt"))  # expect: PDSL202

pipeline = Pipeline(name="text", targets=[text])
