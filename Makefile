# tqueue: the front door. "make help" lists what it can do.

KDIR ?= /lib/modules/$(shell uname -r)/build
KERNEL ?= 6.1

build: ## the module src/tqueue.ko, for the running kernel or for KDIR=...
	$(MAKE) -C $(KDIR) M=$(CURDIR)/src modules

check-fast: ## suites in a small guest: KERNEL=6.1|6.12|7.2[-rt], TEST="suite[.test] ..."
	tests/tally tests/vm/fast $(KERNEL) $(TEST)

clean: ## remove what was built here (the cache outside the tree stays)
	rm -rf build
	if [ -d $(KDIR) ]; then $(MAKE) -C $(KDIR) M=$(CURDIR)/src clean; fi

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1\t\2/p' $(MAKEFILE_LIST) | expand -t 16

.PHONY: build check-fast clean help
