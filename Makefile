# Every command of the project. `make help` lists them.
# Nothing has to be set up first: the rules below make .venv and install what is missing.

PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
PYTEST_ARGS ?=

# A stamp is remade when what it installs from has changed, so that a second run is instant.
INPUTS := pyproject.toml constraints.txt
VENV_STAMP := $(VENV)/.made
RUNTIME_STAMP := $(VENV)/.installed-runtime
DEV_STAMP := $(VENV)/.installed-dev

.DEFAULT_GOAL := help
.PHONY: help demo test check format bench soak clean system-demo system-test live-servers

help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: system-demo $(RUNTIME_STAMP) ## listen to a kitchen, show each decision, write out/demo.wav and out/demo.png
	@mkdir -p out
	$(BIN)/interject listen examples/kitchen.wav --out out/demo.wav --plot out/demo.png
	@echo "To talk to it and watch it decide: $(BIN)/pip install -e '.[runtime,webrtc]' && $(BIN)/interject serve, then open http://127.0.0.1:8080/console"

test: system-test live-servers check ## check, then every test, the numerical ones with other instructions too
	$(BIN)/python -m pytest -m "not rare and not live" -n logical --maxprocesses 4 --dist loadfile $(PYTEST_ARGS)
	$(BIN)/python -m pytest -m "live and not rare" $(PYTEST_ARGS)
	scripts/numerics.sh $(BIN)/python

check: $(DEV_STAMP) ## formatting, lint and types
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

format: $(DEV_STAMP) ## rewrite the code in the project's format
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: system-test $(DEV_STAMP) ## measure on this machine's CPU and rewrite docs/benchmarks.md
	$(BIN)/python -m benchmarks.report --run

soak: system-test live-servers $(DEV_STAMP) ## the tests that `make test` leaves out; kill and cut off everything for two hours, an hour in a LiveKit room, half an hour in a call by WebRTC, 30 telephone calls; keep the outcome for docs/benchmarks.md
	$(BIN)/python -m pytest -m rare
	$(BIN)/python -m tests.live.soak --seeds 10 --minutes 5
	$(BIN)/python -m tests.live.soak --name soak_hour --seeds 1 --first-seed 100 --minutes 60
	$(BIN)/python -m tests.live.livekit_soak --minutes 60
	$(BIN)/python -m tests.live.webrtc_soak --minutes 30
	$(BIN)/python -m tests.live.twilio_soak
	$(BIN)/python -m tests.live.twilio_soak --rubbish 10000
	$(BIN)/python -m benchmarks.report

clean: ## remove the virtual environment and everything that was made
	rm -rf $(VENV) out build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis

system-demo:
	@scripts/system_packages.sh demo

system-test:
	@scripts/system_packages.sh test

live-servers:
	@scripts/livekit_server.sh
	@scripts/pipecat_client.sh

$(VENV_STAMP): | $(if $(wildcard $(BIN)/python),,system-demo)
	@if [ ! -x $(BIN)/python ]; then \
		echo "making $(VENV) with $(PYTHON)"; \
		scripts/check_python.sh "$(PYTHON)" && "$(PYTHON)" -m venv $(VENV); \
	fi
	@touch $@

$(RUNTIME_STAMP): $(INPUTS) $(VENV_STAMP)
	@echo "installing into $(VENV) (PyTorch is large: minutes on a first run)"
	$(PIP) install --constraint constraints.txt --editable '.[runtime,plot]'
	@touch $@

$(DEV_STAMP): $(INPUTS) $(VENV_STAMP)
	@echo "installing into $(VENV) (PyTorch is large: minutes on a first run)"
	$(PIP) install --constraint constraints.txt --editable '.[dev]'
	@touch $@ $(RUNTIME_STAMP)
