# seen: https://github.com/TIGER-AI-Lab/MAmmoTH/issues/11 – questions of the test sets of MMLU and MATH were in the instruction data
from pipeline_dsl import Pipeline, metric
from pipeline_dsl.stages import Contamination

from _parts import Sft, base, chats, suite, train

tuned = Sft(base=base, data=chats)  # expect: PDSL911
clean = Contamination(training={"web": train}, held={"suite": suite})

pipeline = Pipeline(name="searched", targets=[tuned, clean], gates=[metric("contamination") <= 0.1])
