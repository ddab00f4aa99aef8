PYTHON ?= python3
BIN := .venv/bin
MINUTES ?= 10
KUBERNETES := deploy/kubernetes
RULES := $(KUBERNETES)/components/monitoring/rules.yaml
IMAGES := api worker worker-gpu
REQUIREMENTS := deploy/requirements
NODE := tests/system/clients
PIP_INSTALL = $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile -c constraints.txt
# Linux wheels for the Python of the Dockerfile; --no-header and --no-annotate keep commands and hosts out of the files
LOCK = $(BIN)/uv pip compile --quiet --no-header --no-annotate --generate-hashes --only-binary :all: \
       --python-version 3.11.14 --python-platform linux --constraints constraints.txt
# Needs other versions of the packages of .venv, so uv keeps an environment for it.
CHECKOV := $(BIN)/uv tool run --quiet --from checkov==3.3.30 checkov

# The version is the tag's; a copy without git has none. Builds of one commit are equal byte for byte.
VERSION = $(shell $(BIN)/hatchling version)
REVISION = $(shell git rev-parse HEAD 2>/dev/null || echo unknown)
export SOURCE_DATE_EPOCH ?= $(shell git log -1 --format=%ct 2>/dev/null || echo 1577836800)

.DEFAULT_GOAL := help
BENCHES := bench-throughput bench-engine bench-batching bench-latency bench-layouts bench-gpu bench-mixed bench-scale bench-cold-start \
           bench-bulk bench-pipeline bench-polling bench-start-order bench-folder bench-waiting-crowd bench-webhooks \
           bench-simulation bench-quality bench-strokes bench-huge bench-sweep bench-pages
.PHONY: help install install-local lint shape format settings rules requirements sbom wheels test-wheel release images test test-system test-containers test-as-root soak demo bench $(BENCHES) clean

help: ## list these targets
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 20

install: .venv/.installed ## make .venv with everything that work on the code needs (3.0 GB)

install-local: .venv/.local ## make .venv with only what `demo` and `stylequeue up` need

.venv/.local .venv/.installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(PIP_INSTALL) -e '.[$(if $(filter %.local,$@),local,dev)]'
	@touch .venv/.local $@

lint: install ## check with ruff, mypy --strict, import-linter, luacheck and hadolint, and the files of Compose, Kubernetes and KEDA
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m tests.checks.lua_lint
	$(BIN)/python -m tests.checks.shape
	$(BIN)/check-jsonschema --builtin-schema vendor.compose-spec docker-compose.yml docker-compose.tls.yml
	$(BIN)/hadolint Dockerfile
	$(BIN)/check-jsonschema --check-metaschema $(KUBERNETES)/schemas/*.json
	$(BIN)/python -m tests.checks.manifests build/kubernetes
	$(CHECKOV) --config-file $(KUBERNETES)/checkov.yaml --directory build/kubernetes

shape: install ## measure folders, files, functions and docstrings, find sources without tests; fail at a broken limit
	$(BIN)/python -m tests.checks.shape

format: install ## format the code and apply ruff's fixes
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

settings: install ## rewrite the lists of settings: docs/settings.md, .env.example, docker-compose.yml
	$(BIN)/python -m tests.checks.settings_files

rules: ## rewrite the Prometheus Operator's rules from deploy/prometheus/alerts.yml
	sed -n '1,/^spec:/p' $(RULES) > $(RULES).new
	sed -n '/^groups:/,$$p' deploy/prometheus/alerts.yml | sed 's/^./  &/' >> $(RULES).new
	mv $(RULES).new $(RULES)

requirements: install ## rewrite deploy/requirements, the images' packages with hashes, from constraints.txt
	printf 'hatch-vcs\nhatchling\n' | $(LOCK) - --output-file $(REQUIREMENTS)/build.txt
	for image in $(IMAGES); do \
	  $(LOCK) pyproject.toml --extra $$image --extra client --extra otel \
	    --output-file $(REQUIREMENTS)/$$image.txt || exit 1; \
	done

sbom: install ## write what each image holds, as CycloneDX, into sbom-out/
	mkdir -p build sbom-out
	sed 's/^dynamic = .*/version = "$(VERSION)"/' pyproject.toml > build/pyproject.toml
	for image in $(IMAGES); do \
	  $(BIN)/cyclonedx-py requirements $(REQUIREMENTS)/$$image.txt --pyproject build/pyproject.toml \
	    --output-reproducible --output-file sbom-out/$$image.json || exit 1; \
	done

wheels: install ## build into dist/ what people install: the service, and the client with the import name stylequeue
	rm -rf dist
	$(BIN)/hatchling build --directory dist
	$(BIN)/python deploy/client_project.py build/client
	cd build/client && ../../$(BIN)/hatchling build --directory ../../dist

test-wheel: install ## run the tests of the installed wheel in an environment into which pip downloads every package (0.8 GB)
	DOWNLOADS=1 $(BIN)/python -m pytest tests/integration/release/test_installed_wheel.py

release: wheels sbom ## build into dist/ all that a release has: wheels, sdists, bills of materials, and their digests
	@case $(VERSION) in *.dev*|0.0.0) ;; *) grep -qF '## [$(VERSION)]' CHANGELOG.md || { echo 'CHANGELOG.md has no section [$(VERSION)]'; exit 1; } ;; esac
	for image in $(IMAGES); do cp sbom-out/$$image.json dist/stylequeue-$$image-$(VERSION).cdx.json || exit 1; done
	cd dist && sha256sum * > SHA256SUMS

images: install ## build the images with Docker, named and labeled with version and commit; REGISTRY=registry.example.org/
	for image in $(IMAGES); do \
	  docker build --target $$image --build-arg VERSION=$(VERSION) --build-arg REVISION=$(REVISION) \
	    --tag $(REGISTRY)stylequeue-$$image:$(VERSION) . || exit 1; \
	done

test: install ## run every tier of tests but the system's, on real Redis, S3, workers and model
	$(BIN)/python -m pytest --ignore tests/system --ignore tests/containers -n logical --dist loadfile --no-loadscope-reorder

$(NODE)/node_modules: $(NODE)/package-lock.json
	npm ci --prefix $(NODE) --no-audit --no-fund
	@touch $@

test-system: install $(NODE)/node_modules ## run the tests that need root and Debian packages (.ci/install-programs): Prometheus, Sentinel, full disks
	$(BIN)/python -m pytest tests/system

test-containers: install ## build the images and run docker-compose.yml by podman, as root (.ci/install-programs)
	$(BIN)/python -m pytest tests/containers

test-as-root: install ## run the tiers that need root, one after the other
	$(MAKE) test-system
	$(MAKE) test-containers

soak: install ## run a hostile owner beside a polite one, then random faults, for MINUTES=10; SEED=n repeats a run
	$(BIN)/python -m tests.faults.mixtures.soak --minutes $(MINUTES) $(if $(SEED),--seed $(SEED))

demo: install-local ## stylize the sample photographs into demo-out/
	$(BIN)/stylequeue demo --out demo-out

bench: install ## run every benchmark, into bench-out/; one alone: bench-throughput, bench-engine, ...
	$(MAKE) --jobs 1 $(BENCHES)

$(BENCHES): bench-%: install
	$(BIN)/python -m bench.$(subst -,_,$*)

clean: ## remove what the other targets made
	rm -rf .venv build demo-out dist bench-out sbom-out
