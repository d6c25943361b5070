"""Draw the parts that pages consist of. Components import text, never pages."""
