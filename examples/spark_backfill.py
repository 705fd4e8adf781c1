"""Years of history through Spark: rows are counted on the cluster, windows are judged here.

    spark-submit examples/spark_backfill.py --config config.toml MODEL PARQUET...

driftd has to be installed on the driver and on the executors; pyspark is not one of its dependencies. Columns
have the names that files for `driftd replay` have. Run it before `driftd run` begins with the model. Called
again with the same arguments it goes on where it was interrupted.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from functools import reduce
from pathlib import Path

import pandas as pd
from pyspark.sql import DataFrame, SparkSession

from detectors.profile import decode, encode
from detectors.reference import Reference
from detectors.reference_wire import decode as decode_reference
from monitor.backfill import Counted, backfill, counted
from monitor.clock import SystemClock
from monitor.config import Config, ResolvedFields, load
from monitor.errors import ConfigError, DriftdError
from monitor.store.sql import open_store

COLUMNS = ["start_ms", "max_ms", "profile"]
SCHEMA = "start_ms long, max_ms long, profile binary"


def rows_of(parts: Iterable[Counted]) -> pd.DataFrame:
    """Counts in the form in which Spark moves them."""
    rows = [(part.start_ms, part.max_ms, encode(part.profile)) for part in parts]
    return pd.DataFrame(rows, columns=COLUMNS)


def counts_of(rows: Iterable[tuple[int, int, bytes]], reference: Reference) -> Iterator[Counted]:
    """Counts from that form."""
    return (Counted(start, latest, decode(bytes(profile), reference)) for start, latest, profile in rows)


def counting(
    payload: bytes, fields: ResolvedFields, window_ms: int
) -> Callable[[Iterator[pd.DataFrame]], Iterator[pd.DataFrame]]:
    """For mapInPandas: each partition's rows become one row a window."""

    def count(frames: Iterator[pd.DataFrame]) -> Iterator[pd.DataFrame]:
        reference = decode_reference(payload)
        sums: dict[int, Counted] = {}
        for frame in frames:
            for part in counted(frame, fields, reference, window_ms):
                known = sums.get(part.start_ms)
                sums[part.start_ms] = part if known is None else known.merge(part)
        yield rows_of(sums.values())

    return count


def merging(payload: bytes) -> Callable[[pd.DataFrame], pd.DataFrame]:
    """For applyInPandas: one window's rows become one."""

    def merge(rows: pd.DataFrame) -> pd.DataFrame:
        parts = counts_of(rows[COLUMNS].itertuples(index=False), decode_reference(payload))
        return rows_of([reduce(Counted.merge, parts)])

    return merge


def windows(rows: DataFrame, payload: bytes, fields: ResolvedFields, window_ms: int) -> Iterator[Counted]:
    """Count on the cluster, and bring the windows here one by one, in the order of their times."""
    parts = rows.mapInPandas(counting(payload, fields, window_ms), SCHEMA)
    whole = parts.groupBy("start_ms").applyInPandas(merging(payload), SCHEMA).orderBy("start_ms")
    return counts_of(whole.toLocalIterator(), decode_reference(payload))


def fill_in(config: Config, model: str, paths: list[str]) -> int:
    """Count and judge; gives the number of windows that were judged. Raises DriftdError."""
    store = open_store(config.database.url.reveal(), config.database.schema)
    store.check_schema()
    row = store.active_reference(config.reference_name(model))
    if row is None:
        raise ConfigError(f"model {model} has no reference: driftd reference build {model} FILE")
    spark = SparkSession.builder.appName(f"driftd backfill of {model}").getOrCreate()
    spark.conf.set("spark.sql.session.timeZone", "UTC")  # times reach Python in this zone
    settings = config.models[model]
    rows = spark.read.parquet(*paths)
    found = windows(rows, row.payload, settings.fields.resolved(model), settings.window.ms)
    reference = decode_reference(row.payload)
    return backfill(config, model, reference, found, store, SystemClock(), " ".join(paths))


def main(arguments: list[str]) -> int:
    """Fill in the history of one model."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--config", type=Path, default=Path("config.toml"))
    parser.add_argument("model")
    parser.add_argument("parquet", nargs="+")
    given = parser.parse_args(arguments)
    try:
        config = load(given.config, os.environ).config
        if given.model not in config.models:
            raise ConfigError(f'model "{given.model}" is not in {given.config}')
        judged = fill_in(config, given.model, given.parquet)
    except DriftdError as error:
        sys.exit(str(error))
    sys.stdout.write(f"{judged:,} windows judged\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
