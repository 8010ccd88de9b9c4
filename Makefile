# Everything runs in .venv, which any target makes when it is missing or out of date.
PYTHON ?= python3.11
VENV   := .venv
BIN    := $(VENV)/bin
# uv does not read pip's settings; pass on the one that names a folder of wheels.
UV     := UV_FIND_LINKS="$$PIP_FIND_LINKS" $(BIN)/uv

.PHONY: install demo test coverage check test-postgres test-browser test-vllm test-kill test-ghosts bench gpu-check train eval gate format lock clean help
help: ## Show what there is
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 16

# faiss comes by exactly one of the extras cpu and gpu.
EXTRAS ?= cpu,evals
DEV ?= --group dev
KILLS ?= 50
# Of the tests; each loads the models once.
WORKERS ?= 2
# Without the last one a run whose worker dies waits for ever (pytest-xdist 3.8).
SHARED_OUT := -n $(WORKERS) --dist loadfile --max-worker-restart=0
# Every suite but those that need a language model; the options of each are in docs/results.md.
SUITES ?= $(shell $(BIN)/attest eval list --names | grep -v ^choice/)
EVAL_OPTIONS ?= --split all
RUNS ?= runs
READING_SETS ?= squad2 telequad policyqa cuad bioasq cmrc2018 drcd
TRAINING_WORK ?= training-work

install: $(VENV)/installed ## Make the environment only

$(VENV)/installed: pyproject.toml requirements.lock
	@echo "installing Attest and its libraries into $(VENV), about a minute"
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/pip install --quiet --disable-pip-version-check uv==0.13.9
	@$(UV) pip install --quiet --python $(BIN)/python --constraints requirements.lock --editable '.[$(EXTRAS)]' $(DEV)
	@touch $@

demo: $(VENV)/installed ## Ingest the handbook, serve it, ask it four questions
	@$(BIN)/python -m api.demo

test: $(VENV)/installed ## Run the tests
	$(BIN)/pytest $(SHARED_OUT)

coverage: $(VENV)/installed ## Run the tests and show which lines none of them runs (half as long again)
	$(BIN)/pytest $(SHARED_OUT) --cov --cov-report=term:skip-covered

check: $(VENV)/installed ## Lint, types, import rules, compose file
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/check-jsonschema --builtin-schema vendor.compose-spec docker-compose.yml

test-postgres: $(VENV)/installed ## Run the store's contract on a throwaway PostgreSQL
	.ci/with-postgres $(BIN)/pytest -m postgres

test-browser: $(VENV)/installed ## Open the report in a headless Chromium
	.ci/with-chromium $(BIN)/pytest -m browser tests/browser

test-vllm: $(VENV)/installed ## Run the language model's tests against a real vLLM on the CPU (1.7 GB, installed apart)
	.ci/with-vllm $(BIN)/pytest -m vllm tests/real_vllm

test-kill: $(VENV)/installed ## Kill ingestion at random instants; no document may be lost, doubled or half
	$(BIN)/python -m evals.bench.kill_ingestion --kills $(KILLS)

test-ghosts: $(VENV)/installed ## 10,000 deletes, replacements and searches against a model in plain Python
	ATTEST_GHOST_OPERATIONS=10000 $(BIN)/pytest tests/integration/test_no_ghosts.py

bench: $(VENV)/installed ## Measure rates, latency and answers (about two hours; needs ATTEST_DATA)
	$(BIN)/python -m evals.bench.embedding_backends
	$(BIN)/python -m evals.bench.ingest_rate
	$(BIN)/python -m evals.bench.start_time
	$(BIN)/python -m evals.bench.search_latency
	$(BIN)/python -m evals.bench.answer_speed
	$(BIN)/python -m evals.bench.language_model_load --requests 50 --rounds 3 --streams 500
	$(BIN)/python -m evals.bench.reading $(READING_SETS)

gpu-check: $(VENV)/installed ## Compare a GPU with the CPU, agreement and rates; without one it says so
	$(BIN)/python -m evals.bench.gpu_check

train: $(VENV)/installed ## Make the reader's weights anew, from where it stopped (hours; needs ATTEST_DATA)
	for step in prepare learn measure export embed export-embedding; do \
		$(BIN)/python -m training $$step --work $(TRAINING_WORK) || exit 1; done

eval: $(VENV)/installed ## Run the suites on public data (hours without --limit; needs ATTEST_DATA)
	for suite in $(SUITES); do \
		$(BIN)/attest eval run $$suite --out $(RUNS)/$$suite $(EVAL_OPTIONS) || exit 1; done

gate: $(VENV)/installed ## Ask questions on docs/, and small samples of the suites where ATTEST_DATA is there; fail if worse
	.ci/gate

format: $(VENV)/installed ## Put the code in shape
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

lock: ## Resolve the newest versions allowed into requirements.lock
	$(UV) pip compile --quiet --universal --python-version 3.11 --extra cpu --extra evals --group dev \
		--no-annotate --no-header pyproject.toml -o requirements.lock
	# Which build of torch is the installer's choice; torch itself pins what belongs to it.
	sed -i '/^nvidia-/d; /^triton==/d; /^cuda-/d; /^torch==/d; 1i torch==2.13.0' requirements.lock

clean: ## Remove the environment and all caches
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage
