# The commands of this project. What they do lives in scripts/; each of them
# works as root and not, on a machine that has only Go, git, make and a shell.

.DEFAULT_GOAL := help
.PHONY: help run test lint generate soak bench fresh clean

help: ## this list
	@grep -E '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

run: ## build and start an evaluation instance at http://localhost:8080
	go run ./cmd/chancela serve

test: ## install what is missing, run every test, say how many passed and failed
	@scripts/test

lint: ## style, mistakes, generated files, modules
	@scripts/lint

generate: ## write the Go files of the templ components anew
	@scripts/templ generate

soak: ## every fuzz test for ten minutes (FUZZTIME=1m for shorter), the race detector, the long tests
	@scripts/soak

bench: ## the benchmarks, printed and kept under bench/results
	@scripts/bench

fresh: ## the two commands of the README in a bare Debian: proves that nothing installed by hand is needed
	@scripts/fresh

clean: ## away with what can be made again
	rm -rf .cache chancela test/e2e/node_modules
