"""Pages for inspectors, supervisors and taxpayers over the case store.

Thin: who is there, what he asks for, a page. Every decision about who may see or do what is made in jobs.respond; nothing is decided here.
What may not enter: SQL, access rules, the lake.
"""
