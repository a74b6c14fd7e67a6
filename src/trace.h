/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The tracepoints, group "tqueue": what enters a queue and what leaves it, what
 * is dropped, what comes back, and what happens to the queue itself.  The
 * tracepoints of messages are hit under the lock that orders the events, so the
 * trace shows them in the order in which they happened.
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

DEFINE_EVENT(tqueue_message, tqueue_delay,
	     TP_PROTO(const struct tqueue *queue, u64 id),
	     TP_ARGS(queue, id)
);

DEFINE_EVENT(tqueue_message, tqueue_requeue,
	     TP_PROTO(const struct tqueue *queue, u64 id),
	     TP_ARGS(queue, id)
);

DEFINE_EVENT(tqueue_message, tqueue_expire,
	     TP_PROTO(const struct tqueue *queue, u64 id),
	     TP_ARGS(queue, id)
);

DEFINE_EVENT(tqueue_message, tqueue_bury,
	     TP_PROTO(const struct tqueue *queue, u64 id),
	     TP_ARGS(queue, id)
);

DEFINE_EVENT(tqueue_message, tqueue_kick,
	     TP_PROTO(const struct tqueue *queue, u64 id),
	     TP_ARGS(queue, id)
);

TRACE_EVENT(tqueue_lease,
	    TP_PROTO(const struct tqueue *queue, u64 id, u32 delivery),
	    TP_ARGS(queue, id, delivery),
	    TP_STRUCT__entry(
		__string(name, dev_name(&queue->dev))
		__field(u64, id)
		__field(u32, delivery)
	    ),
	    TP_fast_assign(
		tq_assign_str(name, dev_name(&queue->dev));
		__entry->id = id;
		__entry->delivery = delivery;
	    ),
	    TP_printk("queue=%s id=%llu delivery=%u", __get_str(name),
		      __entry->id, __entry->delivery)
);

TRACE_EVENT(tqueue_settle,
	    TP_PROTO(const struct tqueue *queue, u64 id, u32 delivery,
		     u8 action, int result),
	    TP_ARGS(queue, id, delivery, action, result),
	    TP_STRUCT__entry(
		__string(name, dev_name(&queue->dev))
		__field(u64, id)
		__field(u32, delivery)
		__field(u8, action)
		__field(int, result)
	    ),
	    TP_fast_assign(
		tq_assign_str(name, dev_name(&queue->dev));
		__entry->id = id;
		__entry->delivery = delivery;
		__entry->action = action;
		__entry->result = result;
	    ),
	    TP_printk("queue=%s id=%llu delivery=%u action=%u result=%d",
		      __get_str(name), __entry->id, __entry->delivery,
		      __entry->action, __entry->result)
);

/* For the first and the last user of a tracepoint: see observe.c. */
int tq_observe_traced(void);
void tq_observe_untraced(void);

DECLARE_EVENT_CLASS(tqueue_lasted,
		    TP_PROTO(const struct tqueue *queue, u64 id, u64 ns),
		    TP_ARGS(queue, id, ns),
		    TP_STRUCT__entry(
			__string(name, dev_name(&queue->dev))
			__field(u64, id)
			__field(u64, ns)
		    ),
		    TP_fast_assign(
			tq_assign_str(name, dev_name(&queue->dev));
			__entry->id = id;
			__entry->ns = ns;
		    ),
		    TP_printk("queue=%s id=%llu ns=%llu", __get_str(name),
			      __entry->id, __entry->ns)
);

DEFINE_EVENT_FN(tqueue_lasted, tqueue_waited,
		TP_PROTO(const struct tqueue *queue, u64 id, u64 ns),
		TP_ARGS(queue, id, ns),
		tq_observe_traced, tq_observe_untraced
);

DEFINE_EVENT_FN(tqueue_lasted, tqueue_held,
		TP_PROTO(const struct tqueue *queue, u64 id, u64 ns),
		TP_ARGS(queue, id, ns),
		tq_observe_traced, tq_observe_untraced
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

DEFINE_EVENT(tqueue_queue, tqueue_pause,
	     TP_PROTO(const struct tqueue *queue),
	     TP_ARGS(queue)
);

DEFINE_EVENT(tqueue_queue, tqueue_resume,
	     TP_PROTO(const struct tqueue *queue),
	     TP_ARGS(queue)
);

DEFINE_EVENT(tqueue_queue, tqueue_stop,
	     TP_PROTO(const struct tqueue *queue),
	     TP_ARGS(queue)
);

DEFINE_EVENT(tqueue_queue, tqueue_block,
	     TP_PROTO(const struct tqueue *queue),
	     TP_ARGS(queue)
);

#endif /* TQ_TRACE_H */

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
