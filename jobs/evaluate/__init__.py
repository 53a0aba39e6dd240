"""Evaluate: what came of it.

Outcomes of cases, points and reminders brought back to the nights that proposed them; hit rates, value per inspector-day, execution, burden
and estimates, each with n, interval and the number a sceptic would hold against it; the report for the head of the bureau; and backtests of
any table. What may not enter: a decision about a taxpayer, a ranking of persons, a revenue target, and, but for `oracle` which the demo
alone calls, the sealed truth of the synthetic country.
"""
