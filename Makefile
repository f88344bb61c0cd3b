# What there is to do: make run, make quick, make test, make verify, make bench.

GO ?= go
BIN := bin

.PHONY: build upgrade-drill broken run test quick test-peers verify format lint tidy rules nemesis soak fuzz simulate bubbles planted mutants bench bench-quick bench-report bench-compare bench-prepare bench-sale bench-cluster bench-abuse bench-overload bench-rejoin bench-peers bench-growth clean

# What make build stamps: the release that this commit is, when it is one, and the commit.
RELEASE ?= $(shell tools/release-name)
COMMIT ?= $(shell git rev-parse --short=12 HEAD 2>/dev/null)$(shell test -z "$$(git status --porcelain 2>/dev/null)" || echo +changes)

build: ## the one binary, stripped
	$(GO) build -trimpath -pgo=$(PGO) -ldflags "-s -w -X main.release=$(RELEASE) -X main.commit=$(COMMIT)" -o $(BIN)/onsale ./cmd/onsale

# The compiler is told where the time goes, for the program that is installed: not by the name
# default.pgo, with which tests would compile all a second time.
PGO ?= cmd/onsale/cpu.pgo
.PHONY: profile
profile: ## that file anew, from the nodes under the bench's loads; needs a quiet machine
	$(MAKE) build PGO=off
	rm -rf $(BIN)/profiles
	$(BIN)/onsale bench sale --buyers 600000 --tickets 300000 --cpu-profiles $(BIN)/profiles/one
	$(BIN)/onsale bench sale --nodes 3 --buyers 400000 --tickets 200000 --cpu-profiles $(BIN)/profiles/three
	$(BIN)/onsale bench rush --requests 3000000 --over 10s --tickets 1500000 --cpu-profiles $(BIN)/profiles/rush
	$(GO) tool pprof -proto -output cmd/onsale/cpu.pgo $(BIN)/profiles/*/*.pprof

run: build ## one node, a throw-away data folder, a demo sale, ready curl lines
	$(BIN)/onsale serve --dev

test: ## everything with the race detector, the README's commands included
	$(GO) test -race -timeout 25m ./...
	$(GO) test -race -tags failpoints ./internal/failpoint
	$(GO) test -race -tags levelplus -run Level ./sequencer

quick: ## less of the same in under a minute (many tests wait, so four packages at once), and what the race detector cannot run: allocations and damaged bbolt files
	$(GO) test -p 4 -short ./...

test-peers: ## what we are compared with sells exactly too; needs redis-server and postgresql
	cd bench/peers && $(GO) vet ./... && $(GO) mod tidy -diff && $(GO) test -timeout 5m ./...

verify: format lint tidy deadcode quick test ## what must hold before a change lands

format:
	@test -z "$$(gofmt -l .)" || { echo "not formatted:"; gofmt -l .; exit 1; }

lint: ## vet, for macOS too, and the linter that holds the direction of imports
	$(GO) vet ./...
	GOOS=darwin $(GO) vet ./...
	$(GO) build -modfile=tools/go.mod -o $(BIN)/golangci-lint github.com/golangci/golangci-lint/v2/cmd/golangci-lint
	$(BIN)/golangci-lint run ./...

.PHONY: deadcode
deadcode: ## functions that nothing reaches, tests included; bench/shop.go is for bench/peers, a module of its own
	$(GO) build -modfile=tools/go.mod -o $(BIN)/deadcode golang.org/x/tools/cmd/deadcode
	@! $(BIN)/deadcode -test ./... | grep -v '^bench/shop.go:'

.PHONY: examples
examples: ## the commented configuration files of deploy/, from the settings
	$(GO) test ./cmd/onsale -run TestExampleFiles -rewrite-examples

tidy:
	$(GO) mod tidy -diff

.PHONY: release-note
release-note: ## names HEAD as the release RELEASE=v1.2.3 in the file RELEASES: a clean tree, its section in CHANGELOG.md, its level
	$(GO) run ./proof/releases/note $(RELEASE)

.PHONY: notice
notice: ## NOTICE: whose works are in the binary, under which licences
	$(GO) run ./proof/notice

PROMTOOL ?= promtool
rules: ## the alerts: their syntax, and what fires each of them and what does not
	$(PROMTOOL) check rules deploy/prometheus/onsale.rules.yml
	$(PROMTOOL) test rules deploy/prometheus/onsale.rules.test.yml

UPGRADE_RATE ?= 5000
upgrade-drill: ## nodes and front-ends are upgraded and taken back at UPGRADE_RATE buys a second, with a program of the next level
	$(GO) test -timeout 30m -run 'TestRollingUpgrade$$' -v ./cmd/onsale -upgrade-rate $(UPGRADE_RATE) -upgrade-rounds 3

NEMESIS_SEED ?= 1
broken: ## the program with failpoints, for tests alone
	$(GO) build -trimpath -tags failpoints -o $(BIN)/onsale-failpoints ./cmd/onsale

nemesis: broken ## a cluster of real processes is broken on purpose for three minutes, and checked; needs root
	$(GO) build -trimpath -o $(BIN)/nemesis ./proof/nemesis
	$(BIN)/nemesis --program $(BIN)/onsale-failpoints --duration 3m --seed $(NEMESIS_SEED)

SOAK_DURATION ?= 4h
soak: broken ## the same for hours, with another seed every time
	$(GO) build -trimpath -o $(BIN)/nemesis ./proof/nemesis
	$(BIN)/nemesis --program $(BIN)/onsale-failpoints --duration $(SOAK_DURATION)

DRILL_DURATION ?= 1m
.PHONY: drill
drill: build ## a cluster is broken and checked by a program that shares no code with any of ours; DRILL_DURATION=30m is the long run; needs root
	$(GO) build -trimpath -o $(BIN)/drill ./proof/drill
	$(BIN)/drill --program $(BIN)/onsale --duration $(DRILL_DURATION)

MONEY_DURATION ?= 2m
MONEY_SEED ?= 0
.PHONY: money-drill
money-drill: build ## a provider's worst day beside nodes that die: books and orders to the cent; MONEY_DURATION=1h is the long run, MONEY_SEED repeats one
	$(GO) build -trimpath -o $(BIN)/moneydrill ./proof/moneydrill
	$(BIN)/moneydrill --program $(BIN)/onsale --duration $(MONEY_DURATION) --seed $(MONEY_SEED)

FUZZ_EXECUTIONS ?= 50000
fuzz: ## every fuzz target of the tree, FUZZ_EXECUTIONS inputs each: a limit of time Go 1.26 takes for a failure now and then
	@grep -rHoE --include='*_test.go' '^func Fuzz[A-Za-z0-9_]+' . | sed -E 's,/[^/]+:func , ,' | sort | while read package target; do \
		echo "$$package $$target"; \
		told=$$($(GO) test -run '^$$' -fuzz "^$$target$$" -fuzztime $(FUZZ_EXECUTIONS)x $$package </dev/null 2>&1); failed=$$?; \
		echo "$$told" | grep -v 'fuzz: elapsed' || true; \
		if [ $$failed != 0 ] || echo "$$told" | grep -q 'no fuzz tests to fuzz'; then exit 1; fi; \
	done

SEED ?= 1
SEEDS ?= 10000
COMMANDS ?= 5000
DEPTH ?= 8
simulate: ## SEEDS runs of COMMANDS each from SEED on, every interleaving of DEPTH commands, the planted bugs, and random batches
	GOGC=400 $(GO) test -timeout 24h -run 'TestSimulation$$' -v ./proof/simulation -seed $(SEED) -seeds $(SEEDS) -commands $(COMMANDS)
	GOGC=400 $(GO) test -timeout 24h -run 'TestBirths$$' -v ./proof/simulation -seed $(SEED) -seeds $(SEEDS)
	GOGC=400 $(GO) test -timeout 24h -run 'TestExhaustive$$' -v ./proof/simulation -depth $(DEPTH)
	$(GO) test -timeout 10m -run 'TestPlanted$$' -v ./proof/simulation
	$(GO) test -timeout 10m -run 'TestRandom$$' -v ./sequencer

FAILOVERS ?= 2000
bubbles: ## real raft goes through FAILOVERS fail-overs in bubbles of their own time, from SEED on
	GOGC=400 $(GO) test -timeout 24h -run 'TestBubble$$' -v ./raftfsm -seed $(SEED) -failovers $(FAILOVERS)

planted: ## plants bugs, two at a time: the tests must find each
	$(GO) run ./proof/planted

MUTANTS ?= 300
MUTANTS_SEED ?= 0
mutants: ## what the tests would notice: MUTANTS changes of one place each, by a seed, in an hour or two; not in the gate
	$(GO) run ./proof/mutants -mutants $(MUTANTS) -seed $(MUTANTS_SEED)

BENCHSUITE = $(GO) run ./bench/suite
bench: bench-prepare ## T1 to T9 with their comparisons in about 30 minutes: bench/results/, the README's and the measurements' tables
	$(BENCHSUITE) run --publish

bench-quick: bench-prepare ## the same in about 5 minutes with fewer rounds; no page changes
	$(BENCHSUITE) run --quick

bench-report: ## the tables of the newest full run again
	$(BENCHSUITE) render --publish

bench-compare: ## two documents of bench/results, BEFORE=FILE and AFTER=FILE, by benchstat
	$(GO) build -modfile=tools/go.mod -o $(BIN)/benchstat golang.org/x/perf/cmd/benchstat
	$(BIN)/benchstat $(BEFORE) $(AFTER)

bench-prepare: ## Redis and PostgreSQL from Debian; without them T5's steps fail and say so
	@bench/prepare || echo "bench: the peers' servers are not all installed; the steps that need them will fail"

bench-sale: build
	$(BIN)/onsale bench sale --buyers 1000000 --tickets 100000
	$(BIN)/onsale bench sale --buyers 1000000 --tickets 100000 --nodes 3

bench-cluster: build ## T6, T7 and T9: rushes at front-ends, and leader kills
	$(BIN)/onsale bench rush
	$(BIN)/onsale bench rush --requests 5000000 --over 10s
	$(BIN)/onsale bench failover

bench-abuse: build ## bots beside honest buyers, without a limit and with one; 100,000 event streams in memory
	$(BENCHSUITE) overload --bots 1000 --tickets 6000
	$(BENCHSUITE) overload --bots 1000 --tickets 6000 --user-requests-per-second 5
	$(GO) test -run '^$$' -bench ListenersInMemory -benchtime 40x ./api

OVERLOAD = $(BENCHSUITE) overload --program $(BIN)/onsale-failpoints --disk-delay 10ms --batch 16
bench-overload: build broken ## ten times what one node, and three, sustain on slow disks; then where refusals take the processor
	$(OVERLOAD)
	$(OVERLOAD) --nodes 3
	$(BENCHSUITE) overload

REJOIN ?= --waiting 5000000 --rate 8000
bench-rejoin: build ## one of three nodes of a large sale is killed and comes back: snapshots, seconds, memory, pieces of its journal
	$(BENCHSUITE) rejoin $(REJOIN)

ORDERS ?= --orders 100000 --rate 20000
.PHONY: bench-orders
bench-orders: build ## sellers list, export and search 100,000 orders while 20,000 buys a second come: decisions' p99 with and without, the state's lock
	$(BENCHSUITE) orders $(ORDERS)

bench-peers: ## T4 and T5 alone: Redis, PostgreSQL, a mutex and bare fasthttp behind the same buy, and at fixed rates
	$(BENCHSUITE) run --only peers,latency

HOURS_RATE ?= 10000
.PHONY: hours
hours: build ## an idle hour, then one at HOURS_RATE buys a second: elections, descriptors, goroutines, memory, as pages with charts
	$(BIN)/onsale bench watch --html $(BIN)/idle.html
	$(BIN)/onsale bench watch --rate $(HOURS_RATE) --html $(BIN)/pressed.html

bench-growth: ## how a decision's cost, memory and audits grow with the sale, up to ten million of everything
	$(GO) test -run '^$$' -bench Growth -benchtime 5000x -timeout 30m ./sequencer
	$(GO) test -run '^$$' -bench Growth -benchtime 1x ./audit

HISTORY_DECISIONS ?= 1000000000
HISTORY_DIR ?=
.PHONY: bench-history
bench-history: ## one order's history, page cache warm and cold, at 10 million to HISTORY_DECISIONS decisions: 16 bytes of disk each below HISTORY_DIR
	$(GO) test -run '^$$' -bench History -benchtime 500x -timeout 3h ./audit/orderindex -decisions $(HISTORY_DECISIONS) -bench-dir '$(HISTORY_DIR)'

clean:
	rm -rf $(BIN)
