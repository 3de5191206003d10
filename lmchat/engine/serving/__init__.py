"""LM Studio's protocol over HTTP and websockets."""
