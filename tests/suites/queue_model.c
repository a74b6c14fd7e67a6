// SPDX-License-Identifier: GPL-2.0-only
/*
 * The work queue against a model of it: one process makes random calls that never
 * wait, through some open files and files of leases, and after each the queue must say,
 * give and hold what the model does: every result is predicted. The seed of a run is
 * in its message; TQUEUE_SEED begins with it.
 */
#include "queue_model.h"
#include "queue_compare.h"

/* ---- sending ----------------------------------------------------------- */

/* The ids of what was sent: each that is listed beyond the last that is known. */
static void learn_ids(size_t from)
{
	long got = t_list_call(files[0], entries, MOST, last_id, 0), i = 0;

	for (; from < count; from++) {
		/* Dropped by one of the same call: nobody knows its id. */
		if (!items[from].state) {
			items[from].id = last_id;
			continue;
		}
		t_is(i < got, true);
		items[from].id = entries[i].id;
		last_id = entries[i++].id;
	}
	t_is(got, i);
	t_is(t_info(files[0]).dropped, dropped);
}

static size_t make_record(size_t at, struct item *item)
{
	*item = (struct item){
		.len = t_below(6) ? t_below(100) : 0, .seed = t_below(1 << 30),
		.priority = t_below(2) ? 0 : t_below(64), .state = TQUEUE_READY,
		.holder = -1,
	};
	if (!t_below(8))
		item->state = TQUEUE_DELAYED;
	if (!t_below(3)) {
		item->unique = true;
		item->unsettled = t_below(2);
		item->key = t_below(KEYS);
	}
	if (item->unique || item->state == TQUEUE_DELAYED || !t_below(6)) {
		at = t_put_extra(buf, at, item->len, item->seed,
				 (item->unique ? TQUEUE_FLAG_UNIQUE : 0) |
				 (item->unsettled ? TQUEUE_FLAG_UNSETTLED : 0) |
				 (item->state == TQUEUE_DELAYED ? TQUEUE_FLAG_DELAY : 0),
				 item->key, item->state == TQUEUE_DELAYED ? NEVER : 0);
		at -= t_record(item->len) + 16;
		t_at(buf, at)->priority = item->priority;
		return at + t_record(item->len) + 16;
	}
	t_put(buf, at, item->len, item->seed);
	t_at(buf, at)->priority = item->priority;
	return at + t_record(item->len);
}

static void try_send(int file)
{
	unsigned int n = 1 + t_below(3), i;
	struct tqueue_send send = { .records = (uintptr_t)buf };
	size_t from = count, end = 0, ends[3];
	struct item fresh[3], *holder = NULL;
	int why = 0;
	long got;

	for (i = 0; i < n; i++) {
		end = make_record(end, &fresh[i]);
		ends[i] = end;
		fresh[i].id = UINT64_MAX - n + i;
	}
	send.bytes = end;
	got = ioctl(files[file], TQUEUE_SEND, &send);
	if (stopped) {
		t_errno(got, ESHUTDOWN);
		return;
	}
	for (i = 0; i < n && !why; i++) {
		/* Where voids keep the ring from the others, they go with the next call. */
		if (got > 0 && (long)i == got)
			break;
		holder = fresh[i].unique ? with_key(fresh[i].key, NULL) : NULL;
		/*
		 * That is seen before anything is dropped; but who may not wait, and finds
		 * the queue full, may be told of that alone.
		 */
		if (holder && !(got == -1 && errno != EEXIST))
			why = EEXIST;
		else
			why = make_room(bytes_of(&fresh[i]));
		if (why)
			break;
		items[count] = fresh[i];
		items[count].takes = fresh[i].unique;
		count++;
	}
	if (!i) {
		t_errno(got, why);
		if (why == EEXIST)
			t_is(send.last_id, holder->id);
		return;
	}
	t_is(got, i);
	t_is(send.sent_bytes, ends[i - 1]);
	learn_ids(from);
	t_is(send.last_id, last_id);
}

static void try_write(int file)
{
	struct item item = {
		.len = 1 + t_below(100), .seed = t_below(1 << 30), .state = TQUEUE_READY,
		.holder = -1,
	};
	ssize_t got;
	int why;

	t_pattern(buf, item.len, item.seed, 0);
	got = write(files[file], buf, item.len);
	why = stopped ? ESHUTDOWN : make_room(bytes_of(&item));
	if (why) {
		t_errno(got, why);
		return;
	}
	t_is(got, item.len);
	item.id = UINT64_MAX;
	items[count++] = item;
	learn_ids(count - 1);
}

/* ---- receiving --------------------------------------------------------- */

