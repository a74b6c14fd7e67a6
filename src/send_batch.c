// SPDX-License-Identifier: GPL-2.0-only
/*
 * Sending many records in one call: TQUEUE_SEND.
 *
 * A batch is copied once, a piece at a time, straight to tx.pos, with page
 * faults disabled.  There user space cannot change it any more, so it is
 * checked and stamped there.  The records that are valid are then published
 * together.  A record takes the slow path of single messages if the memory
 * faults twice, if it finds no room, or if it is longer than a piece.
 */
#include <linux/minmax.h>
#include <linux/sched/signal.h>
#include <linux/sizes.h>

#include "clock.h"
#include "compat.h"
#include "drop.h"
#include "message.h"
#include "notify.h"
#include "send.h"
#include "space.h"
#include "tqueue.h"
#include "unique.h"
#include "user.h"

/* The most bytes that are faulted in at once: there may be no room for more. */
#define TQ_FAULT_IN_MOST	SZ_1M

/*
 * The most bytes that are copied at once.  Short records take longer to stamp
 * than to copy, so their piece is smaller.
 */
#define TQ_PIECE_SHORT		((size_t)SZ_64K)
#define TQ_PIECE_LONG		tq_record_bytes(TQ_PIECE)

/* Whether the header is plain: no priority, no flags.  Compares one word. */
static inline bool tq_header_plain(const struct tqueue_record *record)
{
	const __le32 *word = (const __le32 *)&record->header_words;

	return likely(*word == cpu_to_le32(TQUEUE_HEADER_WORDS));
}

#define TQ_SENDER_FLAGS	(TQUEUE_FLAG_UNIQUE | TQUEUE_FLAG_UNSETTLED | \
			 TQUEUE_FLAG_DELAY)

/* Whether the header is not plain but valid. */
static bool tq_header_special(const struct tqueue_record *record)
{
	u16 flags = record->flags;

	if (record->priority > TQUEUE_PRIORITY_MAX || flags & ~TQ_SENDER_FLAGS)
		return false;
	if (record->header_words == TQUEUE_HEADER_WORDS)
		return !flags;
	return record->header_words == TQUEUE_HEADER_WORDS_EXTRA &&
	       (flags & TQUEUE_FLAG_UNIQUE || !(flags & TQUEUE_FLAG_UNSETTLED));
}

/*
 * Check a header that user space cannot change any more.  Returns 0, an error,
 * or TQ_SEND_SLOW if the record cannot go straight into the ring.
 */
static int tq_header_check(const struct tqueue_record *record,
			   const struct tq_policy *policy)
{
	bool plain = tq_header_plain(record);

	if (!plain && !tq_header_special(record))
		return -EINVAL;
	if (record->length > READ_ONCE(policy->max_message))
		return -EMSGSIZE;
	return !plain || record->length > READ_ONCE(policy->direct_max) ?
	       TQ_SEND_SLOW : 0;
}

/* The bytes of a record in the caller's buffer.  Its header is valid. */
static size_t tq_sent_bytes(const struct tqueue_record *record)
{
	return tq_record_bytes(record->length) - sizeof(*record) +
	       record->header_words * sizeof(u64);
}

/**
 * struct tq_send_batch - a TQUEUE_SEND in progress
 * @at: the next record in the caller's buffer
 * @bytes: bytes from there to the end of the buffer
 * @count: how many records were sent
 * @last_id: the id of the last of them; with -EEXIST, of the message that has
 *	the key
 * @args: the arguments, which apply to all records
 * @now: when delays begin: CLOCK_BOOTTIME; set by the first delay
 */
struct tq_send_batch {
	const void __user *at;
	size_t bytes;
	int count;
	u64 last_id;
	const struct tqueue_send *args;
	s64 now;
};

static void tq_send_batch_sent(struct tq_send_batch *batch, size_t bytes,
			       int count, u64 last_id)
{
	batch->at += bytes;
	batch->bytes -= bytes;
	batch->count += count;
	batch->last_id = last_id;
}

