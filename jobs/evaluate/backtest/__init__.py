"""Backtest: rank and evaluate on anybody's table (`assay backtest STUDY.yaml --out DIR`).

A study names a table, its label and its splits; the answer is whether learning beats a sort that a sceptic would choose, with every number
over ties and with leaks refused. Enters: the study file and the table it names. May not enter: Spark, the lake's tables, configuration.
"""

from jobs.evaluate.backtest.run import backtest

__all__ = ["backtest"]
