// SPDX-License-Identifier: GPL-2.0-only
/*
 * LIST: what messages there are, in the order of their ids, without any effect on them.
 * What is there all the time is listed once, whatever moves beside it.
 */
#include "calls.h"
#include "calls32.h"

#define NAME	"list"
#define NEVER	(100000 * T_SECOND)	/* longer than any test */
#define OTHER	1234	/* another user */

static char buf[64 * 1024] __attribute__((aligned(8)));
static struct tqueue_listed entries[4096];

static long list_all(int fd, unsigned int states)
{
	return t_list_call(fd, entries, ARRAY_SIZE(entries), 0, states);
}

/* A message in each state: ready (twice: in the ring and beside it), ... in flight. */
struct zoo {
	int fd, other;
	struct tqueue_record leased;
	uint64_t ready, first, delayed, buried, partial;
};

static struct zoo make_zoo(void)
{
	struct zoo zoo = { .fd = t_open_small(NAME) };

	zoo.other = t_open_queue(NAME, O_RDWR);
	zoo.partial = t_send_priority(zoo.fd, 50, 0, 9);
	t_is(read(zoo.other, buf, 20), 20);
	t_send(zoo.fd, 20, 1);
	zoo.leased = t_lease(zoo.fd, 20, 1);
	zoo.ready = t_send_id(zoo.fd, 20, 2);
	zoo.delayed = t_send_delayed(zoo.fd, 20, 3, NEVER);
	zoo.buried = t_send_id(zoo.fd, 20, 4);
	t_is(t_settle_unleased(zoo.fd, zoo.buried, TQUEUE_BURY), 0);
	zoo.first = t_send_priority(zoo.fd, 20, 5, 7);
	return zoo;
}

static void end_zoo(struct zoo *zoo)
{
	t_is(t_settle(zoo->fd, &zoo->leased, TQUEUE_REQUEUE), 0);
	close(zoo->other);
	t_is(t_kick_call(zoo->fd, TQUEUE_FOREVER, 0, TQUEUE_BURIED | TQUEUE_DELAYED,
			 NULL), 2);
	t_is(t_receive_call(zoo->fd, buf, sizeof(buf), 0), 6);
	t_end(zoo->fd);
}

/* ---- what it shows ------------------------------------------------------------------- */

static void all_states(void)
{
	struct zoo zoo = make_zoo();
	const uint64_t ids[] = {
		zoo.partial, zoo.leased.id, zoo.ready, zoo.delayed, zoo.buried, zoo.first,
	};
	static const unsigned char states[] = {
		TQUEUE_IN_FLIGHT, TQUEUE_LEASED, TQUEUE_READY, TQUEUE_DELAYED,
		TQUEUE_BURIED, TQUEUE_READY,
	};
	double now = t_boot_time();
	int i;

	memset(entries, 0xa5, sizeof(entries));
	t_is(list_all(zoo.fd, 0), 6);
	for (i = 0; i < 6; i++) {
		struct tqueue_listed *entry = &entries[i];

		t_is(entry->id, ids[i]);
		t_is(entry->state, states[i]);
		t_is(entry->pid, getpid());
		t_is(entry->uid, 0);
		t_is(entry->key, 0);
		t_is(entry->code, 0);
		t_is(entry->attempts, 0);
		t_is(entry->reserved, 0);
		t_is(entry->length, i ? 20 : 30);
		t_is(entry->holder, i == 1 ? getpid() : 0);
		t_is(entry->delivery, i == 1 ? zoo.leased.delivery : 0);
		t_is(entry->priority, i == 0 ? 9 : i == 5 ? 7 : 0);
		t_is(entry->reason, i == 4 ? TQUEUE_REASON_FORCED : TQUEUE_REASON_NONE);
		t_is(entry->flags, i == 1 ? TQUEUE_LISTED_BEGUN :
				   i == 0 ? entry->flags : 0);
		/* The clock is coarse. */
		t_true(entry->sent_ns / 1e9 > now - 30 * t_slow() &&
		       entry->sent_ns / 1e9 <= now, "message %d was sent at %.3f, now is %.3f",
		       i, entry->sent_ns / 1e9, now);
		t_true(entry->since_ns >= entry->sent_ns && entry->since_ns / 1e9 <= now,
		       "message %d is so since %.3f, sent at %.3f, now is %.3f", i,
		       entry->since_ns / 1e9, entry->sent_ns / 1e9, now);
		if (i == 1)
			t_is(entry->due_ns, TQUEUE_FOREVER);
		else if (i == 3)
			t_true(entry->due_ns > NEVER, "it is due at %llu",
			       (unsigned long long)entry->due_ns);
		else
			t_is(entry->due_ns, 0);
	}
	/* Behind the last nothing is written. */
	for (i = 0; i < (int)sizeof(entries[0]); i++)
		t_is(((unsigned char *)&entries[6])[i], 0xa5);
	end_zoo(&zoo);
}

