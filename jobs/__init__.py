"""Assay's Spark jobs: one room per stage of the loop, joined by tables and by nothing else."""
