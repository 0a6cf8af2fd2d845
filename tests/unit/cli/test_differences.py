"""How differences of configurations are shown."""

from __future__ import annotations

from rich.text import Text

from reign.cli.differences import diff_lines


def lines(before: object, after: object) -> list[str]:
    found = diff_lines([{"path": "content", "was": before, "now": after}], "was", "now")
    return [Text.from_markup(line).plain for line in found]


def test_what_is_on_one_side_only_and_what_is_short() -> None:
    assert lines(None, 1) == ["+ content: 1"]
    assert lines([1], None) == ["- content: [1]"]
    assert lines("a\n", "b\n") == ["~ content: a → b"]
    assert lines("blob:0123456789abcdef", None) == ["- content: kept content 0123456789ab"]


def test_of_a_text_the_lines_that_changed() -> None:
    before = "\n".join(f"line {number}" for number in range(20))
    after = before.replace("line 7\n", "  [line] seven\n")
    assert lines(before, after) == [
        "~ content:",
        "    @@ -7,3 +7,3 @@",
        "     line 6",
        "    -line 7",
        "    +  [line] seven",
        "     line 8",
    ]


def test_there_is_an_end() -> None:
    told = lines("a\n" * 50, "b\n" * 50)
    assert told[-1] == "    ... and 71 more lines"
    many = [{"path": str(number), "was": None, "now": 1} for number in range(50)]
    assert "and 10 more" in diff_lines(many, "was", "now")[-1]
