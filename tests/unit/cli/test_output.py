"""What came from outside is shown, and commands neither the markup nor the terminal."""

from __future__ import annotations

import pytest

from reign.cli.output import console, escape


@pytest.mark.parametrize(
    "text, shown",
    [
        ("[red]a[/red]", "[red]a[/red]"),
        ("\x1b[1;31mred\x1b[0m", "red"),
        ("a\x1b[2Jb\x1b]0;title\x07", "a\\x1b[2Jb\\x1b]0;title\\x07"),
        ("\x9b2J\x00", "\\x9b2J\\x00"),
        ("two\n\tlines ✓", "two\n\tlines ✓"),
    ],
)
def test_text_from_outside_commands_nothing(text: str, shown: str) -> None:
    assert console.render_str(escape(text)).plain == shown
