# Targets for people; CI runs .ci/run, which uses the same scripts.

.DEFAULT_GOAL := help

.PHONY: help build test lint bench fuzz demo image

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "%-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

build: ## one static binary, bin/agora
	CGO_ENABLED=0 go build -trimpath -ldflags='-s -w' -o bin/agora ./cmd/agora

test: ## all tests with the race detector, on SQLite and PostgreSQL
	@bash .ci/test

lint: ## gofmt, go vet and golangci-lint (installed into the user's cache when missing)
	@bash .ci/lint

bench: ## all benchmarks, once
	go test -run '^$$' -bench . -benchmem ./...

FUZZTIME ?= 10s
fuzz: ## every fuzz target for FUZZTIME (default 10s)
	@bash .ci/fuzz $(FUZZTIME)

demo: ## play the whole story against a simulated GitHub, then exit
	go run ./cmd/agora demo --exit

image: ## container image agora:latest
	docker build -t agora:latest .
