"""Respond: what is done about a risk, by whom, and what the taxpayer says to it.

Treatments, the case store with its workflow, posts and audit trail, statements, reminders and letters, the inspectors' lists, monitoring
and the profile of one taxpayer. What may not enter: scoring, choosing whom to treat, reading the lake (tables are handed in), a model.
"""
