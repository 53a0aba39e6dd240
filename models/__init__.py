"""Learning: arrays in; splits, leak checks, fitted candidates, calibrated probabilities, explanations and verified model files out.

May enter: NumPy, pandas, SciPy, scikit-learn and skops. May not enter: Spark, Arrow tables, the lake, configuration, a clock, and pickle
in any form. What both ranking and evaluation need (splits, metrics, leak checks) lives here, because rooms may not import each other.
"""

import os

# Threads of scikit-learn that wait for each other by spinning took 27 times as long on a busy machine (31.9 s against 1.2 s for 30 trees).
# Read by OpenMP when scikit-learn is first imported, hence here.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