/*
 * Check and stamp the records at tx.pos, where @copied bytes were copied.
 * Returns the bytes of the records that are complete and valid, their number in
 * *@count, and the number of those without payload in *@empties.
 */
static size_t tq_stamp_records(struct tq_file *file, size_t copied, int *count,
			       int *empties)
{
	struct tqueue *queue = file->queue;
	struct tqueue_record *first = tq_ring_at(&queue->ring, queue->tx.pos);
	s64 now = tq_stamp_time();
	unsigned long direct_max = queue->policy.direct_max;
	u64 last_id = tq_counter_get(&queue->tx.last_id);
	struct tqueue_record *record = first, *next;
	const void *end = (void *)first + copied;
	u32 pid = task_tgid_nr(current);
	u32 uid = file->uid;
	u64 id = last_id;

	*count = 0;
	*empties = 0;
	if (unlikely(copied < sizeof(*record)))
		return 0;
	for (; (void *)record <= end - sizeof(*record); record = next) {
		unsigned long length = record->length;

		if (unlikely(!tq_header_plain(record)))
			break;
		/* Too long or empty: one comparison finds both. */
		if (unlikely(length - 1 >= direct_max)) {
			if (length)
				break;
			++*empties;
		}
		next = (void *)record + tq_record_bytes(length);
		/*
		 * A record without payload ends with its header, which is
		 * complete.
		 */
		if (unlikely((void *)next > end))
			break;
		tq_record_clear_pad(record);
		tq_record_sign(record, now, uid, pid);
		record->id = ++id;
	}
	*count = id - last_id;
	return (void *)record - (void *)first;
}

/* Why the first record at tx.pos cannot be sent as it is. */
static int tq_record_fault(struct tqueue *queue,
			   const struct tq_send_batch *batch, size_t want,
			   size_t copied)
{
	const struct tqueue_record *record =
		tq_ring_at(&queue->ring, queue->tx.pos);
	int ret;

	/* The buffer ends inside the record. */
	if (batch->bytes < sizeof(*record))
		return -EINVAL;
	if (copied >= sizeof(*record)) {
		ret = tq_header_check(record, &queue->policy);
		if (ret)
			return ret;
		if (batch->bytes < tq_sent_bytes(record))
			return -EINVAL;
	}
	return copied < want ? -EFAULT : -EAGAIN;
}

/* The bytes of the complete records within @most that look valid. */
static size_t tq_measure_records(const struct tq_policy *policy,
				 const struct tq_send_batch *batch, size_t most)
{
	const void __user *at = batch->at, *end = at + most;
	struct tqueue_record head = {};

	if (most < sizeof(head) || !user_read_access_begin(at, most))
		return 0;
	pagefault_disable();
	while (at <= end - sizeof(head)) {
		const void __user *next;

		unsafe_get_user(*(u64 *)&head, (const u64 __user *)at, out);
		if (!tq_header_plain(&head) || head.length > policy->direct_max)
			break;
		next = at + tq_record_bytes(head.length);
		if (next > end)
			break;
		at = next;
	}
out:
	pagefault_enable();
	user_read_access_end();
	return at - (const void __user *)batch->at;
}

/*
 * The room that there is once every record in the ring is gone.  For more, a
 * batch would have to drop messages of a higher priority than its own.
 *
 * This does not take rx.lock.  A receiver that is at work may make the result
 * too small, which only makes the batch send fewer records at once.
 */
static size_t tq_room_of_lowest(const struct tqueue *queue)
{
	const struct tq_rx *rx = &queue->rx;
	unsigned long limit = READ_ONCE(rx->limit);
	long room = limit - READ_ONCE(rx->store.pos);

	return max(room, 0L);
}

