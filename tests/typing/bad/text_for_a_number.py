"""A field has the type that its class gives it."""

from stages import Pretrain

base = Pretrain(steps="many")
#                     ^^^^^^ pyright:reportArgumentType mypy:arg-type
