/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Waiting until messages are settled: TQUEUE_WAIT.
 */
#ifndef TQ_SETTLED_H
#define TQ_SETTLED_H

#include <linux/mutex.h>

#include "notify.h"
#include "tqueue.h"

int tq_wait_settled(struct tq_file *file, u64 id, bool nowait,
		    ktime_t *deadline);

/*
 * Messages have left or were settled: publish the lowest id that is not
 * settled.  Returns TQ_NOTIFY_SETTLED if a call waits for that.  With rx.lock
 * held.
 */
static inline unsigned int tq_settled_changed(struct tqueue *queue)
{
	struct tq_rx *rx = &queue->rx;

	lockdep_assert_held(&rx->lock);

	if (likely(!(rx->attention & TQ_ATTENTION_SETTLED)))
		return 0;
	tq_counter_set(&rx->unsettled_id, tq_store_lowest_id(&rx->store));
	return TQ_NOTIFY_SETTLED;
}

#endif /* TQ_SETTLED_H */
