"""What an attempt prints, on its way to the state."""

from __future__ import annotations

from dataclasses import replace

import sqlalchemy as sa

from reign.engine.logs import LogSink
from reign.engine.runtime import Runtime
from reign.store.claims import Claim
from reign.store.tables import logs

CLAIM = Claim(
    task_id=1, run_id=1, task="a", uses="probe.fail", agent="probe", spec={}, attempt=1, tries=0, lost=0, fence=1,
    worker="w", rest=[], item=None, has_item=False, approval=None, started_at=0.0, sink=False,
)  # fmt: skip


def written(runtime: Runtime) -> list[tuple[int, str, str]]:
    with runtime.database.read() as tx:
        found = tx.execute(sa.select(logs.c.attempt, logs.c.stream, logs.c.text).order_by(logs.c.id)).all()
    return [(row.attempt, row.stream, row.text) for row in found]


def test_where_the_work_stands_is_told_once_until_it_changes(runtime: Runtime) -> None:
    sink = LogSink(runtime.database, 100)
    sink.add("progress", "of nobody")
    for number in (1, 2):
        sink.start(replace(CLAIM, attempt=number))
        for message in ("one of two", "one of two", "two of two", "one of two"):
            sink.add("progress", message)
            sink.add("stdout", "a line")
    assert sink.flush()
    assert not sink.flush()
    told = written(runtime)
    for number in (1, 2):
        mine = [(stream, text) for attempt, stream, text in told if attempt == number]
        assert [text for stream, text in mine if stream == "progress"] == ["one of two", "two of two", "one of two"]
        assert mine.count(("stdout", "a line")) == 4


def test_more_lines_than_are_kept(runtime: Runtime) -> None:
    sink = LogSink(runtime.database, 2)
    sink.start(CLAIM)
    for number in range(5):
        sink.add("stdout", f"{number}" * 5000)
    sink.flush()
    texts = [text for _, _, text in written(runtime)]
    assert [text[0] for text in texts] == ["0", "1", "."]
    assert texts[0].endswith("0 ...")
    assert "more than 2 lines" in texts[2]
