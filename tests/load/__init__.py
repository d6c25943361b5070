"""Many visitors at once, by Streamlit's own protocol, against a server on this machine: `python -m tests.load`."""
