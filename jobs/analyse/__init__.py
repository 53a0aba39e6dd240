"""The room 'analyse'."""
