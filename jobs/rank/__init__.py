"""The room 'rank'."""
