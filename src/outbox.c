// SPDX-License-Identifier: GPL-2.0-only
/*
 * Sending many records in one call: TQUEUE_SEND.
 *
 * A batch is copied once, straight into the room at the tail of the ring, with
 * page faults disabled.  There user space can change it no more, and there it is
 * checked and stamped; what was found right becomes visible at once.  What
 * faults twice, and what finds no room, goes the way of single messages.
 */
#include <linux/minmax.h>
#include <linux/sched/signal.h>
#include <linux/sizes.h>

#include "message.h"
#include "tail.h"
#include "tqueue.h"
#include "wake.h"

/* What is faulted in at once of a batch that may not find room anyway. */
#define TQ_FAULT_IN_MOST	SZ_1M

/*
 * Whether a header that cannot change any more is right: 0 or an error.  What
 * follows the length is looked at as one word: no priority, no flags.
 */
static inline int tq_header_check(const struct tqueue_record *record,
				  unsigned long max_message)
{
	const __le32 *rest = (const __le32 *)&record->header_words;

	if (unlikely(*rest != cpu_to_le32(TQUEUE_HEADER_WORDS)))
		return -EINVAL;
	return unlikely(record->length > max_message) ? -EMSGSIZE : 0;
}

/**
 * struct tq_outbox - records on their way from user space into a queue
 * @at: the next of them
 * @bytes: from there to the end of the buffer
 * @count: how many were sent
 * @last_id: id of the last of them
 */
struct tq_outbox {
	const void __user *at;
	size_t bytes;
	int count;
	u64 last_id;
};

static void tq_outbox_sent(struct tq_outbox *outbox, size_t bytes, int count,
			   u64 last_id)
{
	outbox->at += bytes;
	outbox->bytes -= bytes;
	outbox->count += count;
	outbox->last_id = last_id;
}

/*
 * Check and stamp the records at the tail, of which @copied bytes are there.
 * Returns the bytes of those that are whole and right, in *@count how many.
 */
static size_t tq_stamp_records(struct tq_file *file, size_t copied, int *count)
{
	struct tqueue *queue = file->queue;
	struct tqueue_record *first = tq_ring_at(&queue->ring, queue->tail);
	u64 now = ktime_to_ns(ktime_get_coarse_boottime());
	unsigned long max_message = queue->max_message;
	struct tqueue_record *record = first, *next;
	const void *end = (void *)first + copied;
	u32 pid = task_tgid_nr(current);
	u64 id = queue->last_id;
	u32 uid = file->uid;

	*count = 0;
	if (unlikely(copied < sizeof(*record)))
		return 0;
	for (; (void *)record <= end - sizeof(*record); record = next) {
		if (unlikely(tq_header_check(record, max_message)))
			break;
		next = (void *)record + tq_record_bytes(record->length);
		if (unlikely((void *)next > end))
			break;
		tq_record_clear_pad(record);
		tq_record_sign(record, now, uid, pid);
		record->id = ++id;
	}
	*count = id - queue->last_id;
	return (void *)record - (void *)first;
}

/* Why the first of the records at the tail cannot be sent as it is. */
static int tq_record_fault(struct tqueue *queue, const struct tq_outbox *outbox,
			   size_t want, size_t copied)
{
	const struct tqueue_record *record =
		tq_ring_at(&queue->ring, queue->tail);
	int ret;

	/* The buffer ends within it. */
	if (outbox->bytes < sizeof(*record))
		return -EINVAL;
	if (copied >= sizeof(*record)) {
		ret = tq_header_check(record, queue->max_message);
		if (ret)
			return ret;
		if (outbox->bytes < tq_record_bytes(record->length))
			return -EINVAL;
	}
	return copied < want ? -EFAULT : -EAGAIN;
}

/*
 * Copy records straight into the ring, as many as there is room for.  Returns
 * 0 if there were any; -EAGAIN (no room for the first), -EFAULT, -EINVAL or
 * -EMSGSIZE.
 */
