"""The parts of the Test set page below its first screen, one a file; `findings` has no streamlit."""
