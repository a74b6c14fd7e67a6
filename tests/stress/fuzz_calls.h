/* SPDX-License-Identifier: GPL-2.0-only */
/* What fuzz.c does with the driver's own calls. */
#ifndef TQUEUE_STRESS_FUZZ_CALLS_H
#define TQUEUE_STRESS_FUZZ_CALLS_H

static const char * const names[] = { "fuzz-a", "fuzz-b", "fuzz-c" };

static void *or_any(struct fuzzer *f, void *usual)
{
	return one_in(f, 12) ? any_pointer(f) : usual;
}

/*
 * A request with the structure that it is made for, or with one of another size,
 * as older and newer programs have it.
 */
static long any_size(struct fuzzer *f, int fd, unsigned long request, void *args)
{
	char theirs[1024];
	unsigned long size;

	if (!one_in(f, 5))
		return ioctl(fd, request, or_any(f, args));
	memset(theirs, one_in(f, 4) ? 0xff : 0, sizeof(theirs));
	memcpy(theirs, args, _IOC_SIZE(request));
	size = one_in(f, 2) ? _IOC_SIZE(request) + below(f, 3) * 8 - 8 :
			      below(f, sizeof(theirs));
	if (one_in(f, 10))
		request ^= 1UL << (_IOC_DIRSHIFT + below(f, _IOC_DIRBITS));
	request &= ~((unsigned long)_IOC_SIZEMASK << _IOC_SIZESHIFT);
	request |= (size & _IOC_SIZEMASK) << _IOC_SIZESHIFT;
	return ioctl(fd, request, or_any(f, theirs));
}

static uint64_t any_deadline(struct fuzzer *f)
{
	switch (below(f, 5)) {
	case 0:
		return 0;
	case 1:
		return below(f, 3);
	case 2:
		return TQUEUE_FOREVER - below(f, 2);
	case 3:
		return random_next(&f->dice);
	default:
		return (t_now() + below(f, 3) * 0.001) * 1e9;
	}
}

/* Nanoseconds: mostly so few that they pass. */
static uint64_t any_time(struct fuzzer *f)
{
	static const uint64_t odd[] = {
		0, 1, 1ULL << 62, (1ULL << 63) - 1, 1ULL << 63, TQUEUE_FOREVER,
		TQUEUE_FOREVER - 1,
	};

	return one_in(f, 4) ? odd[below(f, ARRAY_SIZE(odd))] : below(f, 5000000);
}

static struct tqueue_config any_config(struct fuzzer *f)
{
	static const uint64_t sizes[] = {
		0, 1, 4096, 8192, 16384, 65536, 1 << 20, 1 << 30, 1ULL << 32, -1,
	};
	struct tqueue_config config = {
		.fields = any_bits(f, 0x3fff),
		.size = sizes[below(f, one_in(f, 4) ? ARRAY_SIZE(sizes) : 6)],
		.max_message = one_in(f, 2) ? 0 : any_length(f),
		.overflow = one_in(f, 20) ? below(f, 9) : below(f, 3),
		.end_of_file = one_in(f, 20) ? below(f, 9) : below(f, 2),
		.no_reader = one_in(f, 20) ? below(f, 9) : below(f, 2),
		.uid = one_in(f, 4) ? random_next(&f->dice) : 0,
		.ttl = one_in(f, 3) ? any_time(f) : 0,
		.lease_limit = one_in(f, 3) ? any_time(f) : 0,
		.max_buried = one_in(f, 2) ? 0 : any_length(f),
		.on_expired = one_in(f, 20) ? below(f, 9) : below(f, 2),
		.max_attempts = one_in(f, 20) ? random_next(&f->dice) : below(f, 20),
		.on_exhausted = one_in(f, 20) ? below(f, 9) : below(f, 2),
		.max_leased = one_in(f, 3) ? below(f, 30) : 0,
		.unique = one_in(f, 20) ? below(f, 9) : below(f, 2),
	};

	if (one_in(f, 30))
		config.fields |= 1ULL << below(f, 64);
	return config;
}

/* Records of which most are right. */
static size_t any_records(struct fuzzer *f, char *buf, size_t room)
{
	size_t end = 0;
	int n = below(f, 20);

	while (n--) {
		size_t len = below(f, one_in(f, 4) ? 900 : 60);
		struct tqueue_record *record = t_at(buf, end);

		if (end + t_record(len) > room)
			break;
		if (one_in(f, 4) && end + t_record(len) + 16 <= room)
			end = t_put_extra(buf, end, len, n, any_bits(f, 7), below(f, 10),
					  one_in(f, 2) ? 0 : any_time(f));
		else
			end = t_put(buf, end, len, n);
		record->priority = one_in(f, 3) ? below(f, 64) : 0;
		if (!one_in(f, 25))
			continue;
		switch (below(f, 5)) {
		case 0:
			record->length = random_next(&f->dice);
			break;
		case 1:
			record->header_words = below(f, 8);
			break;
		case 2:
			record->flags = any_bits(f, 0xffff);
			break;
		case 3:
			record->priority = random_next(&f->dice);
			break;
		default:
			end -= below(f, end);
			break;
		}
	}
	return end;
}

