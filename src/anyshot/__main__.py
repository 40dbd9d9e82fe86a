"""python -m anyshot, and the command `anyshot`: the command line."""

import sys
from typing import NoReturn

INTERRUPTED = 130  # as shells report it: 128 + SIGINT


def main() -> NoReturn:
    """Run one command and leave with its exit code, also where the user stops it while its parts are being loaded."""
    try:
        from anyshot.app.cli import main as command  # what it imports takes long enough to be stopped meanwhile

        command()
    except KeyboardInterrupt:
        print("Interrupted.", file=sys.stderr)
        sys.exit(INTERRUPTED)


if __name__ == "__main__":
    main()
