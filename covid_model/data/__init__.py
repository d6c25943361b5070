"""Load the data set and its splits, the films in the repository, and open-license films to download."""
