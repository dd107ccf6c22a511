"""Traffic whose truth is known by construction: for the demo, the fault suite and the benches."""
