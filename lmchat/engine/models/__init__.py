"""The models an engine has: on disk, fetched, and loaded."""