static long call_send(struct fuzzer *f)
{
	char buf[4096];
	size_t bytes = any_records(f, buf, sizeof(buf));
	struct tqueue_send send = {
		.records = (uintptr_t)or_any(f, buf),
		.bytes = one_in(f, 10) ? any_length(f) : bytes,
		.deadline = any_deadline(f),
		.flags = one_in(f, 3) ? any_bits(f, 7) : 0,
	};

	if (send.flags & TQUEUE_SEND_DELAY || one_in(f, 50))
		send.delay = any_time(f);
	if (send.flags & TQUEUE_SEND_UNIQUE || one_in(f, 50))
		send.key = below(f, 10);
	return any_size(f, any_file(f), TQUEUE_SEND, &send);
}

/* What was leased of late, by whichever thread. */
static _Atomic uint64_t leased_ids[8];
static atomic_uint leased_deliveries[8];

static void remember(struct fuzzer *f, const struct tqueue_record *record)
{
	unsigned int i = below(f, ARRAY_SIZE(leased_ids));

	atomic_store(&leased_ids[i], record->id);
	atomic_store(&leased_deliveries[i], record->delivery);
}

/* Its id, and mostly the number of its delivery. */
static uint64_t any_leased(struct fuzzer *f, unsigned int *delivery)
{
	unsigned int i = below(f, ARRAY_SIZE(leased_ids));

	*delivery = atomic_load(&leased_deliveries[i]);
	if (one_in(f, 10))
		*delivery = random_next(&f->dice);
	return one_in(f, 10) ? random_next(&f->dice) : atomic_load(&leased_ids[i]);
}

static long call_receive(struct fuzzer *f)
{
	char buf[4096];
	bool mine = !one_in(f, 3);
	struct tqueue_receive receive = {
		.records = (uintptr_t)(mine ? buf : any_pointer(f)),
		.bytes = mine ? below(f, sizeof(buf)) : any_length(f),
		.deadline = any_deadline(f),
		.flags = one_in(f, 2) ? any_bits(f, 7) : TQUEUE_RECEIVE_LEASE,
		.count = one_in(f, 2) ? 0 : below(f, 30),
	};
	unsigned int delivery;
	long got;

	if (one_in(f, 8)) {
		receive.flags |= TQUEUE_RECEIVE_BY_ID;
		receive.count = below(f, 2);
		receive.id = any_leased(f, &delivery);
	}
	if (receive.flags & TQUEUE_RECEIVE_ACK) {
		receive.ack_id = any_leased(f, &delivery);
		receive.ack_delivery = delivery;
	}
	if (receive.flags & TQUEUE_RECEIVE_LEASE && one_in(f, 2))
		receive.limit = any_time(f);
	got = any_size(f, any_file(f), TQUEUE_RECEIVE, &receive);
	if (got > 0 && mine && receive.records == (uintptr_t)buf)
		remember(f, t_at(buf, 0));
	return got;
}

static long call_settle(struct fuzzer *f)
{
	struct tqueue_settlement all[20];
	struct tqueue_settle settle = {
		.settlements = (uintptr_t)or_any(f, all),
		.count = one_in(f, 20) ? any_length(f) : 1 + below(f, ARRAY_SIZE(all)),
		.flags = one_in(f, 30) ? any_bits(f, 3) : 0,
	};
	unsigned int i, delivery;
	long got;

	/* Results are written to all of them, also to those beyond the array. */
	if (settle.count > ARRAY_SIZE(all))
		settle.settlements = (uintptr_t)any_pointer(f);
	memset(all, 0, sizeof(all));
	for (i = 0; i < ARRAY_SIZE(all); i++) {
		all[i].id = any_leased(f, &delivery);
		all[i].delivery = delivery;
		all[i].action = one_in(f, 30) ? random_next(&f->dice) : 1 + below(f, 6);
		/* Descriptors are not made without number. */
		if (all[i].action == TQUEUE_HOLD && !one_in(f, 4))
			all[i].action = TQUEUE_ACKNOWLEDGE;
		if (one_in(f, 4)) {
			all[i].flags = any_bits(f, 15);
			if (all[i].flags & (TQUEUE_SETTLE_UNLEASED | TQUEUE_SETTLE_FORCE))
				all[i].delivery = 0;
			if (all[i].flags & TQUEUE_SETTLE_PRIORITY)
				all[i].priority = below(f, 70);
		}
		if ((all[i].action == TQUEUE_REQUEUE || all[i].action == TQUEUE_EXTEND) &&
		    one_in(f, 2))
			all[i].time = any_time(f);
		if (one_in(f, 6))
			all[i].code = random_next(&f->dice);
	}
	got = any_size(f, any_file(f), TQUEUE_SETTLE, &settle);
	if (got <= 0 || settle.settlements != (uintptr_t)all)
		return got;
	for (i = 0; i < settle.count && i < ARRAY_SIZE(all); i++)
		if (all[i].action == TQUEUE_HOLD && all[i].result > 0)
			keep(f, all[i].result);
	return got;
}