static int tq_send_records(struct tq_file *file, struct tq_outbox *outbox)
{
	struct tqueue *queue = file->queue;
	size_t want, copied, bytes;
	int ret = -EAGAIN;
	int count;

	mutex_lock(&queue->send_lock);
	if (unlikely(queue->need))
		goto unlock;
	want = outbox->bytes;
	if (unlikely(!tq_has_room(queue, want))) {
		if (!tq_fits(queue->limit_seen, queue->tail,
			     sizeof(struct tqueue_record)))
			goto unlock;
		want = queue->limit_seen - queue->tail;
	}
	copied = tq_copy_in_partly(tq_ring_at(&queue->ring, queue->tail),
				   outbox->at, want);
	bytes = tq_stamp_records(file, copied, &count);
	if (unlikely(!count)) {
		ret = tq_record_fault(queue, outbox, want, copied);
		goto unlock;
	}
	tq_outbox_sent(outbox, bytes, count, tq_next_ids(queue, count));
	tq_publish(queue, bytes);
	mutex_unlock(&queue->send_lock);
	tq_wake_receivers(queue, count);
	return 0;

unlock:
	mutex_unlock(&queue->send_lock);
	return ret;
}

/* Copy one record in, with no lock held: the message, or an ERR_PTR. */
static struct tq_message *tq_fetch_record(struct tq_file *file,
					  const struct tq_outbox *outbox)
{
	struct tq_message *message;
	struct tqueue_record head;
	int ret;

	if (outbox->bytes < sizeof(head))
		return ERR_PTR(-EINVAL);
	if (copy_from_user(&head, outbox->at, sizeof(head)))
		return ERR_PTR(-EFAULT);
	ret = tq_header_check(&head, READ_ONCE(file->queue->max_message));
	if (ret)
		return ERR_PTR(ret);
	if (tq_record_bytes(head.length) > outbox->bytes)
		return ERR_PTR(-EINVAL);

	message = tq_message_alloc(head.length);
	if (!message)
		return ERR_PTR(-ENOMEM);
	tq_record_stamp(&message->record, head.length, file->uid);
	if (copy_from_user(message->record.payload, outbox->at + sizeof(head),
			   head.length)) {
		tq_message_free(message);
		return ERR_PTR(-EFAULT);
	}
	return message;
}

/* Send the first record of a batch the way of single messages. */
static int tq_send_first(struct tq_file *file, struct tq_outbox *outbox,
			 bool nowait, ktime_t *deadline)
{
	struct tq_message *message = tq_fetch_record(file, outbox);
	size_t bytes;
	u64 id;
	int ret;

	if (IS_ERR(message))
		return PTR_ERR(message);
	bytes = tq_message_bytes(message);
	ret = tq_send_message(file->queue, &message, nowait, deadline, &id);
	tq_message_free(message);
	if (!ret)
		tq_outbox_sent(outbox, bytes, 1, id);
	return ret;
}

/**
 * tq_batch_send - send the records of a buffer
 * @file: the open file they are sent through
 * @args: copied from user space and checked, but for what is in the buffer; its
 *	results are filled in
 * @nowait: whether to fail rather than wait, whatever the deadline
 *
 * Context: Process context, may sleep, no lock held.
 * Return: how many were sent; if none, -EINVAL, -EMSGSIZE, -EAGAIN, -ETIMEDOUT,
 * -ESHUTDOWN, -EIDRM, -EFAULT, -ENOMEM, or -ERESTARTSYS or -EINTR on a signal.
 */
int tq_batch_send(struct tq_file *file, struct tqueue_send *args, bool nowait)
{
	struct tq_outbox outbox = {
		.at = u64_to_user_ptr(args->records),
		.bytes = min_t(u64, args->bytes, MAX_RW_COUNT),
	};
	ktime_t place, *deadline = tq_deadline(args->deadline, &place);
	bool faulted = false;
	size_t some;
	int ret = 0;

	if (!access_ok(outbox.at, outbox.bytes))
		return -EFAULT;
	nowait |= !args->deadline;

	while (outbox.bytes) {
		ret = tq_send_records(file, &outbox);
		if (!ret) {
			faulted = false;
			continue;
		}
		if (ret == -EFAULT && !faulted) {
			faulted = true;
			some = min_t(size_t, outbox.bytes, TQ_FAULT_IN_MOST);
			if (fault_in_readable(outbox.at, some) < some)
				continue;
			break;
		}
		if (ret == -EAGAIN) {
			/* Wait for the first record only. */
			ret = tq_no_room(file->queue, nowait || outbox.count);
			if (ret)
				break;
		} else if (ret != -EFAULT) {
			break;
		}
		ret = -EINTR;
		if (fatal_signal_pending(current))
			break;
		ret = tq_send_first(file, &outbox, nowait || outbox.count,
				    deadline);
		if (ret)
			break;
		faulted = false;
	}
	args->last_id = outbox.last_id;
	args->sent_bytes = outbox.at - u64_to_user_ptr(args->records);
	return outbox.count ?: ret;
}
