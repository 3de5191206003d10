"""`lmchat chats`: the conversations as data, from listing them to taking them elsewhere and back."""
