"""``python -m reign``."""

from reign.cli.main import main

if __name__ == "__main__":
    main()
