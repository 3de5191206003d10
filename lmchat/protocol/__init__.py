"""LM Studio's wire as pure functions and state machines: bytes to values and back, no socket."""
