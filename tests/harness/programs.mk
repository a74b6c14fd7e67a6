# SPDX-License-Identifier: GPL-2.0-only
# Builds programs on the harness, for the Makefile that includes this from the directory of their sources, $(here): each
# NAME.c there is a program, with all of NAME/*.c if there is such a directory.
O ?= build
CC ?= gcc
CFLAGS ?= -O2 -g -Wall -Wextra -Werror
# What the smallest queues hold depends on the size of the pages that the kernel has, and so does what fills them.
PAGE ?= 4096
harness := $(dir $(abspath $(lastword $(MAKEFILE_LIST))))
# Bad pointers and absurd lengths are what some of the tests are made of. The harness has a memory.h, as the C library does.
override CFLAGS += -std=gnu11 -D_GNU_SOURCE -DTQ_PAGE=$(PAGE) -pthread -iquote $(harness) -iquote $(here) \
	-Wno-stringop-overflow -Wno-stringop-overread -Wno-nonnull -Wno-format-truncation -Wno-psabi
LDLIBS := -lcmocka -lpthread

programs := $(basename $(notdir $(wildcard $(here)*.c)))
objects := $(patsubst $(harness)%.c,$(O)/harness/%.o,$(wildcard $(harness)*.c))
headers := $(wildcard $(harness)*.h $(here)*.h) $(here)../../src/uapi/tqueue.h

all: $(programs:%=$(O)/%)

$(objects): $(O)/harness/%.o: $(harness)%.c $(headers) | $(O)/harness
	$(CC) $(CFLAGS) -c -o $@ $<

.SECONDEXPANSION:
$(programs:%=$(O)/%): $(O)/%: $(here)%.c $$(wildcard $(here)$$*/*.[ch]) $(headers) $(objects) | $(O)
	$(CC) $(CFLAGS) -o $@ $< $(wildcard $(here)$*/*.c) $(objects) $(LDLIBS)

$(O) $(O)/harness:
	mkdir -p $@

list:
	@printf '%s\n' $(programs)

clean:
	rm -f $(programs:%=$(O)/%) $(objects)

.PHONY: all list clean
