// SPDX-License-Identifier: GPL-2.0-only
/* See memory.h. */
#include "memory.h"

#include "check.h"
#include "clock.h"
#include "verdict.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

size_t t_page(void)
{
	return sysconf(_SC_PAGESIZE);
}

void t_needs_small_pages(void)
{
	if (t_page() != 4096)
		t_skip("it has sizes of its own, for pages of 4 KiB");
}

void *t_shared(size_t len)
{
	void *map = mmap(NULL, len, PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (map == MAP_FAILED) {
		perror("mmap");
		_exit(1);
	}
	return map;
}

char *t_edge(size_t len)
{
	size_t page = t_page();
	size_t whole = (len + page - 1) / page * page;
	char *map = mmap(NULL, whole + page, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	t_true(map != MAP_FAILED, "mmap fails with %s", t_error_name(errno));
	t_is(mprotect(map + whole, page, PROT_NONE), 0);
	memset(map, 0x5a, whole);
	return map + whole - len;
}

void t_edge_free(char *edge, size_t len)
{
	size_t page = t_page();
	size_t whole = (len + page - 1) / page * page;

	t_is(munmap(edge + len - whole, whole + page), 0);
}

void t_stall_make(struct t_stall *stall, size_t len)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register area = { .mode = UFFDIO_REGISTER_MODE_MISSING };
	size_t page = t_page();

	stall->len = (len + page - 1) / page * page;
	stall->uffd = syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK);
	if (stall->uffd < 0)
		t_skip("userfaultfd: %s", t_error_name(errno));
	t_is(ioctl(stall->uffd, UFFDIO_API, &api), 0);
	stall->map = mmap(NULL, stall->len, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	t_true(stall->map != MAP_FAILED, "mmap fails");
	area.range.start = (uintptr_t)stall->map;
	area.range.len = stall->len;
	t_is(ioctl(stall->uffd, UFFDIO_REGISTER, &area), 0);
}

bool t_stall_hit(struct t_stall *stall, int timeout_ms)
{
	struct pollfd wait = { .fd = stall->uffd, .events = POLLIN };

	return poll(&wait, 1, timeout_ms) == 1;
}

void t_stall_wait(struct t_stall *stall)
{
	t_true(t_stall_hit(stall, t_patience() * 1000),
	       "nothing touches the stalled memory");
}

/* Gives some of its pages contents. */
void t_stall_give(struct t_stall *stall, const void *from, size_t at,
		  size_t len)
{
	size_t page = t_page(), end = at + len;

	for (; at < end; at += page) {
		struct uffdio_copy copy = {
			.dst = (uintptr_t)stall->map + at,
			.src = (uintptr_t)from + at,
			.len = page,
		};

		if (ioctl(stall->uffd, UFFDIO_COPY, &copy) && errno != EEXIST)
			t_fail("UFFDIO_COPY fails with %s", t_error_name(errno));
	}
}

/* Who waits for it finds bad memory, as does who comes later. */
void t_stall_spoil(struct t_stall *stall)
{
	struct uffdio_range all = {
		.start = (uintptr_t)stall->map, .len = stall->len,
	};

	t_is(mprotect(stall->map, stall->len, PROT_NONE), 0);
	t_is(ioctl(stall->uffd, UFFDIO_WAKE, &all), 0);
}

/*
 * Of two pages each is there only while the other is wanted: returns when the
 * first is wanted once more.
 */
void t_stall_by_turns(struct t_stall *stall, const void *from)
{
	size_t page = t_page();

	t_stall_wait(stall);
	t_stall_give(stall, from, 0, page);
	t_stall_wait(stall);
	t_is(madvise(stall->map, page, MADV_DONTNEED), 0);
	t_stall_give(stall, from, page, page);
	t_stall_wait(stall);
}

/* Gives all of it contents (or zeroes) and lets everybody go on. */
void t_stall_release(struct t_stall *stall, const void *from)
{
	struct uffdio_range all = {
		.start = (uintptr_t)stall->map, .len = stall->len,
	};

	if (from)
		t_stall_give(stall, from, 0, stall->len);
	/* Whatever is not there by now is an ordinary fault. */
	t_is(ioctl(stall->uffd, UFFDIO_UNREGISTER, &all), 0);
	close(stall->uffd);
}
