// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Leases and settling them.
 */
#include <limits.h>

#include "internal.h"

/* The most settlements of a batch in one call: they are on the stack. */
#define AT_ONCE	64

EXPORT int tqueue_lease(int fd, struct tqueue_record *record, size_t size,
			uint64_t limit, uint64_t deadline)
{
	struct tqueue_receive receive = {
		.deadline = deadline,
		.flags = TQUEUE_RECEIVE_LEASE,
		.limit = limit,
	};

	return libtq_receive_one(fd, record, size, &receive);
}

EXPORT int tqueue_lease_id(int fd, uint64_t id, struct tqueue_record *record,
			   size_t size, uint64_t limit)
{
	struct tqueue_receive receive = {
		.flags = TQUEUE_RECEIVE_LEASE | TQUEUE_RECEIVE_BY_ID,
		.limit = limit,
		.id = id,
	};

	return libtq_receive_one(fd, record, size, &receive);
}

EXPORT int tqueue_lease_batch(int fd, struct tqueue_batch *batch, uint32_t count,
			      uint64_t limit, uint64_t deadline)
{
	struct tqueue_receive receive = {
		.deadline = deadline,
		.flags = TQUEUE_RECEIVE_LEASE,
		.count = count,
		.limit = limit,
	};

	return libtq_receive_batch(fd, batch, &receive);
}

EXPORT int tqueue_next(int fd, struct tqueue_record *record, size_t size,
		       uint64_t limit, uint64_t deadline, int *result)
{
	struct tqueue_receive receive = {
		.deadline = deadline,
		.flags = TQUEUE_RECEIVE_LEASE,
		.limit = limit,
		/* The driver writes 0 or a negative number here. */
		.ack_result = 1,
	};
	int received;

	if (size < sizeof(*record))
		return libtq_fail(EINVAL);
	if (record->delivery) {
		receive.flags |= TQUEUE_RECEIVE_ACK;
		receive.ack_id = record->id;
		receive.ack_delivery = record->delivery;
	}
	received = libtq_receive_one(fd, record, size, &receive);
	if (received <= 0 && receive.ack_result <= 0)
		record->delivery = 0;
	if (result)
		*result = receive.ack_result < 0 ? -receive.ack_result : 0;
	return received;
}

EXPORT int tqueue_settle(int fd, struct tqueue_settlement *settlements,
			 uint32_t count)
{
	struct tqueue_settle settle = {
		.settlements = (uintptr_t)settlements,
		.count = count,
	};

	return libtq_ioctl_for(fd, TQUEUE_SETTLE, &settle, TQUEUE_FEATURE_LEASE);
}

/* Carries out one settlement.  Returns its result, or -1 and errno. */
static int settle_one(int fd, struct tqueue_settlement *settlement)
{
	if (tqueue_settle(fd, settlement, 1) < 0)
		return -1;
	if (settlement->result < 0)
		return libtq_fail(-settlement->result);
	return settlement->result;
}

EXPORT int tqueue_acknowledge(int fd, uint64_t id, uint32_t delivery)
{
	struct tqueue_settlement settlement = {
		.id = id,
		.delivery = delivery,
		.action = TQUEUE_ACKNOWLEDGE,
	};

	return settle_one(fd, &settlement);
}

EXPORT int tqueue_acknowledge_batch(int fd, const struct tqueue_batch *batch)
{
	struct tqueue_settlement settlements[AT_ONCE];
	const struct tqueue_record *record;
	struct tqueue_batch all = *batch;
	int more, result, total = 0;
	uint32_t count;

	all.start = 0;
	do {
		for (count = 0; count < AT_ONCE; count++) {
			more = tqueue_batch_next(&all, &record);
			if (more <= 0)
				break;
			memset(&settlements[count], 0, sizeof(settlements[count]));
			settlements[count].id = record->id;
			settlements[count].delivery = record->delivery;
			settlements[count].action = TQUEUE_ACKNOWLEDGE;
		}
		if (!count)
			break;
		result = tqueue_settle(fd, settlements, count);
		if (result < 0)
			return -1;
		total += result;
	} while (more > 0);
	return more < 0 ? -1 : total;
}

EXPORT int tqueue_requeue(int fd, uint64_t id, uint32_t delivery, uint64_t delay,
			  int32_t code, unsigned int flags)
{
	struct tqueue_settlement settlement = {
		.id = id,
		.time = delay,
		.delivery = delivery,
		.code = code,
		.action = TQUEUE_REQUEUE,
		.flags = (__u16)flags,
	};

	if (flags > USHRT_MAX)
		return libtq_fail(EINVAL);
	return settle_one(fd, &settlement);
}

EXPORT int tqueue_bury(int fd, uint64_t id, uint32_t delivery, int32_t code,
		       unsigned int flags)
{
	struct tqueue_settlement settlement = {
		.id = id,
		.delivery = delivery,
		.code = code,
		.action = TQUEUE_BURY,
		.flags = (__u16)flags,
	};

	if (flags > USHRT_MAX)
		return libtq_fail(EINVAL);
	return settle_one(fd, &settlement);
}

EXPORT int tqueue_extend(int fd, uint64_t id, uint32_t delivery, uint64_t limit)
{
	struct tqueue_settlement settlement = {
		.id = id,
		.time = limit,
		.delivery = delivery,
		.action = TQUEUE_EXTEND,
	};

	return settle_one(fd, &settlement);
}

EXPORT int tqueue_begin(int fd, uint64_t id, uint32_t delivery)
{
	struct tqueue_settlement settlement = {
		.id = id,
		.delivery = delivery,
		.action = TQUEUE_BEGIN,
	};

	return settle_one(fd, &settlement);
}

EXPORT int tqueue_hold(int fd, uint64_t id, uint32_t delivery)
{
	struct tqueue_settlement settlement = {
		.id = id,
		.delivery = delivery,
		.action = TQUEUE_HOLD,
	};

	return settle_one(fd, &settlement);
}
