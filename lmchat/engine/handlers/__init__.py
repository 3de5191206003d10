"""What each endpoint of the protocol does here."""