static void leased(struct item *item, const struct tqueue_record *record, int file,
		   bool begun)
{
	t_is(!record->delivery, false);
	item->state = TQUEUE_LEASED;
	item->delivery = record->delivery;
	item->holder = file;
	item->begun = begun;
	if (item->takes && !item->unsettled)
		item->takes = false;
	ever_leased++;
}

/* What the call is to acknowledge first; mostly what is leased. */
static struct item *choose_ack(struct tqueue_receive *receive)
{
	struct item *item = t_below(4) ? any_in(TQUEUE_LEASED) : NULL;

	receive->flags |= TQUEUE_RECEIVE_ACK;
	receive->ack_result = 77;
	if (item) {
		receive->ack_id = item->id;
		receive->ack_delivery = item->delivery;
	} else {
		receive->ack_id = last_id && t_below(2) ? last_id : last_id + 5;
		receive->ack_delivery = 0x7fffffff;
	}
	return item;
}

static void ack_done(struct item *item, const struct tqueue_receive *receive)
{
	if (item) {
		t_is(receive->ack_result, 0);
		acknowledged(item);
	} else {
		t_is(receive->ack_result,
		     receive->ack_id && receive->ack_id <= last_id ? -ESTALE : -ENOENT);
	}
}

static void try_receive(int file, unsigned int flags)
{
	struct tqueue_receive receive = {
		.records = (uintptr_t)buf, .count = t_below(2) ? 1 + t_below(4) : 0,
		.bytes = t_below(3) ? sizeof(buf) : t_below(400), .flags = flags,
	};
	bool leases = flags & TQUEUE_RECEIVE_LEASE, peeks = flags & TQUEUE_RECEIVE_PEEK;
	size_t room = receive.bytes, at = 0;
	struct item *item, *list[256], *ack = NULL;
	unsigned int n = 0, i, free_leases;
	long got;

	if (!peeks && !t_below(3)) {
		ack = choose_ack(&receive);
		flags = receive.flags;
	}
	if (leases && t_below(2))
		receive.limit = t_below(2) ? TQUEUE_FOREVER : NEVER;
	got = ioctl(files[file], TQUEUE_RECEIVE, &receive);
	if (flags & TQUEUE_RECEIVE_ACK) {
		int error = errno;

		if (partials[file]) {
			/* It fails before, or after. */
			if (ack && !receive.ack_result)
				acknowledged(ack);
		} else {
			ack_done(ack, &receive);
		}
		errno = error;
	}
	if (partials[file]) {
		t_errno(got, EBUSY);
		return;
	}
	free_leases = !max_leased ? 1000 : number_of(TQUEUE_LEASED) >= max_leased ? 0 :
		      max_leased - number_of(TQUEUE_LEASED);
	if (leases && !free_leases && got == -1 && errno == ENOSPC)
		return;
	item = paused && !peeks ? NULL : next_ready(NULL);
	if (!item) {
		nothing(got);
		return;
	}
	if (leases && !free_leases) {
		t_errno(got, ENOSPC);
		return;
	}
	for (; item && n < ARRAY_SIZE(list); item = next_ready(item)) {
		size_t bytes = t_record(item->len - item->offset);

		if (at + bytes > room || (receive.count && n == receive.count) ||
		    (leases && n == free_leases))
			break;
		list[n++] = item;
		at += bytes;
	}
	if (!n) {
		t_errno(got, EMSGSIZE);
		t_is(receive.bytes, t_record(item->len - item->offset));
		return;
	}
	t_is(got, n);
	t_is(receive.bytes, at);
	t_is(receive.dropped, peeks ? 0 : dropped - told);
	if (!peeks)
		told = dropped;
	for (at = 0, i = 0; i < n; i++) {
		struct tqueue_record *record = t_at(buf, at);

		check_record(record, list[i]);
		at += t_record(record->length);
		if (leases) {
			leased(list[i], record, file, n == 1);
		} else {
			t_is(record->delivery, 0);
			if (!peeks) {
				gone(list[i]);
				received++;
			}
		}
	}
}

static void try_read(int file)
{
	size_t room = t_below(2) ? 1 + t_below(60) : 200, left, n;
	ssize_t got = read(files[file], buf, room);
	struct item *item = partials[file];

	if (!item) {
		item = paused ? NULL : next_ready(NULL);
		while (item && item->len == item->offset) {
			gone(item);
			received++;
			item = next_ready(NULL);
		}
		if (!item) {
			nothing(got);
			return;
		}
	}
	left = item->len - item->offset;
	n = room < left ? room : left;
	t_is(got, n);
	t_is(t_differs(buf, n, item->seed, item->offset), -1);
	item->offset += n;
	partials[file] = n < left ? item : NULL;
	if (n < left)
		item->state = TQUEUE_IN_FLIGHT;
	else
		gone(item);
	received += n == left;
}

