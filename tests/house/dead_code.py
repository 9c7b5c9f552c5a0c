"""`make lint`: functions, methods, classes and imports that nothing uses, found by vulture.

Variables and attributes are left out: fields of models and rows are read by name.
"""

import subprocess
import sys


def main() -> None:
    """Print what is unused, and exit with 1 if there is any."""
    found = subprocess.run(
        [sys.executable, "-m", "vulture"], check=False, capture_output=True, text=True
    )
    if found.returncode not in {0, 3}:
        sys.exit(found.stderr or found.stdout)
    lines = [
        line
        for line in found.stdout.splitlines()
        if "unused variable" not in line and "unused attribute" not in line
    ]
    print("\n".join(lines) or "no dead code")
    sys.exit(bool(lines))


if __name__ == "__main__":
    main()
