"""Students that are retrained from scratch on what is kept."""
