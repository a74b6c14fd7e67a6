// SPDX-License-Identifier: GPL-2.0-only
/*
 * Receiving many records in one call: TQUEUE_RECEIVE.
 *
 * As many records as there are and as fit are copied straight out of the ring,
 * in one copy, with page faults disabled; detached messages that stand between
 * them are copied one by one.  What faults twice goes the way of the hand.
 */
#include <linux/minmax.h>
#include <linux/sched/signal.h>
#include <linux/uidgid.h>

#include "hand.h"
#include "head.h"
#include "message.h"
#include "room.h"
#include "tqueue.h"
#include "wake.h"

/**
 * struct tq_inbox - records on their way from a queue to user space
 * @at: where the next goes
 * @room: bytes there
 * @most: how many more are wanted
 * @count: how many there are
 * @lost: messages that were dropped right before the first
 * @needed: with -EMSGSIZE and -EFAULT, the bytes of the one that did not fit or
 *	could not be copied
 * @peek: they stay in the queue
 */
struct tq_inbox {
	void __user *at;
	size_t room;
	int most;
	int count;
	u64 lost;
	size_t needed;
	bool peek;
};

static void tq_inbox_got(struct tq_inbox *inbox, size_t bytes, int count)
{
	inbox->at += bytes;
	inbox->room -= bytes;
	inbox->most -= count;
	inbox->count += count;
}

/*
 * The header of a message as this file's receiver sees it: what it may know of
 * the sender, and what belongs to this delivery.
 */
static void tq_header_for(const struct tq_file *file,
			  const struct tqueue_record *record, size_t length,
			  bool lost, struct tqueue_record *head)
{
	*head = *record;
	head->length = length;
	if (lost)
		head->flags |= TQUEUE_FLAG_DROPPED;
	if (likely(!file->foreign))
		return;
	head->uid = from_kuid_munged(file->cred->user_ns,
				     make_kuid(&init_user_ns, record->uid));
	if (!file->pids)
		head->pid = 0;
}

/*
 * How many messages were dropped right before the one of this id.  Only the
 * first record of a batch may follow a gap: its size is told once a batch.
 */
static u64 tq_lost_before(const struct tqueue *queue, u64 id)
{
	return unlikely(id == queue->gap_id) ? queue->gap : 0;
}

/* The gap was told of, or is about to be, to whoever takes its message. */
static void tq_gap_told(struct tqueue *queue, u64 id)
{
	lockdep_assert_held(&queue->receive_lock);

	if (id == queue->gap_id)
		queue->gap = 0;
}

/* Copy out a detached message with page faults disabled: 0 or -EFAULT. */
static int tq_copy_detached(const struct tq_file *file,
			    const struct tq_message *message, bool lost,
			    void __user *to)
{
	static const u64 zeros;
	size_t left = tq_message_left(message);
	struct tqueue_record head;

	tq_header_for(file, &message->record, left, lost, &head);
	if (tq_copy_out_partly(to, &head, sizeof(head)) != sizeof(head))
		return -EFAULT;
	to += sizeof(head);
	if (tq_copy_out_partly(to, message->record.payload + message->offset,
			       left) != left)
		return -EFAULT;
	to += left;
	left = tq_record_bytes(left) - sizeof(head) - left;
	return tq_copy_out_partly(to, &zeros, left) == left ? 0 : -EFAULT;
}

/*
 * How many records of the ring, from @from on, fit into @room bytes, and their
 * bytes.  A message of the index may come first: @until, or NULL.
 */
static size_t tq_measure_run(const struct tqueue *queue, unsigned long from,
			     const struct tq_message *until, size_t room,
			     int most, int *count)
{
	const struct tqueue_record *first = tq_ring_at(&queue->ring, from);
	const struct tqueue_record *record = first, *next;
	const void *end = (void *)first + min(queue->tail_seen - from, room);
	int n;

	for (n = 0; (void *)record < end && n < most; n++, record = next) {
		next = (void *)record +
		       tq_record_bytes(READ_ONCE(record->length));
		if ((void *)next > end)
			break;
		if (unlikely(until) &&
		    !tq_record_precedes(record, &until->record))
			break;
	}
	*count = n;
	return (void *)record - (void *)first;
}

