# seen: https://github.com/AgentBudget/agentbudget/issues/21 – budgets took negative costs, and the limit was never reached
from pipeline_dsl import Budget, Pipeline

from _parts import sft

pipeline = Pipeline(name="assistant", targets=[sft], budget=Budget(usd=-500))  # expect: PDSL603
