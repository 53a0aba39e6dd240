"""Fetching what a contract says to fetch: from a folder or prefix, a PostgreSQL table or view, an HTTP interface, into the inbox.

What was pulled is known from the landing manifest alone: each entry says what the next pull must know, in the same line that makes the file a
delivery's. A pull killed anywhere and started again lands everything once. Nothing here reads what a record means.
"""
