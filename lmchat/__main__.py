"""`python -m lmchat` is `lmchat`."""

from lmchat.cli import main

main()
