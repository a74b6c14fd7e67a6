/* SPDX-License-Identifier: GPL-2.0-only */
/* System calls of a 32-bit program, made by one of 64 bits: both layouts beside each other. */
#ifndef TQUEUE_TESTS_CALLS32_H
#define TQUEUE_TESTS_CALLS32_H

#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common.h"

/* Only x86 has such memory, and nothing else asks for it. */
#ifndef MAP_32BIT
#define MAP_32BIT	0
#endif

/* Their numbers on x86. */
enum {
	CALL32_READ = 3, CALL32_WRITE = 4, CALL32_GETPID = 20, CALL32_IOCTL = 54,
	CALL32_READV = 145, CALL32_WRITEV = 146,
};

#ifdef __x86_64__
/* The arguments lose their upper half. Gives what the kernel gives: -errno. */
static inline long call32(long number, long a, long b, long c)
{
	long result;

	asm volatile("int $0x80" : "=a"(result)
		     : "a"(number), "b"(a), "c"(b), "d"(c)
		     : "memory", "r8", "r9", "r10", "r11");
	return (int)result;
}
#else
static inline long call32(long number, long a, long b, long c)
{
	(void)number;
	(void)a;
	(void)b;
	(void)c;
	return -1;
}
#endif

static inline void no_calls32(int number)
{
	(void)number;
	t_skip("no 32-bit system calls here");
}

/* Ends the test where there are no such calls; else memory whose addresses they can say. */
static inline char *calls32_memory(size_t len)
{
	char *low;

	signal(SIGSEGV, no_calls32);
	if (call32(CALL32_GETPID, 0, 0, 0) != getpid())
		no_calls32(0);
	signal(SIGSEGV, SIG_DFL);
	low = mmap(NULL, len, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
	t_true(low != MAP_FAILED, "there is no memory below 4 GiB");
	return low;
}

#endif
