"""The room 'economy'."""
