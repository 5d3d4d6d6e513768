"""Reruns: a program executed without a person, and how it came out."""
