from pipeline_dsl import Pipeline
from pipeline_dsl.stages import Quantize

from _parts import TASKS, Dpo, chats, judged, sft, suite

small = Quantize(model=sft, calibration=chats, suite=suite, tasks=TASKS)
policy = Dpo(policy=small, data=judged, prompts=suite)  # expect: PDSL201

pipeline = Pipeline(name="small", targets=[policy])
