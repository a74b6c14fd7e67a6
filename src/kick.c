// SPDX-License-Identifier: GPL-2.0-only
/*
 * Making buried and delayed messages ready: TQUEUE_KICK.
 */
#include <linux/limits.h>
#include <linux/sched/signal.h>

#include "message.h"
#include "notify.h"
#include "states.h"
#include "store.h"
#include "tqueue.h"
#include "trace.h"

/**
 * struct tq_kick - a kick in progress
 * @args: what the caller asked for
 * @after: the last id that was passed
 * @count: how many more messages to kick
 * @kicked: how many messages were kicked
 * @left: how many buried messages stayed, because other messages have their
 *	keys
 */
struct tq_kick {
	const struct tqueue_kick *args;
	u64 after;
	u32 count;
	int kicked;
	u32 left;
};

/* The next message that may be kicked, in the order of ids, or NULL. */
static struct tq_message *tq_kick_next(struct tqueue *queue,
				       const struct tq_kick *kick)
{
	const struct tq_store *store = &queue->rx.store;
	struct tq_message *buried = NULL, *other = NULL;

	if (kick->args->states & TQUEUE_BURIED)
		buried = tq_store_next(&store->buried, kick->after);
	if (kick->args->states & TQUEUE_DELAYED)
		other = tq_store_next(&store->by_id, kick->after);
	if (!buried || (other && other->record.id < buried->record.id))
		return other;
	return buried;
}

static void tq_kick_one(struct tqueue *queue, struct tq_message *message,
			struct tq_kick *kick, struct tq_notify *notify)
{
	if (message->state == TQ_MESSAGE_BURIED) {
		if (tq_key_taken(queue, message)) {
			kick->left++;
			return;
		}
		message->record.attempts = 0;
	} else if (message->state != TQ_MESSAGE_DELAYED) {
		return;
	}
	message->reason = TQUEUE_REASON_KICKED;
	tq_seize(queue, message);
	trace_tqueue_kick(queue, message->record.id);
	tq_place_ready(queue, message, notify);
	tq_reopen_stream(&queue->rx, message);
	kick->count--;
	kick->kicked++;
}

/* Kick one piece.  Returns whether there may be more.  With rx.lock held. */
static bool tq_kick_piece(struct tqueue *queue, struct tq_kick *kick,
			  struct tq_notify *notify)
{
	struct tq_message *message;
	int n;

	for (n = 0; n < TQ_STATES_PIECE && kick->count; n++) {
		message = tq_kick_next(queue, kick);
		if (!message || message->record.id > kick->args->id)
			return false;
		kick->after = message->record.id;
		tq_kick_one(queue, message, kick, notify);
	}
	return kick->count;
}

/**
 * tq_kick - make buried or delayed messages ready
 * @file: an open file of the queue
 * @args: a checked copy of what user space gave; gets the result
 *
 * Context: Process context, may sleep, no lock held.
 * Return: the number of messages made ready; -EIDRM.
 */
int tq_kick(struct tq_file *file, struct tqueue_kick *args)
{
	struct tqueue *queue = file->queue;
	struct tq_kick kick = {
		.args = args,
		.count = min_t(u32, args->count ?: INT_MAX, INT_MAX),
	};
	bool more;

	do {
		struct tq_notify notify = {};

		mutex_lock(&queue->rx.lock);
		if (queue->policy.shutdown_error == -EIDRM) {
			mutex_unlock(&queue->rx.lock);
			return kick.kicked ?: -EIDRM;
		}
		more = tq_kick_piece(queue, &kick, &notify);
		mutex_unlock(&queue->rx.lock);
		tq_notify_deliver(queue, &notify);
		cond_resched();
	} while (more && !fatal_signal_pending(current));
	args->left = kick.left;
	return kick.kicked;
}
