/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The tracepoints, group "tqueue": what goes into a queue and what leaves it,
 * what is dropped or comes back, and what becomes of the queue itself.  Those
 * of messages are hit with the lock held that orders them, so that they stand
 * in the trace as they happened.
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM tqueue

#if !defined(TQ_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define TQ_TRACE_H

#include <linux/tracepoint.h>

#include "compat.h"
#include "tqueue.h"

TRACE_EVENT(tqueue_send,
	    TP_PROTO(const struct tqueue *queue, u64 id, unsigned int count),
	    TP_ARGS(queue, id, count),
	    TP_STRUCT__entry(
		__string(name, dev_name(&queue->dev))
		__field(u64, id)
		__field(unsigned int, count)
	    ),
	    TP_fast_assign(
		tq_assign_str(name, dev_name(&queue->dev));
		__entry->id = id;
		__entry->count = count;
	    ),
	    TP_printk("queue=%s id=%llu count=%u", __get_str(name), __entry->id,
		      __entry->count)
);

TRACE_EVENT(tqueue_receive,
	    TP_PROTO(const struct tqueue *queue, unsigned int count,
		     unsigned long bytes),
	    TP_ARGS(queue, count, bytes),
	    TP_STRUCT__entry(
		__string(name, dev_name(&queue->dev))
		__field(unsigned int, count)
		__field(unsigned long, bytes)
	    ),
	    TP_fast_assign(
		tq_assign_str(name, dev_name(&queue->dev));
		__entry->count = count;
		__entry->bytes = bytes;
	    ),
	    TP_printk("queue=%s count=%u bytes=%lu", __get_str(name),
		      __entry->count, __entry->bytes)
);

DECLARE_EVENT_CLASS(tqueue_message,
		    TP_PROTO(const struct tqueue *queue, u64 id),
		    TP_ARGS(queue, id),
		    TP_STRUCT__entry(
			__string(name, dev_name(&queue->dev))
			__field(u64, id)
		    ),
		    TP_fast_assign(
			tq_assign_str(name, dev_name(&queue->dev));
			__entry->id = id;
		    ),
		    TP_printk("queue=%s id=%llu", __get_str(name), __entry->id)
);

DEFINE_EVENT(tqueue_message, tqueue_drop,
	     TP_PROTO(const struct tqueue *queue, u64 id),
	     TP_ARGS(queue, id)
);

DEFINE_EVENT(tqueue_message, tqueue_requeue,
	     TP_PROTO(const struct tqueue *queue, u64 id),
	     TP_ARGS(queue, id)
);

DECLARE_EVENT_CLASS(tqueue_queue,
		    TP_PROTO(const struct tqueue *queue),
		    TP_ARGS(queue),
		    TP_STRUCT__entry(
			__string(name, dev_name(&queue->dev))
			__field(u64, messages)
		    ),
		    TP_fast_assign(
			tq_assign_str(name, dev_name(&queue->dev));
			__entry->messages = tq_counter_read(&queue->tx.sent) -
					    tq_counter_read(&queue->rx.gone);
		    ),
		    TP_printk("queue=%s messages=%llu", __get_str(name),
			      __entry->messages)
);

DEFINE_EVENT(tqueue_queue, tqueue_create,
	     TP_PROTO(const struct tqueue *queue),
	     TP_ARGS(queue)
);

DEFINE_EVENT(tqueue_queue, tqueue_remove,
	     TP_PROTO(const struct tqueue *queue),
	     TP_ARGS(queue)
);

DEFINE_EVENT(tqueue_queue, tqueue_start,
	     TP_PROTO(const struct tqueue *queue),
	     TP_ARGS(queue)
);

DEFINE_EVENT(tqueue_queue, tqueue_stop,
	     TP_PROTO(const struct tqueue *queue),
	     TP_ARGS(queue)
);

#endif /* TQ_TRACE_H */

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
