"""What benchmarks/overhead.py is made of: environments, processes, figures; peers/ runs inside the environments."""
