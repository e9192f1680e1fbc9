# Targets for people; CI runs .ci/run, which uses the same scripts.

.DEFAULT_GOAL := help

.PHONY: help build test lint bench fuzz chaos demo image

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

SCHEDULES ?= 10000
chaos: ## SCHEDULES random schedules (default 10000), 308 kills on each database, long troubles of the network, dying replicas
	go test -count=1 -timeout 24h -v -run '^TestSchedules$$' ./cmd/agora -schedule.count=$(SCHEDULES)
	go test -count=1 -timeout 2h -v -run '^TestKilled$$' ./cmd/agora -kill.times=308
	go test -count=1 -timeout 2h -v -run '^TestNetwork$$' ./cmd/agora -network.for=1m
	go test -count=1 -timeout 2h -v -run '^TestReplicas$$' ./cmd/agora -replicas.for=5m -replicas.every=10s

demo: ## play the whole story against a simulated GitHub, then exit
	go run ./cmd/agora demo --exit

image: ## container image agora:latest
	docker build -t agora:latest .
