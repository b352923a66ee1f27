# seen: https://github.com/Azure/cyclecloud-slurm/pull/548 – a crafted name could be run as a command by way of srun
from pipeline_dsl import Pipeline

from _parts import Talk

chats = Talk(name="chats\n#SBATCH --wrap=true")  # expect: PDSL302

pipeline = Pipeline(name="chats", targets=[chats])
