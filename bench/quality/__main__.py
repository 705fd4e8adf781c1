"""Environments, streams, runners, figures: ``python -m bench.quality [--quick] [--page] [--only NAME]``.

The figures go to .cache/quality; with ``--page`` also into docs/comparison.md and docs/images. Answers
are kept until streams, versions or programs change: a run that was stopped goes on where it was.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import tempfile
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path

from bench.quality import cases, streams
from bench.quality.cases import Case
from bench.quality.environments import PEERS
from bench.quality.figures import Figures, compute
from bench.quality.plots import all_plots
from bench.quality.results import Result
from bench.quality.running import ROOT, Runner, of_peer, ours
from bench.quality.tables import all_tables
from monitor.clock import SystemClock

CACHE = ROOT / ".cache" / "quality"
PAGE = ROOT / "docs" / "comparison.md"
IMAGES = ROOT / "docs" / "images"


def main() -> int:
    """Measure, print, and keep the figures."""
    asked = _arguments()
    CACHE.mkdir(parents=True, exist_ok=True)
    runners, missing = _runners(asked.only)
    kinds = [cases.COSTS, cases.NULLS, cases.SHIFTS, cases.LARGE]
    kinds = [cases.quick(each) if asked.quick else cases.part(each, asked.share) for each in kinds]
    cost_cases, nulls, shifts, large = kinds
    costs, _ = _answers(runners, cost_cases, 1)
    results, failed = _answers(runners, (*nulls, *shifts, *large), asked.workers)
    missing |= failed
    if asked.only:
        return 1 if failed else 0
    _keep(compute(results, costs, missing, nulls, shifts, large), is_page=asked.page)
    return 1 if any(name.startswith("driftd") for name in failed) else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.quality", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="few short streams: whether everything runs")
    parser.add_argument("--share", type=float, default=1.0, help="of the streams (1)")
    parser.add_argument("--page", action="store_true", help="write the figures into docs/comparison.md")
    parser.add_argument(
        "--only", nargs="+", metavar="NAME", help="get and keep the answers of these libraries"
    )
    parser.add_argument("--workers", type=int, default=2, help="runners at a time (2)")
    return parser.parse_args()


def _runners(only: Sequence[str] | None) -> tuple[list[Runner], dict[str, str]]:
    """Make all environments; give who is there, and why others are not."""
    found = [each for each in ours() if only is None or each.name in only]
    missing = {}
    for peer in PEERS:
        if only is not None and peer.name not in only:
            continue
        print(f"{peer.name}: {' '.join(peer.packages)}", flush=True)
        made = of_peer(peer, CACHE)
        if isinstance(made, Runner):
            found.append(made)
        else:
            missing[peer.name] = made
            print(f"{peer.name} is left out: {made}")
    return found, missing


def _answers(
    runners: Sequence[Runner], asked: Sequence[Case], workers: int
) -> tuple[dict[str, Result], dict[str, str]]:
    """Draw streams, and give what runners say of them, or why they say nothing."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        print(f"drawing {sum(case.streams for case in asked)} streams", flush=True)
        streams.write(asked, folder)

        def judged(runner: Runner) -> Result | str:
            said = runner.answers(folder, CACHE)
            told = said if isinstance(said, str) else f"{len(said.answered)} streams"
            print(f"{runner.name}: {told}", flush=True)
            return said

        with ThreadPoolExecutor(workers) as pool:
            every = dict(zip((each.name for each in runners), pool.map(judged, runners), strict=True))
    results = {name: said for name, said in every.items() if isinstance(said, Result)}
    return results, {name: said for name, said in every.items() if isinstance(said, str)}


def put_into(page: str, tables: Mapping[str, str]) -> str:
    """Replace what stands between the marks of each table."""
    for name, text in tables.items():
        mark = re.escape(name)
        pattern = rf"(?<=<!-- begin {mark} -->\n).*?(?=<!-- end {mark} -->)"
        page = re.sub(pattern, f"\n{text}\n\n".replace("\\", r"\\"), page, flags=re.DOTALL)
    return page


def _keep(figures: Figures, *, is_page: bool) -> None:
    tables, plots = all_tables(figures, SystemClock().now()), all_plots(figures)
    for name, text in tables.items():
        print(f"\n{name}\n\n{text}")
    (CACHE / "figures.json").write_text(json.dumps(asdict(figures), indent=1))
    folder = IMAGES if is_page else CACHE
    folder.mkdir(exist_ok=True)
    for name, text in plots.items():
        (folder / name).write_text(text)
    if is_page:
        PAGE.write_text(put_into(PAGE.read_text(), tables))


if __name__ == "__main__":
    sys.exit(main())
