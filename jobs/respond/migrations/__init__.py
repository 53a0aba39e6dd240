"""Migrations of the case store, run when it is opened."""
