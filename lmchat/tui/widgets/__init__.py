"""The parts of the screens. They are given values and post messages; none of them knows a conversation or a store."""
