"""Load the data set and its splits, the films in the repository, and open-licence films to download."""
