"""Memory that belongs to no process, found by who has it open or mapped."""

from __future__ import annotations

import mmap
import os

import pytest

from workers.bash.warden import shared

_SIZE = 8 << 20


def test_a_shared_mapping_counts_for_what_is_used_of_it() -> None:
    before = shared.held([os.getpid()])
    with mmap.mmap(-1, 2 * _SIZE) as memory:
        memory[:_SIZE] = bytes(_SIZE)
        assert _SIZE <= shared.held([os.getpid()]) - before < 2 * _SIZE


def test_an_anonymous_file_counts_once_however_often_it_is_open_and_mapped() -> None:
    before = shared.held([os.getpid()])
    with os.fdopen(os.memfd_create("probe"), "r+b") as file, os.fdopen(os.dup(file.fileno()), "rb"):
        file.write(bytes(_SIZE))
        file.flush()
        with mmap.mmap(file.fileno(), _SIZE) as memory:
            assert memory[0] == 0
            assert _SIZE <= shared.held([os.getpid(), os.getpid()]) - before < 2 * _SIZE


def test_who_is_gone_holds_nothing() -> None:
    assert shared.held([2**22 + 1]) == 0


def test_nobody_looks_closer_while_the_machine_has_not_more_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    with mmap.mmap(-1, _SIZE) as memory:
        memory[:] = bytes(_SIZE)
        monkeypatch.setattr(shared, "of_machine", lambda: 1000)
        watched = shared.Shared()
        assert watched.held([os.getpid()], 4000) == 0
        monkeypatch.setattr(shared, "of_machine", lambda: 2000)
        assert watched.held([os.getpid()], 4000) >= _SIZE


def test_the_machine_tells_how_much_it_has() -> None:
    before = shared.of_machine()
    with mmap.mmap(-1, 16 * _SIZE) as memory:
        memory[:] = bytes(16 * _SIZE)
        assert shared.of_machine() > before
