# The two commands of the README are `make demo` and `make test`; both install what they need into .venv.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed

PYTEST := $(BIN)/python -m pytest --ignore=tests/system/docker/images # those are for `make images`
MANY   := -n 3 --dist loadscope --no-loadscope-reorder
PARTS  := test-most test-alone test-long-most test-long-examples test-long-alone

# Every process that a test starts would compile the whole program again.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: install demo test test-long $(PARTS) check faults mutants bench images lock schemas sbom licences clean

install: $(STAMP)

$(STAMP): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(v < (3, 11) and "Python 3.11 or newer is needed, this one is %d.%d: run make PYTHON=/path/to/python3.11" % v[:2])'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --only-binary=:all: -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

demo: $(STAMP)
	$(BIN)/meldingsvakt demo --exit

# Every part is made even if one before it failed; the last line tells what passed. Linters and types beside the tests.
test: $(STAMP)
	@MAKE="$(MAKE_COMMAND)" $(BIN)/python -m tests.parts --beside check test-most test-alone

# What needs Kafka mostly waits: more processes than cores, each with a broker of its own.
test-most: export TEST_FEW_EXAMPLES := 1
test-most: $(STAMP)
	$(PYTEST) -m "not long and not alone" $(MANY)

# What is marked `alone` says how soon something must be seen on a machine that does nothing else: the fault suite above all.
test-alone: $(STAMP)
	$(PYTEST) -m "alone and not long"

# Too long for every change: whatever is marked `long`. The faults of a million are for `make faults` alone.
test-long: $(STAMP)
	@MAKE="$(MAKE_COMMAND)" $(BIN)/python -m tests.parts test-long-most test-long-examples test-long-alone

test-long-most: $(STAMP)
	$(PYTEST) -m "long and not alone" $(MANY)

# What is written with @given once more, with as many examples as it says: `test-most` takes an eighth of them.
test-long-examples: $(STAMP)
	$(PYTEST) -m "hypothesis and not long" $(MANY)

test-long-alone: $(STAMP)
	$(PYTEST) -m "long and alone"

# Every fault with all its seeds: two to three hours. ARGS="--only killed --seeds 3", "--shard 1/4", "--list".
faults: $(STAMP)
	$(BIN)/python -m tests.system.faults $(ARGS)

check: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# In an environment of its own: mutmut wants a newer click than Faust allows. tests/programs/mutation/__init__.py tells the rest.
mutants: .mutation/venv/.installed
	.mutation/venv/bin/python -B -m tests.programs.mutation $(ONLY)

.mutation/venv/.installed: tests/programs/mutation/requirements.lock
	$(PYTHON) -m venv --clear .mutation/venv
	.mutation/venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes --only-binary=:all: -r $<
	@touch $@

# Against peers and limits on one real Kafka. ARGS="--events 1000000 --rounds 5", "--only checker kafka-streams-memory".
bench: $(STAMP) .bench/venv/.installed
	$(BIN)/python -m tests.programs.bench $(ARGS)

.bench/venv/.installed: tests/programs/bench/requirements.lock
	$(PYTHON) -m venv --clear .bench/venv
	.bench/venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes --only-binary=:all: -r $<
	@touch $@

# Needs a Docker engine, docker-compose (1.29 or newer) and kubectl: builds the image and runs both compose stacks.
# testcontainers' own caretaker is not needed: every test removes what it started.
images: $(STAMP)
	TESTCONTAINERS_RYUK_DISABLED=true $(BIN)/python -m pytest -p no:randomly --timeout 1200 tests/system/docker/images $(ARGS)

schemas: $(STAMP)
	$(BIN)/python -m schemas.generate

# The image takes only what runs, in the same versions.
LOCK_FOR_IMAGE = $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
    --no-annotate --no-header --no-strip-extras --constraint requirements.lock

lock: $(STAMP)
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	    --no-annotate --no-header --no-strip-extras --extra java --group dev pyproject.toml -o requirements.lock
	$(LOCK_FOR_IMAGE) pyproject.toml -o docker/requirements.lock
	$(LOCK_FOR_IMAGE) --group pyproject.toml:build -o docker/build.lock

# What runs, as CycloneDX, in dist/sbom.cdx.json. With SOURCE_DATE_EPOCH it has a time, else it is the same each time.
sbom: $(STAMP)
	$(BIN)/python -m tests.programs.supply sbom

# The licence of everything that runs; tests/programs/supply says which are allowed.
licences: $(STAMP)
	$(BIN)/python -m tests.programs.supply licences

clean:
	rm -rf $(VENV) .mutation .bench .pytest_cache .mypy_cache .ruff_cache .hypothesis
