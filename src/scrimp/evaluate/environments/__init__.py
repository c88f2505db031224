"""Worlds that agents act in, one per run (core's Environment); their tasks and their gold stay with the benchmarks."""
