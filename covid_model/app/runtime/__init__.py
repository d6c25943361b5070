"""Serve many sessions in one process: render slots, memory, the log, the end of sessions."""
