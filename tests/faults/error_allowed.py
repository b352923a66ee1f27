# seen: https://github.com/ansible/ansible-lint/issues/1594 – an error was put on the list of what to skip, where it had no effect
from pipeline_dsl import Pipeline

from _parts import Sft, base, chats

sft = Sft(
    base=base,
    data=chats,
    # pdsl: allow[PDSL201] reviewed  # expect: PDSL210
)

pipeline = Pipeline(name="assistant", targets=[sft])
