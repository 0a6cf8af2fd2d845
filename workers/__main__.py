"""``python -m workers``."""

import atexit
import gc


def run() -> int:
    """Load and serve. Nothing that is loaded becomes garbage: it is collected once, when all of it is there."""
    gc.disable()
    atexit.register(gc.freeze)  # nor is garbage looked for in what ends with the process
    from workers.main import main

    return main()


if __name__ == "__main__":
    raise SystemExit(run())