static void chosen_states(void)
{
	struct zoo zoo = make_zoo();
	unsigned int states;

	for (states = 1; states < 32; states++) {
		long n = list_all(zoo.fd, states), want, i;

		want = __builtin_popcount(states) + !!(states & TQUEUE_READY);
		t_is(n, want);
		for (i = 0; i < n; i++)
			t_true(entries[i].state & states, "state %#x is listed for %#x",
			       entries[i].state, states);
	}
	end_zoo(&zoo);
}

static void no_effect(void)
{
	struct zoo zoo = make_zoo();
	struct tqueue_info before = t_info(zoo.fd), after;
	int looker = t_open_queue(NAME, 3), i;

	for (i = 0; i < 100; i++)
		t_is(list_all(i % 2 ? zoo.fd : looker, 0), 6);
	/* Neither for one that has a partial message of its own. */
	t_is(list_all(zoo.other, 0), 6);
	close(looker);
	after = t_info(zoo.fd);
	t_true(!memcmp(&before, &after, sizeof(before)), "INFO says something else");
	end_zoo(&zoo);
}

static void keys_and_partial_ones(void)
{
	int fd = t_open_small(NAME), other = t_open_queue(NAME, O_RDONLY);
	uint64_t id;

	t_is(t_send_unique_call(fd, 40, 1, 0x123456789abcdefULL, TQUEUE_SEND_UNSETTLED,
				&id), 1);
	t_is(t_listed(fd, id).key, 0x123456789abcdefULL);
	t_is(t_listed(fd, id).flags, TQUEUE_FLAG_UNIQUE | TQUEUE_FLAG_UNSETTLED);
	t_is(read(other, buf, 10), 10);
	close(other);
	t_is(t_listed(fd, id).length, 30);
	t_is(t_listed(fd, id).flags & TQUEUE_FLAG_PARTIAL, TQUEUE_FLAG_PARTIAL);
	t_receive_rest(fd, 30, 1, 10);
	t_end(fd);
}

/* ---- the call ---------------------------------------------------------- */

static void by_pages(void)
{
	enum { N = 100 };
	int fd = t_open_small(NAME), i;
	unsigned int page;
	uint64_t ids[N];

	t_is(t_set_call(NAME, TQUEUE_CONFIG_SIZE, 4 * TQ_PAGE, 0), 0);
	for (i = 0; i < N; i++) {
		ids[i] = t_send_priority(fd, 20, i, i % 3);
		if (i % 5 == 4)
			t_is(t_settle_unleased(fd, ids[i], TQUEUE_BURY), 0);
	}
	for (page = 1; page < 110; page += 9) {
		uint64_t after = 0;
		unsigned int n = 0;
		long got;

		while ((got = t_list_call(fd, entries, page, after, 0)) > 0) {
			t_true(got == (long)page || (long)n + got == N,
			       "%ld of %u come", got, page);
			for (i = 0; i < got; i++)
				t_is(entries[i].id, ids[n++]);
			after = entries[got - 1].id;
		}
		t_is(got, 0);
		t_is(n, N);
	}
	/* After ids that are no message's. */
	t_is(t_list_call(fd, entries, 200, TQUEUE_FOREVER, 0), 0);
	t_is(t_list_call(fd, entries, 200, ids[N - 1], 0), 0);
	t_is(t_list_call(fd, entries, 200, ids[50] - 1, 0), N - 50);
	t_is(t_list_call(fd, entries, 1, ids[50] - 1, TQUEUE_BURIED), 1);
	t_is(entries[0].id, ids[54]);
	t_is(t_remove_call(NAME, TQUEUE_REMOVE_FORCE), 0);
	close(fd);
}

