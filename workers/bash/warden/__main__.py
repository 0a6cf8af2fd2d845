"""``python -I -S .../warden/__main__.py ORDER``: carry out one order."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[3]))

from workers.bash.warden.watch import main

if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
