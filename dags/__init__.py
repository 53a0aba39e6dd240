"""Airflow's DAGs: landing each source, the night, its approval. They order commands of `assay` and know no more.

Airflow is imported here and nowhere else. No logic enters: what a task does stands under jobs/ and can be run without Airflow.
"""
