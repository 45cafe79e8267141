# Two commands matter: `make demo` and `make test`. Each does its own set-up.
#   make demo ARGS="--seconds 20"      passes arguments on

SHELL := /bin/bash
CARGO ?= cargo
ARGS ?=
SIGHTLINE := $(or $(CARGO_TARGET_DIR),target)/release/sightline
# A developer's checkout has real models beside it; a user's has not, and needs none.
export SIGHTLINE_MODELS ?= $(wildcard $(abspath ../shared/models))

.PHONY: help setup setup-openvino setup-gpu build test lint bench profile soak fuzz check-aarch64 install demo eval model-card clean

help:                           ## this list
	@grep -E '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## */\t/' | expand -t 12

setup:                          ## install what is needed: GStreamer, mosquitto, ONNX Runtime
	@deploy/setup.sh

setup-openvino:                 ## OpenVINO, and ONNX Runtime with OpenVINO, into .runtime/
	@deploy/setup-openvino.sh

setup-gpu:                      ## further, what runs models on an NVIDIA GPU: ONNX Runtime with CUDA, 2 GB
	@deploy/setup-gpu.sh

build: setup                    ## the daemon: target/release/sightline
	$(CARGO) build --release --locked -p sightline

test: setup setup-openvino      ## every test, the real binary's included
	@tests/fault_figures.sh begin
	$(CARGO) test --workspace --locked --no-fail-fast
	@tests/fault_figures.sh
	$(CARGO) test -p sightline --test soak --locked --no-run   # takes ten minutes to run, and must still build
	tests/systemd/check.sh
	training/test.sh

lint: setup                     ## formatting, clippy, dependency rule
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets --locked -- -D warnings
	$(CARGO) clippy -p sightline --test soak --locked -- -D warnings   # no target of `cargo test`, so not among the above
	@if command -v cargo-deny >/dev/null; then cargo deny --offline check bans licenses sources; else echo "lint: cargo-deny is not installed; the dependency rule is tested by 'make test' as well"; fi

bench: setup                    ## criterion benchmarks of the hot path
	$(CARGO) bench --locked -p sightline-core -p sightline-pipeline $(ARGS)

profile: build                  ## where a frame's time goes: docs/images/flamegraph.svg; needs Debian's linux-perf and the right to use it
	deploy/profile.sh $(SIGHTLINE) docs/images/flamegraph.svg

soak: setup                     ## what cameras cost, then 16 cameras under faults for SECONDS=600, from SEED=… if given
	SIGHTLINE_SOAK_SECONDS=$(or $(SECONDS),600) $(if $(SEED),SIGHTLINE_SOAK_SEED=$(SEED)) \
	  $(CARGO) test --release --locked -p sightline --test soak -- --test-threads=1 --nocapture $(ARGS)

fuzz:                           ## look for input that breaks a parser, SECONDS=60 per target
	@fuzz/run.sh --seconds $(or $(SECONDS),60) $(ARGS)

check-aarch64:                  ## what can be proven of an aarch64 board without one: cross-build, tests under qemu
	@deploy/aarch64-check.sh

install: build                  ## into PREFIX=/usr/local, below DESTDIR if given; see docs/systemd.md
	@deploy/install.sh $(SIGHTLINE) $(or $(PREFIX),/usr/local) $(DESTDIR)

demo: build                     ## simulated cameras, a broker, the daemon, events on the console
	@$(SIGHTLINE) demo $(ARGS)

eval: build                     ## mAP over ../shared/eval, beside the reference figures
	@tests/eval/run.sh $(ARGS)

model-card: setup               ## evaluate and draw our own model anew: models/README.md, docs/images, references
	training/model_card.sh

clean:                          ## build results and the fetched runtime
	$(CARGO) clean
	rm -rf .runtime .venv out
