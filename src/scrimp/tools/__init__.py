"""Tools: where they come from (`sources/`), which are offered (`select/`, `gate/`), what is shared (`parts/`)."""
