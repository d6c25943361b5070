"""Run the Streamlit app. Pages are plain scripts; the modules here and in components/ hold what they share."""

import os

# Arrow, which stores the strings of pandas, keeps a heap of about 7 MB per thread, and every run of a page is a thread:
# 40 users at once took 300 MB. The system's heap is shared. This must be set before Arrow is imported.
os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")
