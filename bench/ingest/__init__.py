"""Files into silver: rows per second beside DuckDB that reads the same files, checks the same and writes the same buckets."""
