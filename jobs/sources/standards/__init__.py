"""Readers of published standards: each turns one document into canonical columns. No contract, lake or Spark may enter."""
