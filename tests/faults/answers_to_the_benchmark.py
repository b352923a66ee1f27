# seen: https://github.com/ise-uiuc/magicoder/issues/40 – 82 of the 164 HumanEval problems came back in instructions that a model had written
from pipeline_dsl import Pipeline

from _hub import Answered, Sft, mistral, suite
from _parts import sft

written = Answered(model=sft, prompts=suite)
coder = Sft(base=mistral, data=written)  # expect: PDSL901

pipeline = Pipeline(name="coder", targets=[coder])
