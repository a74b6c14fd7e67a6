// SPDX-License-Identifier: LGPL-2.1-or-later
/* What errors mean. */
#define _GNU_SOURCE
#include <string.h>

#include "internal.h"

EXPORT const char *tqueue_strerror(int error)
{
	const char *text;

	switch (error) {
	case TQUEUE_ENODRIVER:
		return "the tqueue driver is not loaded";
	case TQUEUE_EOLDDRIVER:
		return "the tqueue driver that is loaded is too old for this";
	case EAGAIN:
		return "it cannot be done without waiting";
	case ETIMEDOUT:
		return "it was not done in time";
	case EMSGSIZE:
		return "the message is too long";
	case ENOSPC:
		return "no more leases, no more queues or no more memory for them is allowed";
	case ESHUTDOWN:
		return "the queue is stopped and takes no messages";
	case EIDRM:
		return "the queue was removed";
	case EPIPE:
		return "the last reader has left";
	case EBUSY:
		return "the queue is in use or holds more, or the message is leased or half read";
	case ESTALE:
		return "that delivery is over";
	case EEXIST:
		return "there is such a queue, or a message with that key, already";
	case ENOENT:
		return "there is no such queue or message";
	case ENAMETOOLONG:
		return "the name is too long";
	case ENOTTY:
		return "this is not a tqueue queue";
	case EACCES:
	case EPERM:
		return "you are not allowed to do that";
	case EBADMSG:
		return "this is not a record";
	case ENOBUFS:
		return "there is no room: the queue is full, or the batch";
	}
	text = strerrordesc_np(error);
	return text ? text : "unknown error";
}
