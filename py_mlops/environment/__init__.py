"""Environments: what is installed, locked by digest, built again elsewhere, and compared."""
