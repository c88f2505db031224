"""The schema of the embedding cache, as numbered SQL files."""
