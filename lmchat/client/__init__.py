"""Talking to servers: one async core, and a synchronous face that only waits."""
