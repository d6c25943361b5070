"""Programs for developers and operators. Nothing else in the package imports them."""
