"""`make bench`: how fast the checker is, beside its peers and its limits, on one real Kafka in one run.

In each round a seeded log of reports (`mix`, `log`) is appended anew, and every contender (`contenders`, `apps`,
`kafka_streams`) goes over it from its beginning to its end, one after the other, on a core of its own (`running`,
`measure`). What each announced is held against the truth by the append times in the log (`truth`); medians, mistakes
and settings become a page and a plot in `results` (`report`).

    make bench                                                      everything, less than ten minutes
    make bench ARGS="--events 1000000 --rounds 5"                   larger
    make bench ARGS="--only checker read-aiokafka --out /tmp/bench" some of it, written elsewhere

Apart from it, each with a table of its own: `delay`, `restart`, `growth` and `idle`, by
`python -m tests.programs.bench.delay` and so on; `--help` tells their sizes.

The peers' environment is made from `requirements.lock`, which is made from `requirements.in`:

    cd tests/programs/bench && uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url \\
        --no-annotate --no-header --no-strip-extras requirements.in -o requirements.lock
"""
