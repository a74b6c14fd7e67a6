// SPDX-License-Identifier: GPL-2.0-only
/*
 * Messages as records, as their receiver may see them.
 */
#include <linux/uidgid.h>
#include <linux/user_namespace.h>

#include "message.h"
#include "record.h"
#include "tqueue.h"
#include "user.h"

/**
 * tq_sender_for - translate the sender of a message for a receiver
 * @file: the receiver's open file
 * @uid: the sender's user id; translated to the receiver's namespace
 * @pid: the sender's process id; set to 0 if the receiver is not in the initial
 *	process namespace
 *
 * Context: Any.
 */
void tq_sender_for(const struct tq_file *file, u32 *uid, u32 *pid)
{
	if (likely(!file->foreign))
		return;
	*uid = from_kuid_munged(file->cred->user_ns,
				make_kuid(&init_user_ns, *uid));
	if (!file->pids)
		*pid = 0;
}

/**
 * tq_header_for - make the header of a record for a receiver
 * @file: the receiver's open file
 * @record: the header as it is in the queue
 * @length: payload bytes that are delivered
 * @delivery: the number of the delivery, if it is leased
 * @dropped: set %TQUEUE_FLAG_DROPPED
 * @head: filled
 *
 * Context: Any.
 */
void tq_header_for(const struct tq_file *file,
		   const struct tqueue_record *record, size_t length,
		   u32 delivery, bool dropped, struct tqueue_record *head)
{
	*head = *record;
	head->length = length;
	head->delivery = delivery;
	if (dropped)
		head->flags |= TQUEUE_FLAG_DROPPED;
	tq_sender_for(file, &head->uid, &head->pid);
}

/**
 * tq_copy_detached - copy a detached message out, with page faults disabled
 * @file: the receiver's open file
 * @message: the message
 * @delivery: the number of the delivery, if it is leased
 * @dropped: set %TQUEUE_FLAG_DROPPED
 * @to: where it goes
 *
 * Context: rx.lock held.
 * Return: 0 or -EFAULT.
 */
int tq_copy_detached(const struct tq_file *file,
		     const struct tq_message *message, u32 delivery,
		     bool dropped, void __user *to)
{
	static const u64 zeros;
	size_t left = tq_message_left(message);
	struct tqueue_record head;

	tq_header_for(file, &message->record, left, delivery, dropped, &head);
	if (tq_copy_to_user_some(to, &head, sizeof(head)) != sizeof(head))
		return -EFAULT;
	to += sizeof(head);
	if (tq_copy_to_user_some(to, message->record.payload + message->offset,
				 left) != left)
		return -EFAULT;
	to += left;
	left = tq_record_bytes(left) - sizeof(head) - left;
	return tq_copy_to_user_some(to, &zeros, left) == left ? 0 : -EFAULT;
}
