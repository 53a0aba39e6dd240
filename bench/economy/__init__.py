"""What a synthetic country costs, at which size, and how its realism varies with seed and parameters."""
