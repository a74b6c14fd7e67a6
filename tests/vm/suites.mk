# How a suite is compiled (by tests/vm/suites, inside the tools tree).
CFLAGS ?= -O2 -g -Wall -Wextra -Wno-unused-parameter -D_GNU_SOURCE
common := $(wildcard tests/suites/common.c)

build/suites/%: tests/suites/%.c $(common) $(wildcard tests/suites/*.h src/uapi/*.h)
	$(CC) $(CFLAGS) -Isrc/uapi -Itests/suites -o $@ $< $(common) -lcmocka -luring -lpthread
