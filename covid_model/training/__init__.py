"""Recipes: how the networks came about. `paper` trains a head on frozen features, `fine_tuned` every layer."""
