"""What a task printed and goes into a command line as it is."""

from __future__ import annotations

import pytest

from workers.bash import printed


@pytest.mark.parametrize(
    ("command", "told"),
    [
        ("echo ${{ tasks.list.result.stdout }}", ["tasks.list.result.stdout"]),
        ('echo "${{ trim(tasks.list.result.stdout) }}"', ["tasks.list.result.stdout"]),
        ("echo it's ${{ 1 }}' ${{ tasks.a.result.stderr ?? 'none' }}", ["tasks.a.result.stderr"]),
        (
            "rm ${{ tasks.a.result.lines[0] }} ${{ tasks.b.result.output }}",
            ["tasks.a.result.lines", "tasks.b.result.output"],
        ),
        ("${{ tasks.a.result.ok && tasks.a.result.stdout }}", ["tasks.a.result.stdout"]),
    ],
)
def test_output_that_a_shell_would_read_is_told(command: str, told: list[str]) -> None:
    found = printed.findings(command)
    assert [finding.message.partition(" ")[0] for finding in found] == told
    assert all(f"quote({of})" in (finding.remedy or "") for of, finding in zip(told, found, strict=True))


@pytest.mark.parametrize(
    "command",
    [
        "echo ${{ quote(tasks.list.result.stdout) }}",
        "echo ${{ length(tasks.list.result.stdout) }} ${{ tasks.list.result.stdout == 'yes' }}",
        "echo ${{ !tasks.list.result.stdout }} ${{ contains(tasks.list.result.stdout, 'x') }}",
        "echo ${{ tasks.build.result.image }} ${{ params.who }}",
        "echo '${{ tasks.list.result.stdout }}'",  # as a list of words makes it
        "echo $${{ tasks.list.result.stdout }}",
    ],
)
def test_other_values_are_not(command: str) -> None:
    assert printed.findings(command) == ()
