"""Comparing Systems on benchmarks, under docs/evidence."""