/*
 * Copy @count records of the ring out one by one, with headers made for their
 * receiver.  Returns the bytes of those that were copied, in *@count how many.
 */
static size_t tq_copy_each(const struct tq_file *file, unsigned long from,
			   bool lost, void __user *to, int *count)
{
	const struct tqueue *queue = file->queue;
	struct tqueue_record head;
	size_t done = 0;
	int n;

	for (n = 0; n < *count; n++) {
		const struct tqueue_record *record =
			tq_ring_at(&queue->ring, from + done);
		size_t length = tq_ring_length(queue, from + done);
		size_t bytes = tq_record_bytes(length);
		size_t rest = bytes - sizeof(head);

		tq_header_for(file, record, length, lost && !n, &head);
		if (tq_copy_out_partly(to + done, &head, sizeof(head)) !=
		    sizeof(head) ||
		    tq_copy_out_partly(to + done + sizeof(head),
				       record->payload, rest) != rest)
			break;
		done += bytes;
	}
	*count = n;
	return done;
}

/*
 * Copy a run of records out of the ring.  Returns the bytes of those that were
 * copied, in *@count how many.
 */
static size_t tq_copy_run(const struct tq_file *file, unsigned long from,
			  const struct tq_message *until, bool lost,
			  const struct tq_inbox *inbox, int *count)
{
	struct tqueue *queue = file->queue;
	size_t bytes, copied;

	bytes = tq_measure_run(queue, from, until, inbox->room, inbox->most,
			       count);
	if (unlikely(lost || file->foreign))
		return tq_copy_each(file, from, lost, inbox->at, count);
	copied = tq_copy_out_partly(inbox->at, tq_ring_at(&queue->ring, from),
				    bytes);
	if (unlikely(copied != bytes))
		bytes = tq_measure_run(queue, from, until, copied, *count,
				       count);
	return bytes;
}

/**
 * struct tq_walk - a walk over a queue's messages in the order of delivery
 * @position: of the next record in the ring
 * @message: the next one in the index, or NULL
 * @freed: bytes of those that were taken
 * @taken: detached ones that were taken, to be freed
 */
struct tq_walk {
	unsigned long position;
	struct tq_message *message;
	unsigned long freed;
	struct list_head taken;
};

/* The walk's next is detached: copy it out.  0 or why not. */
static int tq_walk_detached(struct tq_file *file, struct tq_walk *walk,
			    struct tq_inbox *inbox)
{
	struct tqueue *queue = file->queue;
	struct tq_message *message = walk->message;
	size_t bytes = tq_record_bytes(tq_message_left(message));
	struct rb_node *next = rb_next(&message->node);
	u64 lost = tq_lost_before(queue, message->record.id);

	if (unlikely(lost && inbox->count))
		return -EAGAIN;
	inbox->needed = bytes;
	if (bytes > inbox->room)
		return -EMSGSIZE;
	if (tq_copy_detached(file, message, lost, inbox->at))
		return -EFAULT;
	if (!inbox->count)
		inbox->lost = lost;
	tq_inbox_got(inbox, bytes, 1);
	walk->message = next ? tq_message_of(next) : NULL;
	if (!inbox->peek) {
		tq_gap_told(queue, message->record.id);
		tq_index_del(queue, message);
		list_add(&message->in_hand, &walk->taken);
		walk->freed += tq_message_bytes(message);
	}
	return 0;
}

/* The walk's next stands in the ring: copy it out, and what follows. */
static int tq_walk_run(struct tq_file *file, struct tq_walk *walk,
		       struct tq_inbox *inbox)
{
	struct tqueue *queue = file->queue;
	u64 id = tq_ring_at(&queue->ring, walk->position)->id;
	u64 lost = tq_lost_before(queue, id);
	size_t bytes;
	int count;