/*
 * Drop old messages to make room for *@want bytes of records, but only once it
 * is known that the records can be copied.  Sets *@want to the bytes of whole
 * records.  Returns 0 or why not.
 *
 * The batch drops what its records would drop one by one.  Where a record would
 * drop another one of the same batch, they are sent one by one.
 */
static int tq_drop_for_records(struct tqueue *queue,
			       const struct tq_send_batch *batch, size_t *want,
			       struct tq_notify *notify)
{
	struct tq_user user = { .buf = (void __user *)batch->at };
	int ret;

	/* One piece does not drop all that receivers could still take. */
	*want = min3(*want, queue->ring.size / 4, tq_room_of_lowest(queue));
	*want = tq_measure_records(&queue->policy, batch, *want);
	if (!*want)
		return TQ_SEND_SLOW;
	if (!tq_readable_nofault(&user, *want))
		return -EFAULT;
	ret = tq_drop_for(queue, *want, notify);
	if (unlikely(ret == TQ_ROOM_DETACHED || ret == -ENOBUFS))
		return TQ_SEND_SLOW;
	return ret;
}

/* Find room for the next *@want bytes, or for fewer: 0 or why not. */
static int tq_room_for_records(struct tqueue *queue,
			       const struct tq_send_batch *batch, size_t *want,
			       struct tq_notify *notify)
{
	struct tq_tx *tx = &queue->tx;

	if (likely(tq_has_room(queue, *want)))
		return 0;
	if (queue->policy.overflow == TQUEUE_OVERFLOW_DROP_OLDEST)
		return tq_drop_for_records(queue, batch, want, notify);
	if (!tq_fits(tx->limit_cached, tx->pos, sizeof(struct tqueue_record)))
		return -EAGAIN;
	*want = tx->limit_cached - tx->pos;
	return 0;
}

/*
 * Copy as many records straight into the ring as there is room for.  Returns 0
 * if there were any; -EAGAIN if the first does not fit; -EFAULT; -EINVAL;
 * -EMSGSIZE; TQ_SEND_SLOW.
 */
static int tq_send_records(struct tq_file *file, struct tq_send_batch *batch)
{
	struct tqueue *queue = file->queue;
	struct tq_tx *tx = &queue->tx;
	struct tq_notify notify __uninitialized;
	size_t piece = TQ_PIECE_SHORT;
	size_t want, copied, bytes;
	int count, empties;
	int ret;

	notify.events = 0;
	notify.garbage = NULL;
again:
	mutex_lock(&tx->lock);
	if (unlikely(tx->gate)) {
		ret = tx->gate == TQ_GATE_NO_READER ? TQ_SEND_SLOW : -EAGAIN;
		goto unlock;
	}
	want = min(batch->bytes, piece);
	ret = tq_room_for_records(queue, batch, &want, &notify);
	if (unlikely(ret))
		goto unlock;
	copied = tq_copy_from_user_some(tq_ring_at(&queue->ring, tx->pos),
					batch->at, want);
	bytes = tq_stamp_records(file, copied, &count, &empties);
	if (unlikely(!count)) {
		ret = tq_record_fault(queue, batch, want, copied);
		/* The first record is longer than a piece of short ones. */
		if (ret != -EAGAIN || want < piece || piece == TQ_PIECE_LONG)
			goto unlock;
		mutex_unlock(&tx->lock);
		piece = TQ_PIECE_LONG;
		goto again;
	}
	tq_send_batch_sent(batch, bytes, count, tq_alloc_ids(queue, count));
	if (unlikely(empties))
		tq_empties_enter(queue, empties);
	tq_publish(queue, bytes);
	mutex_unlock(&tx->lock);

	tq_notify_ready(queue, count, count > empties);
	ret = 0;
	goto deliver;

unlock:
	mutex_unlock(&tx->lock);
deliver:
	tq_notify_events(queue, notify.events);
	tq_messages_put(notify.garbage);
	return ret;
}

