/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * TQUEUE_WAIT: sleeping until messages are settled.
 */
#ifndef TQ_SETTLED_H
#define TQ_SETTLED_H

#include <linux/mutex.h>

#include "notify.h"
#include "tqueue.h"

int tq_wait_settled(struct tq_file *file, u64 id, bool nowait,
		    ktime_t *deadline);

/*
 * Messages left or were settled: look which is the first that is not.  With
 * rx.lock held.  Returns TQ_NOTIFY_SETTLED if somebody waits for that.
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
