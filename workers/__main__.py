"""``python -m workers``."""

import gc


def run() -> int:
    """Load and serve. Nothing that is loaded becomes garbage: it is collected once, when all of it is there."""
    gc.disable()
    from workers.main import main

    return main()


if __name__ == "__main__":
    raise SystemExit(run())
