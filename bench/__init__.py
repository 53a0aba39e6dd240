"""Benchmarks: what it costs at which size, beside what a sceptic would compare it with. Run by `make bench`; results in bench/results."""