/* A file that has listed nothing yet begins behind more records than one step passes. */
static void from_far_into_the_ring(void)
{
	enum { N = 2500, LEFT = 5 };
	int fd, looker, i;
	uint64_t last;

	t_create(NAME, 64 * TQ_PAGE);
	fd = t_open_queue(NAME, O_RDWR);
	for (i = 0; i < N; i += 500)
		t_is(t_send_call(fd, buf, t_put_many(buf, 8, i, 500), 0), 500);
	last = t_info(fd).last_id;
	looker = t_open_queue(NAME, 3);
	t_is(t_list_call(looker, entries, N, last - LEFT, 0), LEFT);
	for (i = 0; i < LEFT; i++)
		t_is(entries[i].id, last - LEFT + 1 + i);
	t_is(t_list_call(looker, entries, N, 0, 0), N);
	t_is(entries[N - 1].id, last);
	t_is(t_settle_unleased(fd, last, TQUEUE_ACKNOWLEDGE), 0);
	t_is(t_info(fd).messages, N - 1);
	close(looker);
	close(fd);
	t_is(t_remove_call(NAME, TQUEUE_REMOVE_FORCE), 0);
}

static void other_sizes_of_entries(void)
{
	struct zoo zoo = make_zoo();
	static const unsigned int sizes[] = { 8, 16, 24, 40, 64, 72, 80, 88, 128, 1000, 4096 };
	struct tqueue_listed whole[6];
	size_t i, j, same;

	t_is(t_list_call(zoo.fd, whole, 6, 0, 0), 6);
	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		struct tqueue_list list = {
			.entries = (uintptr_t)buf, .count = 6, .entry_bytes = sizes[i],
		};

		memset(buf, 0xa5, sizeof(buf));
		t_is(ioctl(zoo.fd, TQUEUE_LIST, &list), 6);
		for (j = 0; j < 6; j++) {
			char *entry = buf + j * sizes[i];

			same = sizes[i] < sizeof(whole[0]) ? sizes[i] : sizeof(whole[0]);
			t_is(memcmp(entry, &whole[j], same), 0);
			for (; same < sizes[i]; same++)
				t_is(entry[same], 0);
		}
		t_is((unsigned char)buf[6 * sizes[i]], 0xa5);
	}
	end_zoo(&zoo);
}

static void wrong_arguments(void)
{
	struct zoo zoo = make_zoo();
	struct tqueue_list list = {
		.entries = (uintptr_t)entries, .count = 1,
		.entry_bytes = sizeof(entries[0]),
	};
	struct tqueue_list wrong;
	char *edge = t_edge(3 * sizeof(entries[0]));
	long got;

	wrong = list;
	wrong.flags = 1;
	t_errno(ioctl(zoo.fd, TQUEUE_LIST, &wrong), EINVAL);
	wrong = list;
	wrong.states = 32;
	t_errno(ioctl(zoo.fd, TQUEUE_LIST, &wrong), EINVAL);
	wrong.states = 0x80000001;
	t_errno(ioctl(zoo.fd, TQUEUE_LIST, &wrong), EINVAL);
	wrong = list;
	wrong.entry_bytes = 0;
	t_errno(ioctl(zoo.fd, TQUEUE_LIST, &wrong), EINVAL);
	wrong = list;
	wrong.entries = 8;
	t_errno(ioctl(zoo.fd, TQUEUE_LIST, &wrong), EFAULT);
	t_errno(ioctl(zoo.fd, TQUEUE_LIST, NULL), EFAULT);
	/* Room for three, and six are there: none beyond it, or an error. */
	got = t_list_call(zoo.fd, (void *)edge, 6, 0, 0);
	t_true(got == 3 || (got == -1 && errno == EFAULT), "LIST gives %ld (%s)", got,
	       strerror(errno));
	t_is(t_list_call(zoo.fd, (void *)edge, 3, 0, 0), 3);
	end_zoo(&zoo);
}

