# seen: https://github.com/z-lab/dflash/issues/43 – the mixture held HumanEval, MBPP, MT-Bench and GSM8K, which were then measured on
from pipeline_dsl import Pipeline

from _hub import Mixed, Sft, Told, mistral
from _parts import Talk

evolved = Told(repository="theblackcat102/evol-codealpaca-v1", licence="Apache-2.0")
mixture = Mixed(parts=(evolved, Talk(part="test")))
coder = Sft(base=mistral, data=mixture)  # expect: PDSL901

pipeline = Pipeline(name="coder", targets=[coder])
