# seen: https://github.com/TIGER-AI-Lab/MAmmoTH/issues/11 – questions of the test sets of MMLU and MATH were in the instruction data
from pipeline_dsl import Pipeline

from _parts import Sft, Talk, base

sft = Sft(base=base, data=Talk(part="test"))  # expect: PDSL901

pipeline = Pipeline(name="assistant", targets=[sft])
