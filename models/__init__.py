"""Learning: arrays in; splits, leak checks, fitted candidates, calibrated probabilities, explanations and verified model files out.

May enter: NumPy, pandas, SciPy, scikit-learn and skops. May not enter: Spark, Arrow tables, the lake, configuration, a clock, and pickle
in any form. What both ranking and evaluation need (splits, metrics, leak checks) lives here, because rooms may not import each other.
"""
