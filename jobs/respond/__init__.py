"""The room 'respond'."""
