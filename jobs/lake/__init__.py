"""The lake: table contracts, reading as of a date, the two idempotent writers, buckets, runs and publishing.

Nothing about taxes, risk or people may enter here: this room knows keys, clocks, versions, batches and commits.
"""
