"""A record from before its author was kept is read as it was written."""

import json
from pathlib import Path

import attrs

from pipeline_dsl.base.digest import digest_plain
from pipeline_dsl.store import record as records
from tests.runner.bench import Bench


def test_a_record_without_an_author_has_the_digest_that_it_always_had(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.run("pipeline = Pipeline(name='p', targets=[Step(label='a')])\n")
    record = next(bench.store.records())
    body = json.loads(records.dump(record))["record"]
    assert body["author"] == record.author
    old = attrs.evolve(record, author=None)
    del body["author"]
    assert old.digest == digest_plain(body) != record.digest
    assert records.parse(records.dump(old), where="here") == old