static void try_by_id(int file)
{
	static const unsigned int all[] = { 0, TQUEUE_RECEIVE_PEEK, TQUEUE_RECEIVE_LEASE };
	struct item *item = t_below(8) ? any_in(31) : any_in(~0U);
	unsigned int flags = all[t_below(3)];
	uint64_t id = item ? item->id : last_id + 1;
	struct tqueue_receive receive = {
		.records = (uintptr_t)buf, .bytes = sizeof(buf), .id = id,
		.flags = TQUEUE_RECEIVE_BY_ID | flags,
	};
	long got = ioctl(files[file], TQUEUE_RECEIVE, &receive);

	if (partials[file]) {
		t_errno(got, EBUSY);
	} else if (!item || !item->state) {
		t_errno(got, ENOENT);
	} else if (flags == TQUEUE_RECEIVE_LEASE && max_leased && got == -1 &&
		   errno == ENOSPC) {
		t_is(number_of(TQUEUE_LEASED) >= max_leased, true);
	} else if (item->state & (TQUEUE_LEASED | TQUEUE_IN_FLIGHT)) {
		t_errno(got, EBUSY);
	} else {
		t_is(got, 1);
		check_record(t_at(buf, 0), item);
		/* Drops are told to those who take what is next. */
		t_is(receive.dropped, 0);
		if (flags == TQUEUE_RECEIVE_LEASE) {
			leased(item, t_at(buf, 0), file, true);
		} else if (!flags) {
			gone(item);
			received++;
		}
	}
}

/* ---- settling ---------------------------------------------------------- */

static void make_settlement(struct item *item, struct tqueue_settlement *s)
{
	*s = (struct tqueue_settlement){
		.id = item->id, .action = 1 + t_below(5),
	};
	if (item->state == TQUEUE_LEASED ? !t_below(8) : t_below(4)) {
		s->flags = TQUEUE_SETTLE_UNLEASED;
		s->action = 1 + t_below(3);
	} else if (!t_below(8) && s->action != TQUEUE_BEGIN) {
		s->flags = TQUEUE_SETTLE_FORCE;
	} else {
		s->delivery = item->delivery + !t_below(8);
	}
	if (s->action == TQUEUE_REQUEUE || s->action == TQUEUE_BURY) {
		s->code = t_below(3) ? 0 : (int)t_below(1000) - 500;
		if (!t_below(4)) {
			s->flags |= TQUEUE_SETTLE_PRIORITY;
			s->priority = t_below(64);
		}
	}
	if (s->action == TQUEUE_REQUEUE && !(s->flags & TQUEUE_SETTLE_UNLEASED) && !t_below(3))
		s->flags |= TQUEUE_SETTLE_UNCOUNTED;
	if ((s->action == TQUEUE_REQUEUE || s->action == TQUEUE_EXTEND) && !t_below(3))
		s->time = NEVER;
}

static void try_settle(int file)
{
	struct tqueue_settlement all[4];
	unsigned int n = 1 + t_below(ARRAY_SIZE(all)), i;
	struct item *list[ARRAY_SIZE(all)];
	long got, done = 0;

	for (i = 0; i < n; i++) {
		list[i] = any_in(t_below(3) ? TQUEUE_LEASED : 31);
		if (!list[i])
			list[i] = any_in(~0U);
		if (!list[i])
			list[i] = count ? &items[t_below(count)] : NULL;
		if (!list[i])
			return;
		make_settlement(list[i], &all[i]);
		/* Those that are in the ring are done behind the others. */
		if (all[i].flags & TQUEUE_SETTLE_UNLEASED) {
			all[0] = all[i];
			list[0] = list[i];
			n = 1;
		}
	}
	got = t_settle_call(files[file], all, n);
	for (i = 0; i < n; i++) {
		struct item *item = list[i];
		int want;

		if (all[i].flags & TQUEUE_SETTLE_UNLEASED)
			want = settle_unleased(item, &all[i]);
		else if (item->state == TQUEUE_LEASED &&
			 (all[i].flags & TQUEUE_SETTLE_FORCE ||
			  all[i].delivery == item->delivery))
			want = settle_leased(item, &all[i]);
		else
			want = all[i].flags & TQUEUE_SETTLE_FORCE ? -ENOENT : -ESTALE;
		t_is(all[i].result, want);
		done += want >= 0;
	}
	t_is(got, done);
}

