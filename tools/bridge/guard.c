// SPDX-License-Identifier: GPL-2.0-only
#include <sys/socket.h>

#include "clock.h"
#include "guard.h"

void guard_init(struct guard *guard)
{
	atomic_init(&guard->call, 0);
	atomic_init(&guard->cut, 0);
	pthread_mutex_init(&guard->lock, NULL);
	guard->fd = -1;
	guard->seen = 0;
}

void guard_socket(struct guard *guard, int fd)
{
	pthread_mutex_lock(&guard->lock);
	guard->fd = fd;
	pthread_mutex_unlock(&guard->lock);
}

void guard_look(struct guard *guard, uint64_t limit)
{
	unsigned int call = atomic_load_explicit(&guard->call, memory_order_acquire);

	if (call != guard->seen) {
		guard->seen = call;
		guard->since = now_ns();
		return;
	}
	if (!(call & 1) || now_ns() - guard->since < limit || atomic_load(&guard->cut) == call)
		return;
	pthread_mutex_lock(&guard->lock);
	atomic_store(&guard->cut, call);
	if (guard->fd >= 0)
		shutdown(guard->fd, SHUT_RDWR);
	pthread_mutex_unlock(&guard->lock);
}
