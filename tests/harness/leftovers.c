// SPDX-License-Identifier: GPL-2.0-only
/* See leftovers.h. */
#include "leftovers.h"

#include "clock.h"
#include "module.h"
#include "queue.h"

#include "../../src/uapi/tqueue.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* Removes what named queues there are. True if there were none. */
static bool no_queues(char *why, size_t len)
{
	int control = open("/dev/tqueue-control", O_RDWR | O_CLOEXEC);
	struct tqueue_info info = { 0 };
	bool none = true;

	while (control >= 0 && !ioctl(control, TQUEUE_CTL_NEXT, &info)) {
		struct tqueue_select select = { .flags = TQUEUE_REMOVE_FORCE };

		memcpy(select.name, info.name, sizeof(select.name));
		if (ioctl(control, TQUEUE_CTL_REMOVE, &select))
			continue;
		snprintf(why, len, "the queue %s was left", info.name);
		none = false;
	}
	if (control >= 0)
		close(control);
	return none;
}

/* Each message that was ever sent through the default queue is accounted for. */
static bool adds_up(char *why, size_t len)
{
	double end = t_now() + 2 * t_slow();
	struct tqueue_info info;
	int fd;

	do {
		fd = open(TQ_DEVICE, O_RDONLY | O_CLOEXEC);
		if (fd < 0 || ioctl(fd, TQUEUE_INFO, &info)) {
			snprintf(why, len, "INFO fails: %s", strerror(errno));
			close(fd);
			return false;
		}
		close(fd);
		/* What was in flight when its reader was killed comes back soon. */
		if (!info.in_flight)
			break;
		t_sleep(0.001);
	} while (t_now() < end);
	if (info.sent == info.messages + info.received + info.dropped &&
	    !info.in_flight && !info.blocked_senders && !info.leased &&
	    !info.delayed && !info.buried)
		return true;
	snprintf(why, len, "%llu were sent, %llu received, %llu dropped; %llu are ready, %llu leased, %llu delayed, %llu buried, %u in flight, %u senders blocked",
		 (unsigned long long)info.sent, (unsigned long long)info.received,
		 (unsigned long long)info.dropped, (unsigned long long)info.messages,
		 (unsigned long long)info.leased, (unsigned long long)info.delayed,
		 (unsigned long long)info.buried, info.in_flight,
		 info.blocked_senders);
	return false;
}

/* The driver must be unused and empty again; gives it a moment for exits. */
bool t_left_clean(char *why, size_t len)
{
	double end = t_now() + 2 * t_slow();
	long reads;

	if (!t_module_loaded()) {
		snprintf(why, len, "the test left the module unloaded");
		return false;
	}
	if (!no_queues(why, len))
		return false;
	reads = t_try_drain();
	if (reads) {
		snprintf(why, len, reads > 0 ? "%ld messages were left in the queue" :
			 "draining failed with errno %ld", labs(reads));
		return false;
	}
	if (!adds_up(why, len))
		return false;
	while (t_references() > 0) {
		if (t_now() > end) {
			snprintf(why, len, "the module has %d references left",
				 t_references());
			return false;
		}
		t_sleep(0.001);
	}
	return true;
}
