# seen: https://github.com/LZGMatrix/BOP19_CDPN_2019ICCV/issues/8 – the seed came out as -1: must be between 0 and 2**32 - 1
from pipeline_dsl import Pipeline

from _parts import sft

pipeline = Pipeline(name="assistant", seed=-1, targets=[sft])  # expect: PDSL203
