"""Whole screens; workers live here and nowhere else."""
