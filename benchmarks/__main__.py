"""Benchmarks: pyroi against its peers. See README.md in this folder."""

from __future__ import annotations

import argparse
import os
import pathlib
import sys

import chart
import detectors
import growth
import joins
import many_inputs
import measure
import overhead
import report
from engines import ENGINES, Engine, others
from worker import Worker
from workloads import WORKLOADS


def parse() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="benchmarks", description=__doc__)
    names = ", ".join(workload.name for workload in WORKLOADS)
    path = {"type": pathlib.Path, "metavar": "FILE"}
    parser.add_argument("--only", action="append", metavar="WORKLOAD", help=f"may be repeated: {names}")
    parser.add_argument("--engine", action="append", metavar="NAME", help="beginning of a name; may be repeated")
    parser.add_argument(
        "--other",
        type=pathlib.Path,
        metavar="FOLDER",
        help="a folder with another version of pyroi, which gets the engines other avx512, ...",
    )
    parser.add_argument("--threads", type=int, nargs="+", help="numbers of threads (default: 1 2)")
    parser.add_argument("--rounds", type=int, default=9, help="how often each is timed, in all (default: 9)")
    parser.add_argument("--starts", type=int, default=3, help="how often each is started (default: 3)")
    parser.add_argument(
        "--cpu-time", action="store_true", help="processor time, which other processes disturb less: 1 thread only"
    )
    parser.add_argument("--quick", action="store_true", help="1 start, 3 rounds, 1 thread, the best of our tiers")
    parser.add_argument("--growth", action="store_true", help="time against size, with exponents, instead of the table")
    parser.add_argument(
        "--overhead", action="store_true", help="what starting up and the shell cost, instead of the table"
    )
    parser.add_argument(
        "--joins", nargs="*", metavar="PACKAGE", help="functions of packages, with pyroi under them and without"
    )
    parser.add_argument(
        "--detectors", action="store_true", help="whole detectors in ONNX Runtime, with pyroi and without"
    )
    parser.add_argument(
        "--map", action="store_true", help="roish map against the same calls in a Python loop, instead of the table"
    )
    parser.add_argument("--inputs", type=int, default=many_inputs.COUNT, help="how many, for --map (default: 10000)")
    parser.add_argument("--load", help="show an earlier result instead of measuring", **path)
    parser.add_argument("--json", help="where to write the result", **path)
    parser.add_argument("--compare", help="a result written earlier", **path)
    parser.add_argument("--chart", help="PNG to draw (needs matplotlib)", **path)
    options = parser.parse_args()
    unknown = set(options.only or []) - {workload.name for workload in WORKLOADS}
    if unknown:
        parser.error(f"no such workload: {', '.join(sorted(unknown))}; there are {names}")
    engines = engines_of(options)
    for name in options.engine or []:
        if not any(engine.name.startswith(name) for engine in engines):
            parser.error(f"no such engine: {name}; there are {', '.join(engine.name for engine in engines)}")
    for name in options.joins or []:
        if name not in joins.JOINS:
            parser.error(f"no such join: {name}; there are {', '.join(joins.JOINS)}")
    if min(options.rounds, options.starts, options.inputs, *(options.threads or [1])) < 1:
        parser.error("--rounds, --starts, --inputs and --threads are 1 or more")
    if options.quick:
        options.starts, options.rounds, options.threads = 1, 3, options.threads or [1]
    if options.cpu_time and options.threads not in (None, [1]):
        parser.error("--cpu-time adds up what all threads take, so it is for --threads 1 alone")
    if options.cpu_time:
        options.threads = [1]
    options.threads = options.threads or [count for count in (1, 2) if count <= (os.cpu_count() or 1)]
    return options


def engines_of(options: argparse.Namespace) -> list[Engine]:
    """All engines that there are."""
    return [*ENGINES, *(others(options.other) if options.other else [])]


def start(options: argparse.Namespace, engines: list[Engine]) -> list[Worker]:
    """The processes of one start."""
    workers = measure.start_workers(engines, options.threads, options.cpu_time)
    if options.quick:
        ours = [worker.engine.name for worker in workers if worker.engine.ours]
        workers = [worker for worker in workers if not worker.engine.ours or worker.engine.name == ours[0]]
    return workers


def run(options: argparse.Namespace) -> report.Report:
    """Measures what was asked for."""
    wanted = options.engine or [""]
    engines = [engine for engine in engines_of(options) if any(engine.name.startswith(name) for name in wanted)]
    workloads = [workload for workload in WORKLOADS if not options.only or workload.name in options.only]
    versions: dict[str, None] = {}

    def start_in_turn(number: int) -> list[Worker]:
        first = number % len(engines)
        workers = start(options, engines[first:] + engines[:first])
        versions.update(dict.fromkeys(worker.version for worker in workers))
        return workers

    measured = measure.measure_anew(
        start_in_turn, options.starts, options.rounds, workloads, options.threads, options.cpu_time
    )
    return report.Report(
        report.machine(),
        list(versions),
        options.threads,
        {name: each.copy_speed for name, each in measured.items()},
        {workload.name: workload.floor_bytes() for workload in workloads},
        [row for each in measured.values() for row in each.rows],
    )


def main() -> None:
    """Measures or loads, then prints, writes, compares and draws."""
    options = parse()
    load = os.getloadavg()[0]
    if load > 0.5 and not options.load:
        measure.say(f"Something else is at work here (load {load:.1f}): times will wander, with 2 threads above all.")
    if options.growth:
        print(growth.markdown(options.engine or ["pyroi"], options.threads[0], options.starts, options.rounds))
        return
    if options.map:
        print(many_inputs.markdown(options.inputs, max(options.threads)))
        return
    if options.overhead:
        print(overhead.markdown(options.rounds))
        return
    if options.detectors:
        print(detectors.markdown(options.rounds))
        return
    if options.joins is not None:
        print(joins.markdown(options.joins, options.rounds))
        return
    try:
        old = report.load_rows(options.compare) if options.compare else None  # read first: measuring takes its time
        result = report.load(options.load) if options.load else run(options)
    except report.Unreadable as error:
        sys.exit(f"benchmarks: {error}")
    print(report.markdown(result))
    if old is not None:
        print("\n" + report.comparison(old, result))
    if options.json and not options.load:
        report.save(result, options.json)
    if options.chart:
        chart.draw(result, options.chart)


if __name__ == "__main__":
    main()
