"""The process that holds a program in sandlock's walls (Landlock and seccomp, without root).

It is a script of its own, started with a clean environment and three pipes, so that nothing of the process that runs
the agent is inherited, and what sandlock does on the program's behalf is done by somebody who knows no secret.

    python -I keeper.py '{"folder": ..., "readable": [...], "disk": BYTES}' COMMAND...
"""

import json
import os
import sys


def main() -> int:
    """Run the command confined; its exit code. Memory and time are limited by the guard, inside."""
    import sandlock

    asked = json.loads(sys.argv[1])
    work, layers = os.path.join(asked["folder"], "work"), os.path.join(asked["folder"], "layers")
    os.mkdir(work)
    os.mkdir(layers)
    box = sandlock.Sandbox(
        fs_readable=asked["readable"],
        fs_writable=[work, "/dev/null"],
        workdir=work,  # writes go to a layer above it, which is bounded and dropped
        fs_storage=layers,
        max_disk=asked["disk"],
        on_exit=sandlock.BranchAction.ABORT,
        cwd=work,
        max_processes=1,
        clean_env=True,
        env={"LANG": "C.UTF-8"},
        no_coredump=True,
    )
    return int(box.popen(sys.argv[2:]).wait().exit_code)


if __name__ == "__main__":
    sys.exit(main())