static void try_hold(int file)
{
	int slot = t_below(HELD);
	struct item *item = any_in(TQUEUE_LEASED);
	struct tqueue_settlement s = { .action = TQUEUE_HOLD };

	if (helds[slot] >= 0) {
		/* It is over, or it ends now. */
		t_is(!!(t_poll(helds[slot], 0) & POLLHUP),
		     held_items[slot]->state != TQUEUE_LEASED ||
		     held_items[slot]->delivery != held_deliveries[slot] ||
		     held_items[slot]->holder != FILES + slot);
		close(helds[slot]);
		helds[slot] = -1;
		release(FILES + slot);
		return;
	}
	if (!item)
		return;
	s.id = item->id;
	s.delivery = item->delivery;
	t_is(t_settle_call(files[file], &s, 1), 1);
	helds[slot] = s.result;
	held_items[slot] = item;
	held_deliveries[slot] = item->delivery;
	item->holder = FILES + slot;
	item->begun = true;
}

static void try_kick(int file)
{
	static const unsigned int states[] = {
		TQUEUE_BURIED, TQUEUE_DELAYED, TQUEUE_BURIED | TQUEUE_DELAYED,
	};
	unsigned int which = states[t_below(3)], most = t_below(3), want = 0, left = 0, told_left;
	uint64_t up_to = t_below(2) ? TQUEUE_FOREVER : last_id - t_below(100);
	long got = t_kick_call(files[file], up_to, most, which, &told_left);
	size_t i;

	for (i = 0; i < count && (!most || want < most); i++) {
		struct item *item = &items[i];

		if (!(item->state & which) || item->id > up_to)
			continue;
		if (item->state == TQUEUE_BURIED) {
			if (item->unique && with_key(item->key, item)) {
				left++;
				continue;
			}
			item->attempts = 0;
		}
		item->reason = TQUEUE_REASON_KICKED;
		make_ready(item);
		want++;
	}
	t_is(got, want);
	t_is(told_left, left);
}

/* ---- the rest ---------------------------------------------------------- */

static void reopen(int file)
{
	struct item *item = partials[file];

	close(files[file]);
	if (item) {
		partials[file] = NULL;
		item->partial = true;
		make_ready(item);
	}
	release(file);
	files[file] = t_open_queue(NAME, O_RDWR | O_NONBLOCK);
}

/* A limit passes. */
static void let_a_limit_pass(int file)
{
	struct item *item = any_in(TQUEUE_LEASED);
	struct tqueue_settlement s = { .action = TQUEUE_EXTEND, .time = 100000 };
	double end = t_now() + 10 * t_slow();
	unsigned int before = number_of(TQUEUE_LEASED);

	if (!item)
		return;
	s.id = item->id;
	s.delivery = item->delivery;
	t_is(t_settle_call(files[file], &s, 1), 1);
	while (t_info(files[file]).leased == before)
		t_true(t_now() < end, "a limit does not pass");
	ever_requeued++;
	come_back(item, (struct back){ .counted = true, .reason = TQUEUE_REASON_LIMIT });
}

/* All that wait get too old at once. */
static void let_all_get_old(int file)
{
	double end = t_now() + 10 * t_slow();
	size_t i;

	for (i = 0; i < count; i++)
		if (items[i].state & (TQUEUE_READY | TQUEUE_DELAYED)) {
			gone(&items[i]);
			dropped++;
			ever_expired++;
		}
	/* The clock that says when they were sent is coarse. */
	usleep(10000);
	t_is(t_set_field(files[file], TTL, ttl, 1), 0);
	while (t_info(files[file]).ever_expired < ever_expired)
		t_true(t_now() < end, "%llu have expired, not %llu",
		       (unsigned long long)t_info(files[file]).ever_expired,
			(unsigned long long)ever_expired);
	t_is(t_set_field(files[file], TTL, ttl, 0), 0);
}

