"""The rooms that import streamlit. Pages are plain scripts; what they share is in the modules beside them."""

import os

# Arrow, in which pandas keeps words, has a heap of its own for every thread, some 7 MB each, and every run of a page is
# a thread: 40 visitors at once took 300 MB. The system's heap is shared. To be said before Arrow is imported.
os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")
