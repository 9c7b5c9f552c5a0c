"""Runs benchmarks: `python -m bench` all of them, `python -m bench NAME...` some."""

import importlib
import pkgutil
import sys
import time

import bench


def names() -> list[str]:
    """Every benchmark: a module or package here with a `main()`."""
    return sorted(
        module.name for module in pkgutil.iter_modules(bench.__path__) if module.name[0] != "_"
    )


def run(name: str) -> None:
    print(f"== {name}", flush=True)
    started = time.monotonic()
    module = importlib.import_module(f"bench.{name}")
    if not hasattr(module, "main"):
        print("   helps others; nothing to run")
        return
    module.main()
    print(f"   {time.monotonic() - started:.1f} s", flush=True)


def main(wanted: list[str]) -> int:
    known = names()
    if unknown := [name for name in wanted if name not in known]:
        print(f"no benchmark {', '.join(unknown)}; there are: {', '.join(known)}", file=sys.stderr)
        return 2
    for name in wanted or known:
        run(name)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
