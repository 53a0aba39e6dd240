"""The room 'sources'."""
