"""The page "Can you trust it?": a story in five screens, a file each, and the further checks below it.

Files with `_screen` in their names draw and know streamlit; the others turn figures into figures and sentences.
"""
