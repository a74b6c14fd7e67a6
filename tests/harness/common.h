/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * All that the suites and the stress programs share, and what nearly all of them
 * include of the C library. For the driver's own calls: calls.h.
 */
#ifndef TQUEUE_TESTS_COMMON_H
#define TQUEUE_TESTS_COMMON_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "check.h"
#include "clock.h"
#include "dice.h"
#include "kernel_log.h"
#include "memory.h"
#include "messages.h"
#include "module.h"
#include "queue.h"
#include "run.h"
#include "tasks.h"
#include "verdict.h"

/* What the C library calls where the kernel has no call of the older name. */
#ifndef SYS_poll
#define SYS_poll	SYS_ppoll
#endif
#ifndef SYS_epoll_wait
#define SYS_epoll_wait	SYS_epoll_pwait
#endif
#ifdef SYS_pselect6_time64
#undef SYS_select
#define SYS_select	SYS_pselect6_time64
#elif !defined(SYS_select)
#define SYS_select	SYS_pselect6
#endif

#endif
