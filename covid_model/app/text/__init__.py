"""Every sentence that a page shows. No streamlit in here."""
