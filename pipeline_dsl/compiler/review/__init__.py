"""Proposed manifests, judged without running anything: the same declarations as a pipeline file's, read as data.

    text -> tree (values with their places) -> declarations -> the compiler's own passes and checks
                                            -> what a manifest alone can have: its hash chain, its figures, its rollback plan

`review.py` lists the steps, read it first.
"""
