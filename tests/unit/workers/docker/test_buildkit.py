from __future__ import annotations

import pytest

from workers.docker.buildkit import is_needed


@pytest.mark.parametrize(
    "line",
    [
        "RUN --mount=type=cache,target=/root/.cache pip install x",
        "RUN --network=none make",
        "run --mount=type=secret,id=x cat /run/secrets/x",
        "COPY --link . /app",
        "COPY --chown=1:1 --chmod=755 x /x",
        "ADD --checksum=sha256:00 http://x/y /y",
        "RUN <<EOF\necho hi\nEOF",
        "COPY <<-'END' /etc/x\nhi\nEND",
        "RUN \\\n    --mount=type=cache,target=/x true",
    ],
)
def test_newer_words(line: str) -> None:
    assert is_needed(f"FROM x\n{line}\n")


@pytest.mark.parametrize(
    "line",
    [
        "RUN make --mount=x",
        "COPY --chown=1:1 --from=base /a /b",
        "RUN cat < /etc/x",
        "# RUN --mount=type=cache true",
        "RUN test $((1 << 3)) = 8",
        "HEALTHCHECK --interval=1s CMD true",
    ],
)
def test_words_that_every_builder_knows(line: str) -> None:
    assert not is_needed(f"FROM x\n{line}\n")
