"""A gate is a number: no other threshold can be written."""

from pipeline_dsl import metric

assert metric("mmlu") <= "looks good"
#      ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ pyright:reportOperatorIssue
#                        ^^^^^^^^^^^^ mypy:operator