static void of_an_empty_queue(void)
{
	int fd = t_open_small(NAME);

	t_is(list_all(fd, 0), 0);
	t_send(fd, 10, 1);
	t_receive(fd, 10, 1);
	t_is(list_all(fd, 0), 0);
	t_is(ioctl(fd, TQUEUE_STOP), 0);
	t_is(list_all(fd, 0), 0);
	t_is(ioctl(fd, TQUEUE_START), 0);
	t_end(fd);
}

static void of_another_user(void *arg)
{
	int fd;

	(void)arg;
	t_set_user(OTHER);
	fd = t_open_queue(NAME, O_RDONLY);
	t_is(list_all(fd, 0), 1);
	t_is(entries[0].uid, 0);
}

static void seen_by_another_user(void)
{
	struct tqueue_create create = t_creation(NAME);
	int fd, writer;

	create.mode = 0666;
	t_is(t_create_call(&create), 0);
	fd = t_open_queue(NAME, O_RDWR);
	t_send(fd, 10, 1);
	t_reap(t_fork(of_another_user, NULL));
	/* Who may only write may not look. */
	writer = t_open_queue(NAME, O_WRONLY);
	t_errno(list_all(writer, 0), EBADF);
	close(writer);
	t_receive(fd, 10, 1);
	t_end(fd);
}

/* ---- while messages move ----------------------------------------------- */

static atomic_int enough;

/* Messages come and go, and others change their state all the time. */
static void move(struct t_task *task)
{
	uint64_t *ids = task->arg, dice = task->number;
	int fd = t_open_queue(NAME, O_RDWR | O_NONBLOCK);
	char mine[8192] __attribute__((aligned(8)));

	while (!atomic_load(&enough)) {
		uint64_t id;

		dice = dice * 6364136223846793005 + 1442695040888963407;
		id = ids[(dice >> 33) % task->len];
		switch (dice >> 61) {
		case 0:
			t_send_call(fd, mine, t_put(mine, 0, (dice >> 40) % 100, 1), 0);
			break;
		case 1:
			/* Those that stay have a priority of 0, these the highest. */
			t_put(mine, 0, 10, 2);
			t_at(mine, 0)->priority = 63;
			t_send_call(fd, mine, t_record(10), 0);
			t_receive_call(fd, mine, t_record(10), 0);
			break;
		case 2:
			t_settle_unleased(fd, id, TQUEUE_BURY);
			break;
		case 3:
			t_settle_unleased(fd, id, TQUEUE_REQUEUE);
			break;
		case 4:
			t_kick_call(fd, TQUEUE_FOREVER, 3, TQUEUE_BURIED, NULL);
			break;
		default:
			if (t_by_id_call(fd, id, TQUEUE_RECEIVE_LEASE, mine, sizeof(mine)) == 1)
				t_requeue(fd, t_at(mine, 0), 0, TQUEUE_SETTLE_UNCOUNTED);
		}
		atomic_fetch_add(&task->count, 1);
	}
	close(fd);
}

