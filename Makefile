# `make run` and `make test` need nothing but Python 3.11 or newer.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-input

# Four files side by side, since tests mostly wait; what a busy machine was too slow for is
# tried again, and said.
TESTS ?= -n 4 --dist loadfile --reruns 2 --reruns-delay 2

.PHONY: run deploy test test-versions check bench processes store-size soak hostile pictures coverage-demos lock help clean

run: $(VENV)/run.stamp
	@exec $(BIN)/python app.py

# make deploy SPACE=owner/name OPTIONS="--private --storage"
deploy: $(VENV)/run.stamp
	@$(BIN)/python -m spacebot.deploy $(SPACE) $(OPTIONS)

test: $(VENV)/dev.stamp
	@sh tests/support/install_chromium.sh
	@sh tests/support/install_postgres.sh
	$(BIN)/python -m pytest $(TESTS)

# Real servers of every version of Gradio that is promised, each in an environment of its own, and
# the program on the lower bounds of its requirements.
test-versions: $(VENV)/dev.stamp
	$(BIN)/python -m pytest --reruns 1 tests/versions/real.py tests/versions/lowest.py

check: $(VENV)/dev.stamp
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright

bench: $(VENV)/dev.stamp
	$(BIN)/python -m bench

# One of three processes killed, all updated, the database away: make processes OPTIONS="--jobs 300"
processes: $(VENV)/dev.stamp
	@sh tests/support/install_postgres.sh
	$(BIN)/python -W ignore -m bench.processes $(OPTIONS)

# make crowd JOBS=5000
crowd: $(VENV)/dev.stamp
	$(BIN)/python -m bench.crowd $(or $(JOBS),5000)

# A million ended jobs in each database, and what every call of the store costs then.
store-size: $(VENV)/dev.stamp
	$(BIN)/python -m bench.store_size

# make soak MINUTES=10
soak: $(VENV)/dev.stamp
	$(BIN)/python -m bench.soak --minutes $(or $(MINUTES),10)

# How long a hostile Space holds the event loop, and the memory it takes.
hostile: $(VENV)/dev.stamp
	$(BIN)/python -W ignore -m bench.hostile

pictures: $(VENV)/dev.stamp
	@sh tests/support/install_chromium.sh
	$(BIN)/python -m tests.support.pictures

# make coverage-demos DIR=…/gradio/demo      what of Gradio's own demos reaches Discord
coverage-demos: $(VENV)/dev.stamp $(VENV)-demos/run.stamp
	@test -d "$(DIR)" || { echo "Name a folder of demos: make coverage-demos DIR=…/gradio/demo" >&2; exit 1; }
	$(BIN)/python -W ignore -m tests.coverage "$(DIR)" --python $(VENV)-demos/bin/python

# The exact packages of the Docker image, with hashes, from requirements.txt.
lock: | $(BIN)/python
	@$(PIP) 'uv>=0.9,<1'
	$(BIN)/uv pip compile --quiet --universal --python-version 3.12 --generate-hashes \
		--no-emit-index-url --no-annotate --custom-compile-command 'make lock' \
		--upgrade requirements-postgres.txt --output-file requirements.lock

help:
	@echo "make run                     the program, on http://127.0.0.1:7860"
	@echo "make deploy SPACE=owner/name create or update a Space on Hugging Face"
	@echo "make check                   ruff and pyright"
	@echo "make test                    every test"
	@echo "make test-versions           real servers of every version of Gradio, and lower bounds"
	@echo "make lock                    requirements.lock, from requirements-postgres.txt"
	@echo "make bench                   compare the bot's speed with others"
	@echo "make processes               several processes: killed, updated, without database"
	@echo "make crowd JOBS=5000         so many jobs of 10 s at once, in one process"
	@echo "make store-size              the store with a million jobs: plans and times"
	@echo "make soak MINUTES=10         mixed use with faults: memory, threads, tasks"
	@echo "make hostile                 what a hostile Space costs: blocked event loop, memory"
	@echo "make pictures                record the README's animation again"
	@echo "make coverage-demos DIR=…    how much of Gradio's demos reaches Discord"
	@echo "make clean                   remove what was installed and cached"

clean:
	rm -rf $(VENV) $(VENV)-demos $(VENV)-versions .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit("Spacebot needs Python 3.11 or newer; this is %s. Name a newer one: make PYTHON=python3.12 …" % sys.version.split()[0] if sys.version_info < (3, 11) else 0)'
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo "This Python cannot make virtual environments. On Debian or Ubuntu: sudo apt install python3-venv" >&2; exit 1; }
	@echo "Setting up $(VENV); this takes a minute or two, once …"
	@$(PYTHON) -m venv --clear $(VENV)

$(VENV)/run.stamp: requirements.txt | $(BIN)/python
	@$(PIP) -r requirements.txt
	@touch $@

$(VENV)/dev.stamp: requirements.txt requirements-postgres.txt requirements-dev.txt | $(BIN)/python
	@$(PIP) -r requirements-dev.txt
	@touch $@ $(VENV)/run.stamp

$(VENV)-demos/run.stamp: tests/coverage/requirements.txt
	@$(PYTHON) -m venv $(VENV)-demos
	@$(VENV)-demos/bin/python -m pip install --quiet --disable-pip-version-check --no-input -r $<
	@touch $@