/* Fetch the options of a record: its key and its delay. */
static int tq_fetch_options(const struct tq_send_batch *batch,
			    const struct tqueue_record *head,
			    struct tqueue_record_extra *extra, u32 *flags)
{
	const struct tqueue_send *args = batch->args;
	u32 given = 0;

	*flags = args->flags;
	extra->key = args->key;
	extra->delay = args->delay;
	if (head->header_words == TQUEUE_HEADER_WORDS)
		return 0;
	if (copy_from_user(extra, batch->at + sizeof(*head), sizeof(*extra)))
		return -EFAULT;
	if ((extra->key && !(head->flags & TQUEUE_FLAG_UNIQUE)) ||
	    (extra->delay && !(head->flags & TQUEUE_FLAG_DELAY)) ||
	    extra->delay > S64_MAX)
		return -EINVAL;
	if (head->flags & TQUEUE_FLAG_UNIQUE)
		given |= TQUEUE_SEND_UNIQUE;
	else
		extra->key = args->key;
	if (head->flags & TQUEUE_FLAG_UNSETTLED)
		given |= TQUEUE_SEND_UNSETTLED;
	if (head->flags & TQUEUE_FLAG_DELAY)
		given |= TQUEUE_SEND_DELAY;
	else
		extra->delay = args->delay;
	/* The options of the record itself take precedence. */
	if (given & TQUEUE_SEND_UNIQUE)
		*flags &= ~TQUEUE_SEND_UNSETTLED;
	*flags |= given;
	return 0;
}

/* Give a message its key and its delay: 0 or -ENOMEM. */
static int tq_apply_options(struct tq_send_batch *batch,
			    const struct tqueue_record_extra *extra, u32 flags,
			    struct tq_message *message)
{
	struct tq_key *key;

	if (!batch->now)
		batch->now = tq_now_boottime();
	if (flags & TQUEUE_SEND_DELAY && extra->delay)
		message->when = tq_time_after(batch->now, extra->delay);
	if (!(flags & TQUEUE_SEND_UNIQUE))
		return 0;
	key = kzalloc_obj(*key, GFP_KERNEL_ACCOUNT);
	if (!key)
		return -ENOMEM;
	key->message = message;
	key->key = extra->key;
	key->uid = message->record.uid;
	key->unsettled = flags & TQUEUE_SEND_UNSETTLED;
	message->key = key;
	return 0;
}

/*
 * Copy one record in, with no lock held.  Returns the message or an ERR_PTR,
 * and its bytes in the caller's buffer in *@bytes.
 */
static struct tq_message *tq_fetch_record(struct tq_file *file,
					  struct tq_send_batch *batch,
					  size_t *bytes)
{
	struct tqueue_record_extra extra;
	struct tq_message *message;
	struct tqueue_record head;
	u32 flags;
	int ret;

	if (batch->bytes < sizeof(head))
		return ERR_PTR(-EINVAL);
	if (copy_from_user(&head, batch->at, sizeof(head)))
		return ERR_PTR(-EFAULT);
	ret = tq_header_check(&head, &file->queue->policy);
	if (ret && ret != TQ_SEND_SLOW)
		return ERR_PTR(ret);
	*bytes = tq_sent_bytes(&head);
	if (*bytes > batch->bytes)
		return ERR_PTR(-EINVAL);
	ret = tq_fetch_options(batch, &head, &extra, &flags);
	if (ret)
		return ERR_PTR(ret);

	message = tq_message_alloc(head.length);
	if (!message)
		return ERR_PTR(-ENOMEM);
	tq_record_stamp(&message->record, head.length, file->uid);
	message->record.priority = head.priority;
	ret = tq_apply_options(batch, &extra, flags, message);
	if (!ret && copy_from_user(message->record.payload,
				   batch->at + head.header_words * sizeof(u64),
				   head.length))
		ret = -EFAULT;
	if (!ret)
		return message;
	tq_message_put(message);
	return ERR_PTR(ret);
}

