# SPDX-License-Identifier: GPL-2.0-only
# tqueue: the front door. "make help" lists what it can do.

KDIR ?= /lib/modules/$(shell uname -r)/build
KERNEL ?= 6.1
# Tests that make guests also make what they need, in the cache: ~/.cache/tqueue (TQUEUE_CACHE).

build: ## the module src/tqueue.ko, for the running kernel or for KDIR=...
	$(MAKE) -C $(KDIR) M=$(CURDIR)/src modules

tools: ## the library, the command and the bridge, in build/tools/
	$(MAKE) -C tools

check: ## all tests (more than an hour; the first time longer)
	tests/check

check-quick: ## the tests that say in about five minutes whether it works
	tests/check --quick

check-fast: ## the suites in a small guest, seconds: [KERNEL=6.1|6.12|7.2[-rt]|arm64|...] [TEST="suite[.test] ..."]
	@tests/tally tests/vm/fast $(KERNEL) $(TEST)

check-suites: ## the suites in small guests of 6.1, 6.12, 7.2 and 6.1-rt
	tests/check suites-6.1 suites-6.12 suites-7.2 suites-6.1-rt

check-arch: ## all suites in small guests of all other architectures that Debian has: arm64, s390x, i386, ...
	tests/check --architectures

check-programs: ## what tqueue(4) says of shells and languages, tried with all of them
	@tests/tally tests/programs/check all

check-bridge: ## the bridge beside RabbitMQ 3.10 and 4.0 in the long form: two hours
	@tests/tally tests/bridge/check --long

check-style: ## checkpatch, kernel-doc, sparse, shellcheck
	tests/check checkpatch kernel-doc sparse shell

check-build: ## compile for all kernels, no warning allowed
	tests/check build

check-package: ## build the package, lintian, and its tests that need no booted machine
	tests/check package chroot-bookworm chroot-trixie chroot-sid

check-full: ## boot bookworm, trixie and sid with the package installed, and run all in them
	tests/check system-sid system-trixie system-bookworm acceptance

bench: ## what messages and jobs cost, beside pipes, queues, sockets and daemons, in a guest: tables, plots, limits
	@tests/tally tests/bench/all

bench-native: ## the same in time on this machine, where the module must be loaded
	@tests/bench/wall --native

pictures: ## the pictures in docs/: "tqueue top" in a guest, and the plots of the last "make bench"
	@tests/pictures/screens docs
	@tests/bench/plot
	@cp build/bench/price.svg build/bench/jobs.svg docs/

sanitize: ## the suites under kernels that find memory errors, lock misuse, leaks and races
	@tests/tally tests/sanitize/run

deb: ## build the Debian packages, in build/package/
	@tests/prepare
	@tests/vm/package

demo: ## see it work: a guest, the package, and a real log through /dev/tqueue
	@tests/demo/demo

debug: ## a guest with the module loaded and gdb attached: [KERNEL=6.1] [TEST=suite.test]
	@tests/vm/debug $(KERNEL) $(TEST)

clean: ## remove what was built here (the cache outside the tree stays)
	rm -rf build
	if [ -d $(KDIR) ]; then $(MAKE) -C $(KDIR) M=$(CURDIR)/src clean; fi

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1\t\2/p' $(MAKEFILE_LIST) | expand -t 16

.PHONY: build tools check check-quick check-fast check-suites check-arch check-programs check-bridge check-style check-build check-package check-full bench bench-native pictures sanitize deb demo debug clean help