static void configure(int file)
{
	struct tqueue_config config = { 0 };
	size_t wanted;
	int got;

	switch (t_below(9)) {
	case 0:
		max_attempts = t_below(5);
		t_is(t_set_field(files[file], MAX_ATTEMPTS, max_attempts, max_attempts),
		     0);
		break;
	case 1:
		on_exhausted = t_below(2);
		t_is(t_set_field(files[file], ON_EXHAUSTED, on_exhausted, on_exhausted),
		     0);
		break;
	case 2:
		max_leased = t_below(3) ? 0 : 1 + t_below(6);
		t_is(t_set_field(files[file], MAX_LEASED, max_leased, max_leased),
		     0);
		break;
	case 3:
		config.max_buried = t_below(2) ? 0 : 1 + t_below(1000);
		follows = !config.max_buried;
		max_buried = follows ? size / 4 : config.max_buried;
		config.fields = TQUEUE_CONFIG_MAX_BURIED;
		t_is(ioctl(files[file], TQUEUE_SET, &config), 0);
		break;
	case 4:
		paused = !paused && t_below(2);
		t_is(ioctl(files[file], paused ? TQUEUE_PAUSE : TQUEUE_RESUME), 0);
		break;
	case 5:
		stopped = !stopped && !t_below(3);
		t_is(ioctl(files[file], stopped ? TQUEUE_STOP : TQUEUE_START), 0);
		break;
	case 6:
		overflow = t_below(3);
		t_is(t_set_field(files[file], OVERFLOW, overflow, overflow), 0);
		break;
	case 7:
		wanted = TQ_PAGE << t_below(5);
		got = t_set_field(files[file], SIZE, size, wanted);
		if (got) {
			t_errno(got, EBUSY);
			/* Voids in the ring have their room, too. */
			t_is(wanted < size && held_bytes(), true);
			break;
		}
		t_is(wanted >= size || held_bytes() <= wanted, true);
		size = wanted;
		if (follows)
			max_buried = size / 4;
		break;
	default:
		let_all_get_old(file);
	}
}

static void one_step(void)
{
	static const struct {
		const char *name;
		void (*run)(int file);
		unsigned int weight;
	} calls[] = {
		{ "write", try_write, 8 }, { "SEND", try_send, 25 },
		{ "read", try_read, 7 }, { "settle", try_settle, 25 },
		{ "HOLD", try_hold, 6 }, { "by id", try_by_id, 6 },
		{ "KICK", try_kick, 5 }, { "close", reopen, 3 },
		{ "limit", let_a_limit_pass, 2 }, { "configure", configure, 5 },
		{ "list", compare_lists, 10 }, { "info", compare, 20 },
	};
	static const struct {
		const char *name;
		unsigned int flags;
	} receives[] = {
		{ "RECEIVE", 0 }, { "PEEK", TQUEUE_RECEIVE_PEEK },
		{ "LEASE", TQUEUE_RECEIVE_LEASE }, { "LEASE", TQUEUE_RECEIVE_LEASE },
		{ "LEASE", TQUEUE_RECEIVE_LEASE },
	};
	unsigned int coin = t_below(152), i;
	int file = t_below(FILES);

	for (i = 0; i < ARRAY_SIZE(calls); i++) {
		if (coin < calls[i].weight) {
			t_doing("seed %lu, step %lu (%s): ", seed, steps, calls[i].name);
			calls[i].run(file);
			return;
		}
		coin -= calls[i].weight;
	}
	i = t_below(ARRAY_SIZE(receives));
	t_doing("seed %lu, step %lu (%s): ", seed, steps, receives[i].name);
	try_receive(file, receives[i].flags);
}

static void one_run(void)
{
	int i;

	t_dice(seed);
	count = 0;
	dropped = 0;
	received = 0;
	last_id = 0;
	told = 0;
	ever_leased = 0;
	ever_acknowledged = 0;
	ever_requeued = 0;
	ever_buried = 0;
	ever_expired = 0;
	max_attempts = 16;
	max_leased = 0;
	on_exhausted = 0;
	overflow = 0;
	stopped = false;
	paused = false;
	follows = true;
	size = 4 * TQ_PAGE;
	max_buried = TQ_PAGE;
	t_create(NAME, size);
	for (i = 0; i < FILES; i++) {
		files[i] = t_open_queue(NAME, O_RDWR | O_NONBLOCK);
		partials[i] = NULL;
	}
	memset(helds, -1, sizeof(helds));
	for (steps = 0; steps < STEPS; steps++)
		one_step();
	t_doing("seed %lu, the end: ", seed);
	for (i = 0; i < HELD; i++)
		if (helds[i] >= 0) {
			close(helds[i]);
			release(FILES + i);
		}
	for (i = 0; i < FILES; i++)
		reopen(i);
	compare_lists(0);
	compare(0);
	/* Nothing is in anyone's hands. */
	t_is(t_info(files[0]).in_flight, 0);
	t_is(t_info(files[0]).leased, 0);
	t_adds_up(files[0]);
	for (i = 0; i < FILES; i++)
		close(files[i]);
	t_is(t_remove_call(NAME, TQUEUE_REMOVE_FORCE), 0);
}

static void random_calls(void)
{
	t_runs(&seed, one_run);
}

static const struct t_test tests[] = {
	TQ_TEST(random_calls),
};

int main(int argc, char **argv)
{
	return t_main("queue_model", tests, ARRAY_SIZE(tests), argc, argv);
}