	if (unlikely(lost && inbox->count))
		return -EAGAIN;
	bytes = tq_copy_run(file, walk->position, walk->message, lost, inbox,
			    &count);
	if (unlikely(!count)) {
		bytes = tq_record_bytes(tq_ring_length(queue, walk->position));
		inbox->needed = bytes;
		return bytes > inbox->room ? -EMSGSIZE : -EFAULT;
	}
	if (!inbox->count)
		inbox->lost = lost;
	tq_inbox_got(inbox, bytes, count);
	walk->position += bytes;
	if (!inbox->peek) {
		tq_gap_told(queue, id);
		WRITE_ONCE(queue->head, walk->position);
		walk->freed += bytes;
	}
	return 0;
}

/* Copy out what there is, with receive_lock held.  0, or why it ended. */
static int tq_walk_queue(struct tq_file *file, struct tq_walk *walk,
			 struct tq_inbox *inbox)
{
	struct tqueue *queue = file->queue;
	int ret;

	while (inbox->most) {
		bool ring = walk->position != queue->tail_seen;

		if (unlikely(walk->message) &&
		    (!ring ||
		     tq_record_precedes(&walk->message->record,
					tq_ring_at(&queue->ring,
						   walk->position))))
			ret = tq_walk_detached(file, walk, inbox);
		else if (ring)
			ret = tq_walk_run(file, walk, inbox);
		else
			return -EAGAIN;
		if (ret)
			return ret;
	}
	return 0;
}

/*
 * Copy records straight out of the queue, as many as there are and as fit.
 * Returns 0 when no more are wanted, or why it ended: -EAGAIN, -EFAULT,
 * -EMSGSIZE, or, when the file holds a rest, -EBUSY or -EIDRM.
 */
static int tq_receive_records(struct tq_file *file, struct tq_inbox *inbox)
{
	struct tqueue *queue = file->queue;
	struct tq_message *message, *next;
	struct tq_walk walk = { .taken = LIST_HEAD_INIT(walk.taken) };
	unsigned int debt = TQ_OWES_NOTHING;
	int count = inbox->count;
	int ret;

	mutex_lock(&queue->receive_lock);
	if (unlikely(file->rest)) {
		ret = queue->closed == -EIDRM ? -EIDRM : -EBUSY;
		mutex_unlock(&queue->receive_lock);
		return ret;
	}
	walk.position = queue->head;
	walk.message = tq_index_first(&queue->index);
	/* Pairs with tq_publish(): the records are complete. */
	queue->tail_seen = smp_load_acquire(&queue->tail);
	ret = tq_walk_queue(file, &walk, inbox);
	count = inbox->count - count;
	if (count && !inbox->peek)
		debt = tq_raise_limit(queue, walk.freed, count);
	mutex_unlock(&queue->receive_lock);

	list_for_each_entry_safe(message, next, &walk.taken, in_hand)
		tq_message_free(message);
	tq_settle_debt(queue, debt);
	return ret;
}

/*
 * Copy out a message that is in hand, with faults welcome: 0, or -EFAULT, and
 * the message went back.
 */
static int tq_deliver_record(struct tq_file *file, struct tq_inbox *inbox,
			     struct tq_hand *hand)
{
	struct tq_message *message = hand->message;
	size_t left = tq_message_left(message);
	size_t bytes = tq_record_bytes(left);
	struct tqueue_record head;
	int ret = -EFAULT;

	tq_header_for(file, &message->record, left, hand->lost, &head);
	if (!copy_to_user(inbox->at, &head, sizeof(head)) &&
	    !copy_to_user(inbox->at + sizeof(head),
			  message->record.payload + message->offset, left) &&
	    !clear_user(inbox->at + sizeof(head) + left,
			bytes - sizeof(head) - left)) {
		ret = 0;
		inbox->lost = hand->lost;
		tq_inbox_got(inbox, bytes, 1);
		mutex_lock(&file->queue->receive_lock);
		tq_gap_told(file->queue, message->record.id);
		mutex_unlock(&file->queue->receive_lock);
	}
	tq_put_down(file, hand, !ret);
	return ret;
}

/* Internal result: look again at what is first. */
#define TQ_LOOK_AGAIN (-ERANGE)

