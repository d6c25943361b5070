"""Draw "Can you trust it?": a story in five screens, one file each (`deck` has their order), and further checks."""
