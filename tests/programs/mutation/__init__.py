"""Mutation testing of the core: would its tests notice if one thing in it were wrong?

`make mutants` builds an environment of its own in `.mutation/` (mutmut wants a newer click than Faust allows), copies
`streams/core` and `tests/core` there, changes one thing after the other in the copy and runs the tests against it. The
working tree is never changed. It prints a table by module and the mutants that survived, and fails under 95 %.

    make mutants                                     the whole core; goes on where it was stopped
    make mutants ONLY=streams/core/deadlines.py      one file, or as many as are named
    make mutants ONLY="--survivors"                  after a change of tests: try only those again that survived

What is changed:

- functions, by mutmut: in a forked process each, with the tests that call the function, fastest first. It leaves out
  properties, which the copy therefore turns into plain functions (`tree.py`).
- what stands outside of functions and mutmut leaves alone, by `declarations.py`: constants, enum values, defaults,
  tables. Each in a process of its own, with all tests.

Neither touches annotations, docstrings or imports, and mutmut does not remove whole statements.

Hypothesis draws as many examples as always, but the same ones each time, and does not shrink (`profile.py`), so that a
result can be repeated. A timeout counts as killed and has its own column.

`equivalent.toml` lists the mutants that no test can tell from the original, each with its reason. The score is given
with and without them, and it is the plain one, killed / all, that must reach the bar. An entry whose mutant is gone or
is killed is stale and fails the run too. `requirements.lock` is made from `requirements.in`:

    cd tests/programs/mutation && uv pip compile --universal --python-version 3.11 --generate-hashes \\
        --no-emit-index-url --no-annotate --no-header requirements.in -o requirements.lock
"""