static long call_kick(struct fuzzer *f)
{
	struct tqueue_kick kick = {
		.id = one_in(f, 2) ? TQUEUE_FOREVER : random_next(&f->dice),
		.count = one_in(f, 2) ? 0 : below(f, 20),
		.states = one_in(f, 2) ? TQUEUE_BURIED | TQUEUE_DELAYED : any_bits(f, 31),
		.reserved = one_in(f, 30),
	};

	return any_size(f, any_file(f), TQUEUE_KICK, &kick);
}

static long call_list(struct fuzzer *f)
{
	struct tqueue_listed entries[20];
	struct tqueue_list list = {
		.entries = (uintptr_t)or_any(f, entries),
		.after = one_in(f, 2) ? 0 : random_next(&f->dice),
		.count = below(f, ARRAY_SIZE(entries) + 1),
		.entry_bytes = sizeof(entries[0]),
		.states = one_in(f, 2) ? 0 : any_bits(f, 31),
		.flags = one_in(f, 30),
	};

	if (one_in(f, 4)) {
		list.entries = (uintptr_t)any_pointer(f);
		list.count = any_length(f);
		list.entry_bytes = one_in(f, 2) ? any_length(f) : below(f, 200);
	}
	return any_size(f, any_file(f), TQUEUE_LIST, &list);
}

static long call_queue(struct fuzzer *f)
{
	struct tqueue_wait wait = {
		.id = one_in(f, 2) ? TQUEUE_FOREVER : below(f, 10000),
		.deadline = any_deadline(f),
	};
	struct tqueue_config config = any_config(f);
	struct tqueue_info info = { 0 };
	int fd = any_file(f);

	switch (below(f, 11)) {
	case 8:
		return ioctl(fd, TQUEUE_PAUSE);
	case 9:
	case 10:
		return ioctl(fd, TQUEUE_RESUME);
	case 0:
		return ioctl(fd, TQUEUE_STOP);
	case 1:
	case 2:
		return ioctl(fd, TQUEUE_START);
	case 3:
		return any_size(f, fd, TQUEUE_SET, &config);
	case 4:
		return any_size(f, fd, TQUEUE_INFO, &info);
	default:
		return any_size(f, fd, TQUEUE_WAIT, &wait);
	}
}

static long call_control(struct fuzzer *f)
{
	static const unsigned long selects[] = {
		TQUEUE_CTL_REMOVE, TQUEUE_CTL_REMOVE, TQUEUE_CTL_START,
		TQUEUE_CTL_STOP, TQUEUE_CTL_PAUSE, TQUEUE_CTL_RESUME,
	};
	struct tqueue_create create = { .mode = 0600, .config = any_config(f) };
	struct tqueue_select select = { .flags = below(f, 2) };
	struct tqueue_set set = { .config = create.config };
	struct tqueue_info info = { 0 };
	const char *name = names[below(f, ARRAY_SIZE(names))];
	uint64_t mask;

	strcpy(create.name, name);
	strcpy(select.name, name);
	strcpy(set.name, name);
	switch (below(f, 10)) {
	case 0 ... 2:
		if (one_in(f, 10))
			create.mode = random_next(&f->dice);
		if (one_in(f, 20))
			create.name[below(f, 64)] = random_next(&f->dice);
		return any_size(f, control, TQUEUE_CTL_CREATE, &create);
	case 3:
	case 4:
		return any_size(f, control, selects[below(f, ARRAY_SIZE(selects))],
				&select);
	case 5:
		return any_size(f, control, TQUEUE_CTL_SET, &set);
	case 6:
		return ioctl(control, TQUEUE_CTL_FEATURES, or_any(f, &mask));
	case 7:
		if (one_in(f, 2))
			strcpy(info.name, one_in(f, 3) ? "tqueue" : name);
		return any_size(f, control, TQUEUE_CTL_NEXT, &info);
	default:
		strcpy(info.name, name);
		return any_size(f, control, TQUEUE_CTL_GET, &info);
	}
}

#endif
