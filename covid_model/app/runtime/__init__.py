"""What keeps one process fit for many sessions: render slots, memory, the log, sessions."""
