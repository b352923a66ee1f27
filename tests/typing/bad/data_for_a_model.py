"""Two inputs in each other's place: both are reported."""

from stages import Pretrain, Sft, Talk

base = Pretrain()
chats = Talk(path="chats")
sft = Sft(base=chats, data=base)
#              ^^^^^ pyright:reportArgumentType mypy:arg-type
#                          ^^^^ pyright:reportArgumentType mypy:arg-type
