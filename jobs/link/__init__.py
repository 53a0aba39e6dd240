"""The room 'link'."""
