"""The vocabulary: what a conversation, a model, a prediction and an error are. No I/O, no screen, no wire."""
