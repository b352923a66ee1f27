"""Two rounds of 10 and 20 nats, of 25 that the pipeline allows."""

from pipeline_dsl import Budget, Pipeline

from _parts import Dpo, judged, policy, suite

second = Dpo(policy=policy, data=judged, prompts=suite, kl_budget=20.0)  # expect: PDSL506

pipeline = Pipeline(name="rounds", targets=[second], budget=Budget(kl=25))
