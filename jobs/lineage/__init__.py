"""Where a number comes from: OpenLineage events of every run, and the way back from a cell of a list to lines of files.

It reads what the rooms wrote and asks their own rules again; it writes nothing into the lake's tables, decides nothing, and no step of the
night may need it. Events name tables, versions, columns and counts, never a taxpayer.
"""
