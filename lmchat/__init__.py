"""lmchat: a terminal chat for local language models, and a client library for LM Studio's protocol."""
