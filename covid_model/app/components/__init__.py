"""What pages are put together from. Components import text, never pages."""
