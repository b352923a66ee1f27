# seen: https://github.com/kundajelab/dragonn/issues/45 – one letter off in a name of the library, found at its first use
from pipeline_dsl import Pipline  # expect: PDSL101

from _parts import sft

pipeline = Pipline(name="assistant", targets=[sft])
