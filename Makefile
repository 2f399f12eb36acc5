# The front door. Meson does the work (meson.build); tools/build knows the variants of the build.

PREFIX ?= /usr/local
DESTDIR ?=
ARGS ?=
SUITES ?=
CASES ?=
FUZZ_SECONDS ?= 60
SEED ?= 1
SEEDS ?= 1000
STEPS ?= 400

.PHONY: help run build test sdk-matrix conformance sim sim-swarm fault-sweep sim-mutants bench fuzz lint fmt install deb clean

help: ## this text
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: ## install what is missing, build, start the server (ARGS="--config file.json")
	@tools/install-deps build
	@tools/build release sockudo
	@exec build/release/sockudo $(ARGS)

build: ## build/release/sockudo
	@tools/build release sockudo

test: ## install what is missing, then every test suite (SUITES="unit protocol" for some)
	@tools/install-deps build test lint fuzz
	@tools/run-tests $(SUITES)

sdk-matrix: ## libraries of all languages against the server, into docs/compatibility.md
	@tools/install-deps build test
	@tools/build release sockudo
	@cd tests/clients && npm ci --no-audit --no-fund --loglevel=error
	@tests/clients/sdk-matrix.mjs

conformance: ## RFC 6455 and 7692 case by case, and docs/conformance.md (CASES="6.4 9" for some, no page)
	@tools/install-deps build
	@tools/build release sockudo
	@cd tests/protocol && python3 -m conformance $(or $(CASES),--report)

sim: ## the server in the simulator (SEED=1 SEEDS=1000 STEPS=400 NODES=2 WORKERS=4 CLIENTS=100 WITHOUT=rough SKIP=9-30 TRACE=1 WHO=c29 CHANNEL=room-0)
	@tools/install-deps build test
	@tools/build asan tests/sim/sockudo-sim
	@build/asan/tests/sim/sockudo-sim --seed $(SEED) --seeds $(SEEDS) --steps $(STEPS) \
		$(if $(NODES),--nodes $(NODES)) $(if $(WORKERS),--workers $(WORKERS)) $(if $(CLIENTS),--clients $(CLIENTS)) \
		$(if $(WITHOUT),--without $(WITHOUT)) $(if $(SKIP),--skip $(SKIP)) \
		$(if $(ACTS),--acts $(ACTS)) $(if $(TRAP),--trap $(TRAP)) $(if $(TRACE),--trace) \
		$(if $(WHO),--who $(WHO)) $(if $(CHANNEL),--channel $(CHANNEL))

sim-swarm: ## many seeds on all cores; a failing one is made small (SEEDS=100000 FIRST_SEED=1 STEPS=400 NODES=2, or SIM_SECONDS=120)
	@tools/install-deps build test
	@tools/build quick tests/sim/sockudo-sim
	@tools/sim-swarm $(if $(SIM_SECONDS),--seconds $(SIM_SECONDS),--seeds $(SEEDS)) --steps $(STEPS) \
		$(if $(FIRST_SEED),--first $(FIRST_SEED)) $(if $(TRAP),--trap $(TRAP)) \
		$(if $(NODES),--nodes $(NODES)) $(if $(WORKERS),--workers $(WORKERS)) $(if $(CLIENTS),--clients $(CLIENTS))

fault-sweep: ## the server in the simulator, with one allocation or system call failing, each in turn
	@tools/install-deps build test
	@tools/build asan tests/sim/sockudo-fault-sweep
	@meson test -C build/asan --no-rebuild --verbose 'fault sweep'

sim-mutants: ## deliberate bugs in a copy of the source: is each caught? (MUTANTS="tab room" for some, else also docs/testing.md)
	@tools/install-deps build test
	@tests/mutants/run.py $(or $(MUTANTS),--write)

bench: ## the yardsticks, as a table
	@tools/install-deps build
	@tools/build release
	@bench/run

fuzz: ## every fuzz target for FUZZ_SECONDS each
	@tools/install-deps build fuzz
	@tools/build fuzz fuzzers
	@fuzz/run $(FUZZ_SECONDS)

lint: ## floors, calls, headers, format, static analysis
	@tools/install-deps build lint
	@tools/lint

fmt: ## format the C code in place
	@tools/install-deps lint
	@git ls-files -z --cached --others --exclude-standard '*.c' '*.h' | xargs -0 clang-format -i

install: ## into DESTDIR/PREFIX
	@PREFIX=$(PREFIX) tools/build release sockudo
	@DESTDIR=$(DESTDIR) meson install -C build/release --no-rebuild --quiet

deb: ## a Debian package, build/deb/sockudo_*.deb
	@tools/install-deps build deb
	@tools/build release sockudo
	@tools/build-deb

clean: ## remove everything that was built
	@rm -rf build
