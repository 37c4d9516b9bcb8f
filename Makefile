# Thin aliases: what they do is in scripts/ and lab/lab.
.DEFAULT_GOAL := help
.PHONY: help run test lint types unit cluster-tests bench lab-up lab-down lab-status lab-test lab-clean clean

help: ## say what there is
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | while IFS='	' read -r name text; do printf '  make %-14s %s\n' "$$name" "$$text"; done

run: ## d2k on 127.0.0.1:2375 (D2K_PORT), on your cluster or on a lab of its own
	@scripts/run.sh

test: ## lint, types, unit tests, and the tests that need a cluster
	@scripts/test.sh all

lint: ## ruff's rules and format
	@scripts/test.sh lint

types: ## mypy
	@scripts/test.sh types

unit: ## the tests that need nothing but Python
	@scripts/test.sh unit $(ARGS)

cluster-tests: ## the tests that need a cluster; ARGS goes to pytest
	@scripts/test.sh cluster $(ARGS)

bench: ## measure; see bench/
	@scripts/test.sh bench $(ARGS)

lab-up: ## start the lab, a single-node Kubernetes on this machine
	@lab/lab up

lab-down: ## end the lab and remove its state
	@lab/lab down

lab-status: ## say what runs
	@lab/lab status

lab-test: ## the tests of the lab's own Go code (needs Go; minutes the first time)
	@cd lab/kubernetes && CGO_ENABLED=0 go test -vet=off ./...

lab-clean: lab-down ## the same, and remove what was built for it
	@lab/lab clean

clean: ## remove .venv and the tools' caches
	@rm -rf .venv .pytest_cache .mypy_cache .ruff_cache .hypothesis build dist *.egg-info
