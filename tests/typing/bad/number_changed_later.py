"""What was declared stays as it was declared."""

from studio import sft

if sft.epochs:
    sft.epochs = 20
    #   ^^^^^^ pyright:reportAttributeAccessIssue
#   ^^^^^^^^^^ mypy:misc
