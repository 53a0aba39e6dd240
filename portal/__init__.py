"""Pages for inspectors, supervisors and taxpayers over the case store."""
