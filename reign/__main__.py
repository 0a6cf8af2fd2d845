"""``python -m reign``."""

import gc


def run() -> None:
    """Load and obey. Nothing that is loaded becomes garbage: it is collected once, when all of it is there."""
    gc.disable()
    from reign.cli.main import main

    gc.enable()
    main()


if __name__ == "__main__":
    run()
