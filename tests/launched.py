"""Run scripts in several processes with `accelerate launch`."""

import socket
import subprocess
import sys
from pathlib import Path


def launched(script: Path, *, processes: int = 2) -> str:
    """Run a script without arguments, and return what its processes print; raise if one of them fails."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    # --multi_gpu is how the launcher starts several processes on one machine, also on CPUs.
    settings = {"--num_processes": processes, "--num_machines": 1, "--mixed_precision": "no", "--dynamo_backend": "no"}
    listed = [str(part) for pair in {**settings, "--main_process_port": port}.items() for part in pair]
    launch = [sys.executable, "-m", "accelerate.commands.launch", "--multi_gpu", *listed]
    done = subprocess.run([*launch, str(script)], stdout=subprocess.PIPE, text=True, check=True, timeout=300)
    return done.stdout
