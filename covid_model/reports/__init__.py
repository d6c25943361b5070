"""What leaves the app as a document: the PDF report and the model card."""
