"""The one shape models learn from: a dense array [row, feature] with names, NaN for missing, and which features are categories."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Matrix:
    """Features of rows.

    `values` is float64 [row, feature]; a category is an integer code from 0; missing is NaN. `levels` holds, for each category, the texts
    its codes stand for, so that a saved model can be explained.
    """

    names: tuple[str, ...]
    values: FloatArray
    categorical: tuple[bool, ...] = ()
    levels: tuple[tuple[str, ...], ...] = ()

    def __post_init__(self) -> None:
        if self.values.ndim != 2 or self.values.shape[1] != len(self.names):
            raise ValueError(f"values of shape {self.values.shape} do not fit {len(self.names)} names")
        if len(set(self.names)) != len(self.names):
            raise ValueError("two features have the same name")
        if not self.categorical:
            object.__setattr__(self, "categorical", (False,) * len(self.names))
        if not self.levels:
            object.__setattr__(self, "levels", ((),) * len(self.names))

    def __len__(self) -> int:
        return len(self.values)

    def take(self, rows: IntArray) -> Matrix:
        """The same features of some rows."""
        return Matrix(self.names, self.values[rows], self.categorical, self.levels)

    def column(self, name: str) -> FloatArray:
        """One feature's values. KeyError naming it when absent."""
        if name not in self.names:
            raise KeyError(f"no feature '{name}'")
        return self.values[:, self.names.index(name)]

    def select(self, names: Sequence[str]) -> Matrix:
        """Some features, in the given order; a feature that is absent becomes a column of missing values."""
        values = np.full((len(self), len(names)), np.nan)
        categorical, levels = [False] * len(names), [()] * len(names)  # type: list[bool], list[tuple[str, ...]]
        place = {name: n for n, name in enumerate(self.names)}
        for to, name in enumerate(names):
            if name in place:
                values[:, to] = self.values[:, place[name]]
                categorical[to], levels[to] = self.categorical[place[name]], self.levels[place[name]]
        return Matrix(tuple(names), values, tuple(categorical), tuple(levels))