static void each_is_listed_once(void)
{
	enum { N = 400, MOVERS = 3 };
	static struct t_task movers[MOVERS];
	static uint64_t ids[N];
	double end = t_now() + t_seconds(3);
	unsigned int i, walks = 0;
	int fd;

	t_create(NAME, 1 << 17);
	fd = t_open_queue(NAME, O_RDWR | O_NONBLOCK);
	t_is(t_set_field(fd, MAX_BURIED, max_buried, 1 << 16), 0);
	for (i = 0; i < N; i++)
		ids[i] = t_send_id(fd, 20, i);
	for (i = 0; i < MOVERS; i++) {
		movers[i].arg = ids;
		movers[i].len = N;
		movers[i].number = i + 1;
		t_start(&movers[i], move);
	}
	do {
		unsigned int page = 1 + walks * 7 % 90, found = 0;
		uint64_t after = 0;
		long got, j;

		while ((got = t_list_call(fd, entries, page, after, 0)) > 0) {
			for (j = 0; j < got; j++) {
				t_true(entries[j].id > after, "id %llu comes after %llu",
				       (unsigned long long)entries[j].id,
				       (unsigned long long)after);
				after = entries[j].id;
				if (found < N && after == ids[found])
					found++;
			}
		}
		t_is(got, 0);
		if (found < N)
			t_fail("message %u (id %llu) is not listed", found,
			       (unsigned long long)ids[found]);
		walks++;
	} while (t_goes_on(end, walks > 20 && t_all_did(movers, MOVERS, 100)));
	atomic_store(&enough, 1);
	for (i = 0; i < MOVERS; i++)
		t_finish(&movers[i]);
	fprintf(stderr, "# %u walks\n", walks);
	t_adds_up(fd);
	t_is(t_remove_call(NAME, TQUEUE_REMOVE_FORCE), 0);
	close(fd);
}

static void list_into_stalled_memory(void *arg)
{
	struct t_stall stall;

	(void)arg;
	t_stall_make(&stall, t_page());
	t_list_call(t_open_queue(NAME, 3), (void *)stall.map, 6, 0, 0);
}

/* Who is killed while the entries are copied dies of it, and keeps nobody waiting. */
static void killed_while_it_lists(void)
{
	struct zoo zoo = make_zoo();
	pid_t pid = t_fork(list_into_stalled_memory, NULL);

	t_asleep_pid(pid, SYS_ioctl);
	t_is(list_all(zoo.fd, 0), 6);
	t_kill(pid);
	t_is(list_all(zoo.fd, 0), 6);
	end_zoo(&zoo);
}

/* A 32-bit program has the same structures. */
static void of_32_bits(void)
{
	char *low = calls32_memory(8192);
	struct tqueue_list *list = (void *)low;
	struct zoo zoo = make_zoo();
	struct tqueue_listed whole[6];

	list->entries = (uintptr_t)low + 4096;
	list->count = 6;
	list->entry_bytes = sizeof(whole[0]);
	t_is(call32(CALL32_IOCTL, zoo.fd, TQUEUE_LIST, (long)low), 6);
	t_is(list_all(zoo.fd, 0), 6);
	t_is(memcmp(low + 4096, entries, sizeof(whole)), 0);
	end_zoo(&zoo);
}

static const struct t_test tests[] = {
	TQ_TEST(all_states),
	TQ_TEST(chosen_states),
	TQ_TEST(no_effect),
	TQ_TEST(keys_and_partial_ones),
	TQ_TEST(by_pages),
	TQ_TEST(from_far_into_the_ring),
	TQ_TEST(other_sizes_of_entries),
	TQ_TEST(wrong_arguments),
	TQ_TEST(of_an_empty_queue),
	TQ_TEST(seen_by_another_user),
	TQ_TEST(each_is_listed_once),
	TQ_TEST(killed_while_it_lists),
	TQ_TEST(of_32_bits),
};

int main(int argc, char **argv)
{
	return t_main("list", tests, ARRAY_SIZE(tests), argc, argv);
}
