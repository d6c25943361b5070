"""Every sentence of the pages, as pure functions of figures. No module of this package imports streamlit."""
