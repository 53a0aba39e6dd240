"""Learning: arrays in, fitted and explained models out. Knows nothing of Spark or the lake."""
