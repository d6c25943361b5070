"""The parts of the page that explains a network. The page itself puts them in order."""
