"""Bytes by their digest: in a folder or in a bucket, taken in, checked, claimed and remembered."""
