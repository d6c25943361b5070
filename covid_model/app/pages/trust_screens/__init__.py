"""Draw "Can you trust it?": a story, one file a screen (`deck` has their order), and further checks."""
