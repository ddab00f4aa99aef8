PYTHON ?= python3
BIN := .venv/bin
MINUTES ?= 10
KUBERNETES := deploy/kubernetes
IMAGES := api worker worker-gpu
REQUIREMENTS := deploy/requirements
# Linux wheels for the Python of the Dockerfile; --no-header and --no-annotate keep commands and hosts out of the files
LOCK = $(BIN)/uv pip compile --quiet --no-header --no-annotate --generate-hashes --only-binary :all: \
       --python-version 3.11.14 --python-platform linux --constraints constraints.txt
MANIFESTS := $(filter-out %/kustomization.yaml $(wildcard $(KUBERNETES)/keda-*), $(wildcard $(KUBERNETES)/*.yaml))

.DEFAULT_GOAL := help
BENCHES := bench-throughput bench-engine bench-batching bench-latency bench-layouts bench-scale bench-cold-start \
           bench-bulk bench-polling bench-start-order bench-folder bench-waiting-crowd bench-webhooks \
           bench-simulation bench-quality bench-sweep
.PHONY: help install lint shape format settings requirements sbom test test-system soak demo bench $(BENCHES) clean

help: ## list the targets
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

install: .venv/.installed ## make .venv with everything in it

.venv/.installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile -c constraints.txt -e '.[dev]'
	@touch $@

lint: install ## ruff, mypy --strict, import law, luacheck; schemas of compose, Kubernetes and KEDA; hadolint
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m tests.lua_lint
	$(BIN)/check-jsonschema --builtin-schema vendor.compose-spec docker-compose.yml docker-compose.tls.yml
	$(BIN)/hadolint Dockerfile
	$(BIN)/kubernetes-validate --strict --quiet $(MANIFESTS)
	$(BIN)/check-jsonschema --check-metaschema $(KUBERNETES)/keda.schema.json
	$(BIN)/check-jsonschema --schemafile $(KUBERNETES)/keda.schema.json $(KUBERNETES)/keda-*.yaml

shape: install ## sizes of folders, files and functions, unclear docstrings, sources without tests; fails at a broken limit
	$(BIN)/python -m tests.shape

format: install ## put the code into its form
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

settings: install ## write the lists of settings anew: docs/settings.md, .env.example, docker-compose.yml
	$(BIN)/python -m tests.settings_files

requirements: install ## write the images' packages with their hashes anew, from constraints.txt: deploy/requirements
	echo hatchling | $(LOCK) - --output-file $(REQUIREMENTS)/build.txt
	for image in $(IMAGES); do \
	  $(LOCK) pyproject.toml --extra $$image --extra client --extra otel \
	    --output-file $(REQUIREMENTS)/$$image.txt || exit 1; \
	done

sbom: install ## what each image holds, as CycloneDX: sbom-out/
	mkdir -p sbom-out
	for image in $(IMAGES); do \
	  $(BIN)/cyclonedx-py requirements $(REQUIREMENTS)/$$image.txt --pyproject pyproject.toml \
	    --output-reproducible --output-file sbom-out/$$image.json || exit 1; \
	done

test: install ## every tier but the system's, on real Redis, S3, workers and model
	$(BIN)/python -m pytest --ignore tests/system -n logical --dist loadfile --no-loadscope-reorder

test-system: install ## with programs that come as Debian packages (.ci/install-programs), as root: Prometheus, Sentinel, full disks
	$(BIN)/python -m pytest tests/system

soak: install ## a hostile owner beside a polite one, then every fault at random, for MINUTES=10, from a seed that it prints (again with SEED=n)
	$(BIN)/python -m tests.faults.soak --minutes $(MINUTES) $(if $(SEED),--seed $(SEED))

demo: install ## stylize the sample photographs into demo-out/
	$(BIN)/stylequeue demo --out demo-out

bench: install ## every benchmark, into bench-out/; alone: bench-throughput, -engine, -batching, ...
	$(MAKE) --jobs 1 $(BENCHES)

$(BENCHES): bench-%: install
	$(BIN)/python -m bench.$(subst -,_,$*)

clean: ## remove what the other targets made
	rm -rf .venv demo-out bench-out sbom-out
