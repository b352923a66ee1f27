"""Annotations that are evaluated only when somebody asks."""

from __future__ import annotations

from typing import Literal

from pipeline_dsl import Corpus, Fraction, Pipeline, Ref, Stage, Workspace


class Crawl(Stage[Corpus]):
    """Pages of the web."""

    seeds: tuple[str, ...] = ("https://one.example",)
    after: Ref[Corpus] | None = None
    share: Fraction = 1
    order: Literal["breadth", "depth"] | None = None

    def run(self, work: Workspace) -> Corpus:
        raise NotImplementedError


first = Crawl(order="depth")
second = Crawl(after=first, share=0.25)

pipeline = Pipeline(name="web", targets=[second])
