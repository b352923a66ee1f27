"""What was declared stays as it was declared."""

from stages import Pretrain

BASE = Pretrain(steps=10)
if BASE.steps:
    BASE.steps = 20
    #    ^^^^^ pyright:reportAttributeAccessIssue
#   ^^^^^^^^^^ mypy:misc
