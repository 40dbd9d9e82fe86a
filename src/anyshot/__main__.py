"""python -m anyshot, and the command `anyshot`: the command line."""

import gc
import sys
from typing import Final, NoReturn

INTERRUPTED: Final = 130  # as shells report it: 128 + SIGINT
GARBAGE: Final = 200_000
"""New objects after which Python looks for garbage. At its own 700 that is a seventh of the time of a short command.

No command, and no service until its first answer, makes as many.
"""


def main() -> NoReturn:
    """Run one command and leave with its exit code, also where the user stops it while its parts are being loaded."""
    gc.set_threshold(GARBAGE)
    try:
        from anyshot.app.cli import main as command  # what it imports takes long enough to be stopped meanwhile

        command()
    except KeyboardInterrupt:
        print("Interrupted.", file=sys.stderr)
        sys.exit(INTERRUPTED)


if __name__ == "__main__":
    main()
