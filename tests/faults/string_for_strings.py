# seen: https://github.com/huggingface/peft/issues/3229 – target_modules="all-linear" became the letters a, e, i, l, n, r and -
"""Without a comma these parentheses hold a string, whose letters would be the patterns."""

from pipeline_dsl import Pipeline
from pipeline_dsl.stages import Ingest

from _parts import source

text = Ingest(sources=(source,), files=("**/*.txt"))  # expect: PDSL202

pipeline = Pipeline(name="text", targets=[text])