/* Send the first record of a batch by the slow path of single messages. */
static int tq_send_first(struct tq_file *file, struct tq_send_batch *batch,
			 bool nowait, bool pass, ktime_t *deadline)
{
	struct tq_message *message;
	size_t bytes;
	u64 id = 0;
	int ret;

	message = tq_fetch_record(file, batch, &bytes);
	if (IS_ERR(message))
		return PTR_ERR(message);
	ret = tq_send_message(file, &message, nowait, pass, deadline, &id);
	tq_message_put(message);
	if (!ret)
		tq_send_batch_sent(batch, bytes, 1, id);
	else if (ret == -EEXIST && !batch->count)
		batch->last_id = id;
	return ret;
}

/*
 * Whether the next record seems to need the slow path.  Saves copying a batch
 * of such records twice.
 */
static bool tq_next_special(const struct tq_send_batch *batch)
{
	struct tqueue_record head = {};
	u64 __user *from = (u64 __user *)batch->at;

	if (batch->args->flags)
		return true;
	return batch->bytes >= sizeof(head) &&
	       !get_user(*(u64 *)&head, from) && !tq_header_plain(&head);
}

/* Whether a batch goes on if there is no room and some records were sent. */
static bool tq_batch_goes_on(struct tq_file *file)
{
	return READ_ONCE(file->queue->policy.overflow) ==
	       TQUEUE_OVERFLOW_DROP_OLDEST;
}

static int tq_send_all(struct tq_file *file, struct tq_send_batch *batch,
		       bool nowait, ktime_t *deadline)
{
	bool special = batch->args->flags;
	bool faulted = false;
	size_t some;
	int ret = 0;

	while (batch->bytes) {
		ret = special ? TQ_SEND_SLOW : tq_send_records(file, batch);
		if (!ret) {
			faulted = false;
			continue;
		}
		if (ret == -EFAULT && !faulted) {
			faulted = true;
			some = min_t(size_t, batch->bytes, TQ_FAULT_IN_MOST);
			if (fault_in_readable(batch->at, some) < some)
				continue;
			break;
		}
		if (ret == -EAGAIN) {
			/* Wait for the first record only. */
			if (batch->count && !tq_batch_goes_on(file))
				break;
			ret = tq_send_hopeless(file, nowait);
			if (ret)
				break;
		} else if (ret != -EFAULT && ret != TQ_SEND_SLOW) {
			break;
		}
		if (fatal_signal_pending(current))
			return -EINTR;
		ret = tq_send_first(file, batch, nowait || batch->count,
				    !batch->count, deadline);
		if (ret)
			break;
		faulted = false;
		special = tq_next_special(batch);
		cond_resched();
	}
	return ret;
}

/**
 * tq_send_batch - send the records of a buffer
 * @file: the open file
 * @args: a copy of what user space gave, checked except for the buffer; gets
 *	the results
 * @nowait: fail instead of waiting, whatever the deadline
 *
 * Context: Process context, may sleep, no lock held.
 * Return: how many records were sent; if none, -EINVAL, -EMSGSIZE, -EAGAIN,
 * -ENOBUFS, -ETIMEDOUT, -EEXIST, -EPIPE, -ESHUTDOWN, -EIDRM, -EFAULT, -ENOMEM,
 * or -ERESTARTSYS or -EINTR on a signal.
 */
int tq_send_batch(struct tq_file *file, struct tqueue_send *args, bool nowait)
{
	struct tq_send_batch batch = {
		.at = u64_to_user_ptr(args->records),
		.bytes = min_t(u64, args->bytes, MAX_RW_COUNT),
		.args = args,
	};
	ktime_t place;
	int ret;

	if (!access_ok(batch.at, batch.bytes))
		return -EFAULT;
	ret = tq_send_all(file, &batch, nowait || !args->deadline,
			  tq_deadline(args->deadline, &place));
	args->last_id = batch.last_id;
	args->sent_bytes = batch.at - u64_to_user_ptr(args->records);
	return batch.count ?: ret;
}
