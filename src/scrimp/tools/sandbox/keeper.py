"""The process that holds a program in sandlock's walls (Landlock and seccomp, without root).

It is a script of its own, started with a clean environment and three pipes, so that nothing of the process that runs
the agent is inherited, and what sandlock does on the program's behalf is done by somebody who knows no secret.

    python -I keeper.py '{"folder": ..., "readable": [...]}' COMMAND...
"""

import ctypes
import json
import signal
import sys


def main() -> int:
    """Run the command confined; its exit code. What it takes is limited by the guard, inside, and by the host."""
    import sandlock

    ctypes.CDLL(None).prctl(1, signal.SIGKILL, 0, 0, 0)  # PR_SET_PDEATHSIG: never outlives who started it
    asked = json.loads(sys.argv[1])
    box = sandlock.Sandbox(
        fs_readable=asked["readable"],
        fs_writable=[asked["folder"], "/dev/null"],
        cwd=asked["folder"],
        max_processes=1,
        clean_env=True,
        env={"LANG": "C.UTF-8"},
        no_coredump=True,
    )
    return int(box.popen(sys.argv[2:]).wait().exit_code)


if __name__ == "__main__":
    sys.exit(main())
