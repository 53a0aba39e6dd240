"""The few calls ingest and the runner's kernels make of Spark, run in this process: most tests need no session."""

from __future__ import annotations

import itertools
import pickle
from collections.abc import Callable, Iterable, Iterator
from typing import Any


class Rdd:
    """Partitions of values. Values cross a shuffle pickled, as they do in Spark."""

    def __init__(self, partitions: list[list[Any]]) -> None:
        self.partitions = partitions

    def flatMap(self, f: Callable[[Any], Iterable[Any]]) -> Rdd:
        return Rdd([list(itertools.chain.from_iterable(map(f, p))) for p in self.partitions])

    def map(self, f: Callable[[Any], Any]) -> Rdd:
        return Rdd([[f(v) for v in p] for p in self.partitions])

    def partitionBy(self, count: int, f: Callable[[Any], int]) -> Rdd:
        out: list[list[Any]] = [[] for _ in range(count)]
        for key, value in reversed([kv for p in self.partitions for kv in p]):  # Spark promises no order either
            out[f(key)].append(pickle.loads(pickle.dumps((key, value))))
        return Rdd(out)

    def mapPartitionsWithIndex(self, f: Callable[[int, Iterator[Any]], Iterable[Any]]) -> Rdd:
        return Rdd([list(f(n, iter(p))) for n, p in enumerate(self.partitions)])

    def collect(self) -> list[Any]:
        return [v for p in self.partitions for v in p]


class Shared:
    def __init__(self, value: Any) -> None:
        self.value = value

    def destroy(self) -> None:
        self.value = None


class Context:
    defaultParallelism = 1

    def parallelize(self, values: list[Any], count: int) -> Rdd:
        return Rdd([[v] for v in values])

    def broadcast(self, value: Any) -> Shared:
        return Shared(pickle.loads(pickle.dumps(value)))


class InProcess:
    """Stands for a SparkSession."""

    sparkContext = Context()
