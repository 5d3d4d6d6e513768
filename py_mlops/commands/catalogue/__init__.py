"""Catalogue: what faces list and show, answered without reading the store each time."""
