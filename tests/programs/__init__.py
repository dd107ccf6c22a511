"""What is run by hand and not only by pytest: benchmarks, mutants, what the project is supplied with."""
