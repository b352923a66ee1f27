from pipeline_dsl import Pipeline

from _parts import Dpo, base, judged, suite

policy = Dpo(policy=base, data=judged, prompts=suite)  # expect: PDSL201

pipeline = Pipeline(name="raw", targets=[policy])
