# seen: https://github.com/LINCellularNeuroscience/VAME/issues/26 – with the scheduler off the rate became 0 after 100 epochs, and training went on
from pipeline_dsl import Pipeline

from _parts import Sft, base, chats

sft = Sft(base=base, data=chats, learning_rate=0)  # expect: PDSL203

pipeline = Pipeline(name="assistant", targets=[sft])
