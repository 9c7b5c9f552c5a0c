"""`make faults`: let every fault happen to a hub under load, and print the table.

`make faults CASE=kill-feedback RUNS=3` chooses.
"""

import argparse
import asyncio
import signal
import sys
from collections.abc import Sequence

from tests.faults.cases import CASES, Case
from tests.faults.report import HEAD, details, row
from tests.faults.run import Result, new_run


def main() -> None:
    """Run the cases that are named, by default all."""
    names = [case.name for case in CASES]
    parser = argparse.ArgumentParser(prog="make faults", description=__doc__)
    parser.add_argument("--case", action="append", choices=names, help="default: all")
    parser.add_argument("--runs", type=int, default=1, help="times that each case is run")
    parser.add_argument("--rate", type=float, default=20.0, help="requests per second")
    options = parser.parse_args()
    chosen = [case for case in CASES if not options.case or case.name in options.case]
    sys.exit(asyncio.run(run_cases(chosen, options.runs, rate=options.rate)))


async def run_cases(cases: Sequence[Case], runs: int, *, rate: float) -> int:
    """Run cases, each so many times in a row; return 1 if something was lost or doubled."""
    this = asyncio.current_task()
    assert this is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, this.cancel)
    rows: list[str] = []
    failed = False
    try:
        async with new_run(rate) as run:
            for case in cases:
                missing = case.missing(run)
                if missing is not None:
                    print(f"{case.name} is left out, which needs {missing}", flush=True)
                    continue
                results: list[Result] = []
                for _ in range(runs):
                    await run.use(case.stage)
                    result = await run.try_case(case.happen)
                    results.append(result)
                    failed = failed or not result.is_good
                    print(*details(result), row(case.title, [result]), sep="\n", flush=True)
                rows.append(row(case.title, results))
    finally:
        print(HEAD, *rows, sep="\n", flush=True)
    return int(failed)


if __name__ == "__main__":
    main()
