"""The networks: build and load them, predict, explain, and take turns."""
