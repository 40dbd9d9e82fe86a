"""python -m anyshot: the command line."""

from anyshot.cli import main

if __name__ == "__main__":
    main()
