# Thin doors to cargo and to the command `osmem`. `make help` lists them.

CARGO  ?= cargo
PREFIX ?= /usr/local
# Staged installs (packages) put DESTDIR in front of PREFIX.
DESTDIR ?=
CARGO_TARGET_DIR ?= target

OUT      := $(CARGO_TARGET_DIR)/release
PROGRAMS := $(notdir $(basename $(wildcard test-programs/src/bin/*.rs)))
VERSION  := $(shell sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
INSTALL  ?= install
MUSL     := $(shell uname -m)-unknown-linux-musl
DEST     := $(DESTDIR)$(PREFIX)
# Options for the battery, e.g. make check ARGS='--profile core realloc'.
ARGS ?=

export CARGO_TARGET_DIR

.PHONY: help build check test test-programs musl bless fuzz bench meter micro programs loads instructions performance lint doc miri install uninstall clean deps deps-full own

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' Makefile | expand -t 16

build: ## the library, the probe, the test programs and the command, optimised
	$(CARGO) build --release --workspace --exclude osmem-bench

check: build ## prove our own library, rule by rule, under strace or, where it is missing, the built-in tracer
	$(OUT)/osmem check $(ARGS)

# Every test binary runs, also behind one that fails.
TESTS := test --workspace --exclude osmem-test-programs --no-fail-fast

test: build ## the project's tests; what needs other programs than a C compiler and make is reported as ignored
	$(CARGO) $(TESTS)

# Tests whose names say as_root run for root only.
test-programs: build ## the tests that need other programs, which deps-full installs: strace, c++, perl, redis and the like
	@status=0; skip=; \
	if [ "$$(id -u)" -ne 0 ]; then skip='--skip as_root'; echo 'left out: the tests that need root (their names contain as_root)'; fi; \
	$(CARGO) $(TESTS) -- --ignored $$skip || status=1; \
	$(CARGO) test --no-fail-fast --test carries || status=1; \
	exit $$status

own: build ## the command's own tests on osmem-own, which is the command with this project's allocator as Rust's
	$(CARGO) build --release --workspace --bin osmem-own --features osmem-cli/own-allocator
	OSMEM_TEST_COMMAND=osmem-own $(CARGO) $(TESTS) --test cli -- --include-ignored

bless: build ## accept the traces of our own library as the golden ones (shows every change)
	$(OUT)/osmem bless $(ARGS)

fuzz: build ## random programs against our own library, judged by the oracle: the same ones every time
	$(OUT)/osmem fuzz --seed 1 --runs 4000 $(ARGS)

# Only these build the allocators of others: `build` leaves them out.
BENCH := $(OUT)/osmem-bench

meter:
	@$(CARGO) build -q --release -p osmem-bench -p osmem-preload

micro: meter ## the time of single calls beside the system's malloc and other allocators (ARGS='--quick --only pair/')
	@$(BENCH) micro $(ARGS)

programs: meter ## whole programs under the preloaded library and under other allocators, wall time and peak memory
	@$(BENCH) programs $(ARGS)

loads: meter ## loads of one and several threads, likewise
	@$(BENCH) loads $(ARGS)

instructions: meter ## instructions per call under valgrind; fails where they exceed the stored baseline
	@$(BENCH) instructions $(ARGS)

performance: meter ## measure everything and rewrite the tables and the plot of docs/performance.md (half an hour)
	@mkdir -p $(CARGO_TARGET_DIR)/bench
	@for what in micro programs loads instructions; do echo $$what; \
	  $(BENCH) $$what --json > $(CARGO_TARGET_DIR)/bench/$$what.json || exit 1; done
	@$(BENCH) report $(CARGO_TARGET_DIR)/bench

bench: build micro programs loads ## how long calls, programs, loads, the battery, a class of a hundred, the oracle and the search take (nothing is asserted)
	@$(CARGO) bench -q --bench class
	@$(CARGO) bench -q --bench tracers
	@$(CARGO) bench -q -p osmem-oracle --bench judged

lint: ## format and lints, warnings are errors
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets -- -D warnings
	$(CARGO) clippy --test carries -- -D warnings

# Of the machine models that Miri knows, both; 10 runs each, every one with other calls and another order of the threads.
# Its emulation of weak memory breaks down where one heap places atomics of several sizes: only threads need it.
MIRI      := $(CARGO) +nightly miri
MIRI_RUNS := -Zmiri-permissive-provenance -Zmiri-many-seeds=0..10

miri: ## the engine, and two threads on the heap of the process, under Miri: every access is judged, and every race seen
	@$(MIRI) --version >/dev/null 2>&1 || { echo 'Miri is missing: rustup toolchain install nightly --component miri,rust-src' >&2; exit 1; }
	@for model in '' -Zmiri-tree-borrows; do \
	  MIRIFLAGS="$(MIRI_RUNS) $$model" $(MIRI) test -q -p osmem --test miri two_threads && \
	  MIRIFLAGS="$(MIRI_RUNS) $$model -Zmiri-disable-weak-memory-emulation" $(MIRI) test -q -p osmem --test miri header || exit 1; done

musl: ## the allocator's own tests with musl instead of glibc: there the break is moved by the raw system call
	rustup target list --installed | grep -qx $(MUSL) || rustup target add $(MUSL)
	$(CARGO) test -p osmem --lib --test faults --test invariants --test model --test sizes --test threads --target $(MUSL)

doc: ## the documentation, warnings are errors
	RUSTDOCFLAGS='-D warnings' $(CARGO) doc --workspace --no-deps --document-private-items

# Root needs no cargo for this, and nothing below the build output changes its owner.
INSTALLED := $(addprefix $(OUT)/,osmem libosmem.so libosmem_malloc.so libosmem.a libosmem_probe.so libosmem_callers.so osmem-replayer osmem-box $(PROGRAMS))

COMPLETIONS := $(addprefix $(DEST)/share/,bash-completion/completions/osmem fish/vendor_completions.d/osmem.fish zsh/site-functions/_osmem)

install: | $(filter build,$(MAKECMDGOALS)) ## what `make build` has built, below PREFIX: libraries, header, pkg-config file, command with completions and manual pages, battery
	@for file in $(INSTALLED); do \
	  [ -f "$$file" ] || { echo "error: $$file does not exist: run 'make build' first, as the user who has Rust" >&2; exit 1; }; \
	done
	$(INSTALL) -d $(DEST)/bin $(DEST)/include $(DEST)/lib/pkgconfig $(DEST)/lib/osmem/test-programs $(DEST)/share/osmem/fixtures/traces
	$(INSTALL) -m 755 $(OUT)/osmem $(DEST)/bin/
	$(INSTALL) -d $(addprefix $(DEST)/share/,bash-completion/completions fish/vendor_completions.d zsh/site-functions man/man1)
	$(OUT)/osmem completions bash > $(DEST)/share/bash-completion/completions/osmem
	$(OUT)/osmem completions fish > $(DEST)/share/fish/vendor_completions.d/osmem.fish
	$(OUT)/osmem completions zsh > $(DEST)/share/zsh/site-functions/_osmem
	$(OUT)/osmem man $(DEST)/share/man/man1 > /dev/null
	chmod 644 $(COMPLETIONS) $(DEST)/share/man/man1/osmem*.1
	$(INSTALL) -m 644 include/osmem.h $(DEST)/include/
	$(INSTALL) -m 755 $(OUT)/libosmem.so $(OUT)/libosmem_malloc.so $(DEST)/lib/
	$(INSTALL) -m 644 $(OUT)/libosmem.a $(DEST)/lib/
	$(INSTALL) -m 755 $(OUT)/libosmem_probe.so $(OUT)/libosmem_callers.so $(OUT)/osmem-replayer $(OUT)/osmem-box $(DEST)/lib/osmem/
	$(INSTALL) -m 755 $(addprefix $(OUT)/,$(PROGRAMS)) $(DEST)/lib/osmem/test-programs/
	$(INSTALL) -m 644 fixtures/suite.toml $(DEST)/share/osmem/fixtures/
	$(INSTALL) -m 644 fixtures/traces/*.trace $(DEST)/share/osmem/fixtures/traces/
	sed -e 's|@PREFIX@|$(PREFIX)|' -e 's|@VERSION@|$(VERSION)|' osmem.pc.in > $(DEST)/lib/pkgconfig/osmem.pc
	chmod 644 $(DEST)/lib/pkgconfig/osmem.pc

uninstall: ## what install put below PREFIX
	rm -f $(DEST)/bin/osmem $(DEST)/include/osmem.h $(DEST)/lib/libosmem.so $(DEST)/lib/libosmem_malloc.so $(DEST)/lib/libosmem.a $(DEST)/lib/pkgconfig/osmem.pc
	rm -f $(COMPLETIONS) $(DEST)/share/man/man1/osmem.1 $(DEST)/share/man/man1/osmem-*.1
	rm -rf $(DEST)/lib/osmem $(DEST)/share/osmem

clean: ## the build output
	$(CARGO) clean

deps: ## what a Debian or Fedora machine lacks: strace, which is the witness then, a C and a C++ compiler (Rust comes from rustup)
	@.ci/deps

deps-full: ## that, and the programs that test-programs runs (perl, sqlite3, redis and the like)
	@.ci/deps full
