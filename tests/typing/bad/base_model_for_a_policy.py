"""Preference training starts from a model that answers."""

from stages import Dpo, Judge, Pretrain

base = Pretrain()
dpo = Dpo(policy=base, data=Judge(path="pairs"))
#                ^^^^ pyright:reportArgumentType mypy:arg-type
