"""The room 'evaluate'."""
