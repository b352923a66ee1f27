# seen: https://github.com/facebookincubator/submitit/pull/1678 – arguments of sbatch, the job's name among them, were written without being escaped
from pipeline_dsl import Pipeline

from _parts import Talk

chats = Talk(name="-rf")  # expect: PDSL302

pipeline = Pipeline(name="chats", targets=[chats])
