"""Makes .venv with the locked packages. Standard library only; run by the commands beside it, once at a time."""

import fcntl
import pathlib
import subprocess
import sys
import venv

ROOT = pathlib.Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
MARK = VENV / ".installed"


def main() -> int:
    with open(ROOT / ".set-up.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        wanted = (ROOT / "requirements.txt").read_bytes()
        if MARK.exists() and MARK.read_bytes() == wanted:
            return 0
        print("Setting up (about a minute, once): Python packages into .venv …", flush=True)
        if not (VENV / "bin" / "python").exists():
            venv.EnvBuilder(with_pip=True, clear=VENV.exists()).create(VENV)
        done = subprocess.run(
            [
                VENV / "bin" / "python",
                "-m",
                "pip",
                "install",
                "--quiet",
                "--disable-pip-version-check",
                "--require-hashes",
                "-r",
                ROOT / "requirements.txt",
            ],
            check=False,
        )
        if done.returncode:
            print("The packages could not be installed: see pip's message above, mend it and run the command again.")
            return 3
        MARK.write_bytes(wanted)
    return 0


sys.exit(main())
