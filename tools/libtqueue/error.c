// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Descriptions of errors.
 */
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
		return "the loaded tqueue driver is too old for this";
	case EAGAIN:
		return "would have to wait";
	case ETIMEDOUT:
		return "timed out";
	case EMSGSIZE:
		return "message too long";
	case ENOSPC:
		return "limit of leases, of queues or of their memory reached";
	case ESHUTDOWN:
		return "queue is stopped";
	case EIDRM:
		return "queue was removed";
	case EPIPE:
		return "the last reader has left";
	case EBUSY:
		return "queue is in use or holds too much, or message is leased or partly read";
	case ESTALE:
		return "this delivery is over";
	case EEXIST:
		return "queue or unique key already exists";
	case ENOENT:
		return "no such queue or message";
	case ENAMETOOLONG:
		return "name too long";
	case ENOTTY:
		return "not a tqueue queue";
	case EACCES:
	case EPERM:
		return "not permitted";
	case EBADMSG:
		return "not a record";
	case ENOBUFS:
		return "no room: the queue or the batch is full";
	}
	text = strerrordesc_np(error);
	return text ? text : "unknown error";
}
