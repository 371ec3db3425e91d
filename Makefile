# The two commands: `make run` and `make test`. Both install the few system packages they need when they may
# (as root, or with sudo that asks no password), and otherwise name them.

# Outside the checkout, so that a fresh clone does not build everything again.
export CARGO_TARGET_DIR ?= $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/antrum/target
# Networks are tested on the CPU.
export BURN_DEVICE ?= flex

CARGO := cargo
# Looked for when it is used, as `packages` may have installed it just before.
LAVAPIPE = $(firstword $(wildcard /usr/share/vulkan/icd.d/lvp_icd*.json))

.PHONY: run test bench window packages

run: packages
	$(CARGO) run --release --locked -- $(ARGS)

# Tests draw on the software Vulkan driver: the same pictures on every machine.
test: packages
	$(CARGO) fmt --check
	$(CARGO) clippy --release --locked --all-targets -- -D warnings
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --release --locked --no-deps --document-private-items
	VK_DRIVER_FILES=$(LAVAPIPE) XDG_RUNTIME_DIR="$${XDG_RUNTIME_DIR:-/tmp}" $(CARGO) test --release --locked

bench:
	$(CARGO) bench --locked

# The built program on a virtual screen; pictures of every step go to WINDOW.
WINDOW ?= $(CARGO_TARGET_DIR)/window
window: packages
	$(CARGO) build --release --locked
	VK_DRIVER_FILES=$(LAVAPIPE) tests/window.sh $(WINDOW)

packages:
	@sh .ci/packages