/* Receive one record of at most @resident bytes the way of the hand. */
static int tq_receive_first(struct tq_file *file, struct tq_inbox *inbox,
			    size_t resident)
{
	size_t payload = resident - sizeof(struct tqueue_record);
	struct tq_hand hand;
	int ret = tq_take_in_hand(file, SIZE_MAX, payload, true, &hand);

	if (!ret)
		return tq_deliver_record(file, inbox, &hand);
	/* Another one is first now, and longer. */
	return ret == -EFAULT ? TQ_LOOK_AGAIN : ret;
}

/*
 * Make the room for what is there resident: at least that for the record which
 * could not be copied.  No lock held.  Returns the bytes that are resident,
 * rounded down to what records may take.
 */
static size_t tq_fault_in_inbox(struct tq_file *file, struct tq_inbox *inbox)
{
	struct tqueue *queue = file->queue;
	size_t here = READ_ONCE(queue->tail) - READ_ONCE(queue->head);
	size_t want = max(inbox->needed, min(inbox->room, here));

	return ALIGN_DOWN(want - fault_in_writeable(inbox->at, want),
			  sizeof(u64));
}

static int tq_fill_inbox(struct tq_file *file, struct tq_inbox *inbox,
			 bool nowait, ktime_t *deadline)
{
	const struct tq_inbox empty = *inbox;
	struct tqueue *queue = file->queue;
	size_t resident = 0;
	bool woken = false;
	int count, ret;

	for (;;) {
		/* What was peeked at is found again. */
		if (inbox->peek)
			*inbox = empty;
		count = inbox->count;
		ret = tq_receive_records(file, inbox);
		if (inbox->count > count) {
			woken = woken && inbox->peek;
			resident = 0;
		}
		/* What is peeked at cannot be taken in hand. */
		if (ret == -EFAULT &&
		    (inbox->needed > resident || inbox->peek)) {
			/* This may take as long as the memory's owner likes. */
			if (woken)
				tq_pass_on(queue);
			woken = false;
			resident = tq_fault_in_inbox(file, inbox);
			if (resident < inbox->needed)
				break;
			ret = -ERESTARTSYS;
			if (signal_pending(current))
				break;
			continue;
		}
		if (inbox->count)
			break;
		if (ret == -EFAULT) {
			ret = tq_receive_first(file, inbox, resident);
			if (ret == TQ_LOOK_AGAIN)
				continue;
		}
		if (ret != -EAGAIN)
			break;
		if (tq_ended(file)) {
			ret = tq_removed(queue) ? -EIDRM : 0;
			break;
		}
		if (nowait)
			break;
		ret = tq_wait_readable(file, deadline);
		if (ret)
			break;
		woken = true;
	}
	/* Woken for a message, and leaving without it. */
	if (woken && (!inbox->count || inbox->peek))
		tq_pass_on(queue);
	return inbox->count ? 0 : ret;
}

/**
 * tq_batch_receive - receive messages as records
 * @file: the open file they are received through
 * @args: copied from user space and checked, but for the buffer; its results
 *	are filled in, also with -EMSGSIZE
 * @nowait: whether to fail rather than wait, whatever the deadline
 *
 * Context: Process context, may sleep, no lock held.
 * Return: how many were received; 0 at end-of-file; if none, -EAGAIN,
 * -ETIMEDOUT, -EMSGSIZE, -EBUSY, -EIDRM, -EFAULT, -ENOMEM, or -ERESTARTSYS or
 * -EINTR on a signal.
 */
int tq_batch_receive(struct tq_file *file, struct tqueue_receive *args,
		     bool nowait)
{
	struct tq_inbox inbox = {
		.at = u64_to_user_ptr(args->records),
		.room = min_t(u64, args->bytes, MAX_RW_COUNT),
		.most = args->count && args->count < INT_MAX ? args->count :
							       INT_MAX,
		.peek = args->flags & TQUEUE_RECEIVE_PEEK,
	};
	void __user *from = inbox.at;
	ktime_t place;
	int ret;

	if (!access_ok(inbox.at, inbox.room))
		return -EFAULT;
	ret = tq_fill_inbox(file, &inbox, nowait || !args->deadline,
			    tq_deadline(args->deadline, &place));
	if (ret && ret != -EMSGSIZE)
		return ret;
	args->bytes = ret ? inbox.needed : inbox.at - from;
	args->dropped = inbox.lost;
	return ret ?: inbox.count;
}
