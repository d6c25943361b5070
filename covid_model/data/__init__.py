"""The data set: its films and splits, the films the project brings along, open-licence films to download."""
