"""Below a reading: the film changed and read again, how firm its score is, what the other network says of it."""
