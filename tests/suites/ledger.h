/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A ledger of messages that several processes send, lease and settle while others kill
 * them: in memory that all of them share each message has an account of its own, and
 * in the end each that was sent was settled once, and never did two have it at a time.
 *
 * What a worker does to its account comes before what it does to the queue: it lets go
 * of a message before it gives it back, and says that it will acknowledge it before it
 * does. So of one that was killed in between it is known what is in doubt: whether that
 * was done. One that was acknowledged is never delivered again.
 */
#ifndef TQUEUE_TESTS_LEDGER_H
#define TQUEUE_TESTS_LEDGER_H

#include "calls.h"

#define LEDGER_NAME	"ledger"
#define LEDGER_MOST	0x200000	/* messages */
#define LEDGER_SLOTS	24		/* processes */
#define LEDGER_BATCH	8

enum { UNSENT, SENDING, SENT };

struct account {
	atomic_uchar sent;
	atomic_uchar settled;	/* how often it was acknowledged, or received */
	atomic_uint owner;	/* token of the worker that has it, or 0 */
	atomic_uint doubt;	/* token of one that was about to settle it for good */
};

/* A process: the token is its slot and how often that was used. */
struct slot {
	pid_t pid;
	atomic_uint token;
	atomic_bool killed;	/* set before it is */
	atomic_bool quiet;	/* has no lease, and gets none */
	uint64_t dice;
	void (*run)(struct slot *slot);
	bool sends;
	atomic_ulong done;
};

static struct ledger {
	atomic_uint next;	/* number of the next message */
	unsigned int most;	/* messages, at most */
	atomic_bool still;	/* senders hold still */
	atomic_bool quiet;	/* so do all others, without any lease */
	atomic_bool stop;
	atomic_uint killed[1 << 16];	/* tokens of the dead, by number */
	atomic_uint deaths;
	atomic_uint tokens;
	atomic_ulong deliveries, returns, stale;
	struct slot slots[LEDGER_SLOTS];
	unsigned int used;
	struct account accounts[LEDGER_MOST];
} *ledger;

/* What a message carries. */
struct payload {
	uint64_t number, check;
	char rest[];
};

static unsigned int slot_below(struct slot *slot, unsigned int n)
{
	return random_below(&slot->dice, n);
}

static uint64_t payload_check(uint64_t number)
{
	return (number + 1) * 0x9e3779b97f4a7c15;
}

static bool is_dead(unsigned int token)
{
	unsigned int i, n = atomic_load(&ledger->deaths);

	for (i = n; i-- && n - i < 4096;)
		if (atomic_load(&ledger->killed[i % ARRAY_SIZE(ledger->killed)]) == token)
			return true;
	return false;
}

static struct account *account_of(const struct tqueue_record *record)
{
	const struct payload *payload = (const void *)record->payload;

	t_true(record->length >= sizeof(*payload) &&
	       payload->check == payload_check(payload->number) &&
	       payload->number < ledger->most,
		"a message of %u bytes says that it is number %llu", record->length,
		(unsigned long long)payload->number);
	return &ledger->accounts[payload->number];
}

static unsigned long long number_of_account(const struct account *account)
{
	return account - ledger->accounts;
}

/* ---- what workers note -------------------------------------------------------------- */

/* A delivery: nobody else has it, and it was not settled. */
static void note_lease(struct slot *slot, const struct tqueue_record *record)
{
	struct account *account = account_of(record);
	unsigned int mine = atomic_load(&slot->token), other, doubt;

	other = atomic_exchange(&account->owner, mine);
	if (other && !is_dead(other))
		t_fail("message %llu is leased by %u, and %u has it",
		       number_of_account(account), mine, other);
	if (atomic_load(&account->settled))
		t_fail("message %llu is delivered, and was settled",
		       number_of_account(account));
	/* Whoever was about to acknowledge it did not come to it. */
	doubt = atomic_exchange(&account->doubt, 0);
	if (doubt && !is_dead(doubt))
		t_fail("message %llu is delivered, and %u acknowledges it",
		       number_of_account(account), doubt);
	atomic_fetch_add(&ledger->deliveries, 1);
}

/* From now on others may have it. */
static void note_release(struct slot *slot, const struct tqueue_record *record)
{
	struct account *account = account_of(record);
	unsigned int mine = atomic_load(&slot->token);

	if (!atomic_compare_exchange_strong(&account->owner, &mine, 0))
		t_fail("message %llu is in the hands of %u", number_of_account(account),
		       mine);
}

static void note_about_to_settle(struct slot *slot, const struct tqueue_record *record)
{
	atomic_store(&account_of(record)->doubt, atomic_load(&slot->token));
}

static void note_settled(const struct tqueue_record *record)
{
	struct account *account = account_of(record);

	if (atomic_fetch_add(&account->settled, 1))
		t_fail("message %llu is settled twice", number_of_account(account));
	atomic_store(&account->owner, 0);
	atomic_store(&account->doubt, 0);
}

/* ---- what they do ------------------------------------------------------ */

static bool ledger_wait(struct slot *slot)
{
	if (atomic_load(&ledger->stop))
		return false;
	while (atomic_load(&ledger->quiet) ||
	       (slot->sends && atomic_load(&ledger->still))) {
		atomic_store(&slot->quiet, true);
		if (atomic_load(&ledger->stop))
			return false;
		usleep(500);
	}
	atomic_store(&slot->quiet, false);
	return true;
}

static void send_messages(struct slot *slot)
{
	char buf[4096] __attribute__((aligned(8)));
	int fd = t_open_queue(LEDGER_NAME, O_WRONLY);

	while (ledger_wait(slot)) {
		unsigned int n = 1 + slot_below(slot, LEDGER_BATCH), i, first;
		struct tqueue_send send = { .records = (uintptr_t)buf };
		size_t end = 0;

		first = atomic_fetch_add(&ledger->next, n);
		if (first + n > ledger->most) {
			usleep(1000);
			continue;
		}
		for (i = 0; i < n; i++) {
			size_t len = sizeof(struct payload) + slot_below(slot, 100), at = end;
			struct payload payload = {
				first + i, payload_check(first + i),
			};

			end = t_put(buf, end, len, 0);
			memcpy(t_at(buf, at)->payload, &payload, sizeof(payload));
			t_at(buf, at)->priority = slot_below(slot, 3) ? 0 :
						  slot_below(slot, 64);
			atomic_store(&ledger->accounts[first + i].sent, SENDING);
		}
		if (!slot_below(slot, 4)) {
			send.flags = TQUEUE_SEND_DELAY;
			send.delay = slot_below(slot, 3000000);
		}
		for (i = 0; i < n;) {
			long got;

			send.records = (uintptr_t)buf;
			send.bytes = end;
			send.deadline = t_deadline(0.02);
			got = ioctl(fd, TQUEUE_SEND, &send);
			if (got < 0) {
				t_true(errno == ETIMEDOUT || errno == ESHUTDOWN ||
				       errno == EAGAIN || errno == ENOBUFS,
					"SEND fails with %s", strerrorname_np(errno));
				/* What is left waits for as long as all do. */
				if (!ledger_wait(slot))
					break;
				usleep(200);
				continue;
			}
			while (got--)
				atomic_store(&ledger->accounts[first + i++].sent, SENT);
			end -= send.sent_bytes;
			memmove(buf, buf + send.sent_bytes, end);
		}
		/* They were not sent, and will not be. */
		for (; i < n; i++)
			atomic_store(&ledger->accounts[first + i].sent, UNSENT);
		atomic_fetch_add(&slot->done, 1);
	}
	close(fd);
}

static void settle_one(struct slot *slot, int fd, const struct tqueue_record *record)
{
	struct tqueue_settlement s = t_settlement(record, TQUEUE_ACKNOWLEDGE);
	int result, held;

	switch (slot_below(slot, 12)) {
	case 0:
		s.action = TQUEUE_REQUEUE;
		s.time = slot_below(slot, 2) ? slot_below(slot, 3000000) : 0;
		s.flags = slot_below(slot, 2) ? TQUEUE_SETTLE_UNCOUNTED : 0;
		break;
	case 1:
		s.action = TQUEUE_REQUEUE;
		s.flags = TQUEUE_SETTLE_PRIORITY;
		s.priority = slot_below(slot, 64);
		break;
	case 2:
		s.action = TQUEUE_BURY;
		break;
	case 3:
		s.action = slot_below(slot, 2) ? TQUEUE_EXTEND : TQUEUE_BEGIN;
		t_is(t_settle_one(fd, s), 0);
		s.action = TQUEUE_ACKNOWLEDGE;
		break;
	case 4:
		/* Its own file is closed, and so it comes back; or it is settled by then. */
		s.action = TQUEUE_HOLD;
		held = t_settle_one(fd, s);
		t_true(held >= 0, "HOLD gives %d", held);
		if (slot_below(slot, 2)) {
			note_release(slot, record);
			close(held);
			atomic_fetch_add(&ledger->returns, 1);
			return;
		}
		s.action = TQUEUE_ACKNOWLEDGE;
		note_about_to_settle(slot, record);
		t_is(t_settle_one(fd, s), 0);
		note_settled(record);
		close(held);
		return;
	case 5:
		/* It lets a limit pass, and is too late, perhaps. */
		note_release(slot, record);
		s.action = TQUEUE_EXTEND;
		s.time = 1 + slot_below(slot, 300000);
		t_is(t_settle_one(fd, s), 0);
		usleep(slot_below(slot, 400));
		s.action = TQUEUE_REQUEUE;
		s.time = 0;
		result = t_settle_one(fd, s);
		t_true(!result || result == -ESTALE, "a late requeue gives %d", result);
		atomic_fetch_add(result ? &ledger->stale : &ledger->returns, 1);
		return;
	}
	if (s.action == TQUEUE_ACKNOWLEDGE) {
		note_about_to_settle(slot, record);
		t_is(t_settle_one(fd, s), 0);
		note_settled(record);
	} else {
		note_release(slot, record);
		result = t_settle_one(fd, s);
		t_true(result == 0 || result == TQUEUE_RESULT_PUT_OFF, "action %u gives %d",
		       s.action, result);
		atomic_fetch_add(&ledger->returns, 1);
	}
}

/* One call acknowledges the one before and leases the next. */
static void by_turns(struct slot *slot, int fd, char *buf, size_t room)
{
	struct tqueue_receive receive = {
		.records = (uintptr_t)buf, .bytes = room, .count = 1,
		.flags = TQUEUE_RECEIVE_LEASE,
	};
	char before[512] __attribute__((aligned(8)));
	struct tqueue_record *record = t_at(before, 0);
	unsigned int i;
	long got;

	for (i = 0; i < 10; i++) {
		if (i)
			note_about_to_settle(slot, record);
		receive.deadline = t_deadline(0.01);
		got = ioctl(fd, TQUEUE_RECEIVE, &receive);
		t_true(got >= 0 || errno == ETIMEDOUT || errno == EAGAIN || errno == ENOSPC ||
		       errno == EMSGSIZE, "RECEIVE fails with %s", strerrorname_np(errno));
		if (i) {
			t_is(receive.ack_result, 0);
			note_settled(record);
		}
		if (got != 1)
			return;
		memcpy(before, buf, t_record(t_at(buf, 0)->length));
		note_lease(slot, record);
		receive.flags |= TQUEUE_RECEIVE_ACK;
		receive.ack_id = record->id;
		receive.ack_delivery = record->delivery;
	}
	note_about_to_settle(slot, record);
	t_is(t_settle(fd, record, TQUEUE_ACKNOWLEDGE), 0);
	note_settled(record);
}

static void work(struct slot *slot)
{
	static char buf[4096] __attribute__((aligned(8)));
	int fd = t_open_queue(LEDGER_NAME, O_RDWR);

	while (ledger_wait(slot)) {
		struct tqueue_receive receive = {
			.records = (uintptr_t)buf, .bytes = sizeof(buf),
			.deadline = t_deadline(0.02), .flags = TQUEUE_RECEIVE_LEASE,
			.count = slot_below(slot, 2) ? 1 : LEDGER_BATCH,
		};
		size_t at = 0;
		long got, i;

		if (!slot_below(slot, 6)) {
			by_turns(slot, fd, buf, sizeof(buf));
			continue;
		}
		got = ioctl(fd, TQUEUE_RECEIVE, &receive);
		if (got < 0)
			t_true(errno == ETIMEDOUT || errno == EAGAIN || errno == ENOSPC,
			       "a lease fails with %s", strerrorname_np(errno));
		for (i = 0; i < got; i++, at += t_record(t_at(buf, at)->length))
			note_lease(slot, t_at(buf, at));
		if (!slot_below(slot, 16)) {
			/* All of it comes back at once. */
			for (at = 0, i = 0; i < got; i++, at += t_record(t_at(buf, at)->length))
				note_release(slot, t_at(buf, at));
			close(fd);
			atomic_fetch_add(&ledger->returns, got > 0 ? got : 0);
			fd = t_open_queue(LEDGER_NAME, O_RDWR);
			continue;
		}
		for (at = 0, i = 0; i < got; i++, at += t_record(t_at(buf, at)->length))
			settle_one(slot, fd, t_at(buf, at));
		atomic_fetch_add(&slot->done, 1);
	}
	close(fd);
}

/* Works on what LIST shows, by its id. */
static void pick(struct slot *slot)
{
	char buf[1024] __attribute__((aligned(8)));
	int fd = t_open_queue(LEDGER_NAME, O_RDWR);
	struct tqueue_listed entries[32];
	uint64_t after = 0;

	while (ledger_wait(slot)) {
		long got = t_list_call(fd, entries, ARRAY_SIZE(entries), after, 0), i;

		t_true(got >= 0, "LIST fails with %s", strerrorname_np(errno));
		for (i = 0; i < got; i++) {
			t_true(entries[i].id > after, "the list goes back");
			after = entries[i].id;
		}
		if (got < (long)ARRAY_SIZE(entries))
			after = 0;
		if (got) {
			uint64_t id = entries[slot_below(slot, got)].id;

			if (slot_below(slot, 2)) {
				t_settle_unleased(fd, id, slot_below(slot, 2) ?
						  TQUEUE_REQUEUE : TQUEUE_BURY);
			} else if (t_by_id_call(fd, id, TQUEUE_RECEIVE_LEASE, buf,
						sizeof(buf)) == 1) {
				note_lease(slot, t_at(buf, 0));
				settle_one(slot, fd, t_at(buf, 0));
			}
		}
		t_true(t_kick_call(fd, TQUEUE_FOREVER, slot_below(slot, 50), TQUEUE_BURIED,
				   NULL) >= 0, "KICK fails");
		usleep(slot_below(slot, 3000));
	}
	close(fd);
}

/* Receives for good; this one is never killed. */
static void receive_plainly(struct slot *slot)
{
	char buf[1024] __attribute__((aligned(8)));
	int fd = t_open_queue(LEDGER_NAME, O_RDONLY);

	while (ledger_wait(slot)) {
		long got = t_receive_call(fd, buf, 300, t_deadline(0.01));
		size_t at = 0;

		if (got < 0)
			t_true(errno == ETIMEDOUT || errno == EAGAIN, "RECEIVE fails with %s",
			       strerrorname_np(errno));
		for (; got > 0; got--, at += t_record(t_at(buf, at)->length)) {
			note_lease(slot, t_at(buf, at));
			note_settled(t_at(buf, at));
		}
		usleep(slot_below(slot, 4000));
	}
	close(fd);
}

/* ---- the first process ------------------------------------------------- */

static void ledger_start(struct slot *slot)
{
	pid_t pid;

	atomic_store(&slot->token, atomic_fetch_add(&ledger->tokens, 1) + 1);
	atomic_store(&slot->killed, false);
	atomic_store(&slot->quiet, false);
	slot->dice += 0x9e3779b97f4a7c15;
	fflush(NULL);
	pid = fork();
	t_true(pid >= 0, "fork fails with %s", strerror(errno));
	if (pid) {
		slot->pid = pid;
		return;
	}
	slot->run(slot);
	_exit(0);
}

static void ledger_kill(struct slot *slot)
{
	unsigned int n = atomic_load(&ledger->deaths);

	atomic_store(&ledger->killed[n % ARRAY_SIZE(ledger->killed)],
		     atomic_load(&slot->token));
	atomic_store(&ledger->deaths, n + 1);
	t_kill(slot->pid);
}

static void ledger_add(void (*run)(struct slot *slot), unsigned int n, uint64_t seed)
{
	while (n--) {
		struct slot *slot = &ledger->slots[ledger->used++];

		t_true(ledger->used <= LEDGER_SLOTS, "too many processes");
		slot->run = run;
		slot->sends = run == send_messages;
		slot->dice = seed * 1000003 + ledger->used;
		ledger_start(slot);
	}
}

static void ledger_await(const char *what, bool (*reached)(int fd), int fd)
{
	double end = t_now() + 30 * t_slow();
	struct tqueue_info info;

	while (!reached(fd)) {
		if (t_now() > end) {
			info = t_info(fd);
			t_fail("%s is not reached: %llu ready, %llu leased, %llu delayed, %llu buried, %u in flight",
			       what, (unsigned long long)info.messages,
			       (unsigned long long)info.leased,
			       (unsigned long long)info.delayed,
			       (unsigned long long)info.buried, info.in_flight);
		}
		usleep(1000);
	}
}

static bool all_quiet(int fd)
{
	unsigned int i;

	(void)fd;
	for (i = 0; i < ledger->used; i++)
		if (!atomic_load(&ledger->slots[i].quiet))
			return false;
	return true;
}

static bool senders_quiet(int fd)
{
	unsigned int i;

	(void)fd;
	for (i = 0; i < ledger->used; i++)
		if (ledger->slots[i].sends && !atomic_load(&ledger->slots[i].quiet))
			return false;
	return true;
}

static bool all_settled(int fd)
{
	struct tqueue_info info;

	t_kick_call(fd, TQUEUE_FOREVER, 0, TQUEUE_BURIED | TQUEUE_DELAYED, NULL);
	info = t_info(fd);
	return !info.messages && !info.leased && !info.delayed && !info.buried &&
	       !info.in_flight;
}

/* Nobody holds anything, and all adds up. */
static void ledger_quiet(int fd)
{
	struct tqueue_info info;

	atomic_store(&ledger->quiet, true);
	ledger_await("a quiet moment", all_quiet, fd);
	/* What the dead had leased comes back as they go. */
	info = t_info(fd);
	t_is(info.leased, 0);
	t_is(info.leased_bytes, 0);
	t_is(info.in_flight, 0);
	t_is(info.blocked_senders, 0);
	t_adds_up_at(__FILE__, __LINE__, &info);
	atomic_store(&ledger->quiet, false);
}

/* Senders hold still from now on: all must come through without any help. */
static void ledger_empty(int fd)
{
	atomic_store(&ledger->still, true);
	ledger_await("the end of all sending", senders_quiet, fd);
	ledger_await("the end of all work", all_settled, fd);
}

/* Each message was settled once; those in doubt, once or not at all. */
static void ledger_account(int fd)
{
	unsigned int n = atomic_load(&ledger->next), i, settled = 0, doubtful = 0, sent = 0,
		     perhaps = 0;
	struct tqueue_info info = t_info(fd);

	if (n > ledger->most)
		n = ledger->most;
	for (i = 0; i < n; i++) {
		struct account *account = &ledger->accounts[i];

		switch (atomic_load(&account->sent)) {
		case SENT:
			sent++;
			break;
		case SENDING:
			perhaps++;
			break;
		default:
			t_is(atomic_load(&account->settled), 0);
		}
		settled += atomic_load(&account->settled);
		if (atomic_load(&account->settled))
			continue;
		if (atomic_load(&account->doubt))
			doubtful++;
		else if (atomic_load(&account->sent) == SENT)
			t_fail("message %u is lost", i);
	}
	fprintf(stderr, "# %u messages, %lu deliveries, %lu came back, %lu too late; %u deaths, %u messages in doubt by them\n",
		settled, atomic_load(&ledger->deliveries), atomic_load(&ledger->returns),
		atomic_load(&ledger->stale), atomic_load(&ledger->deaths), doubtful);
	t_true(info.sent >= sent && info.sent <= sent + perhaps,
	       "%llu were sent, %u are known, %u in doubt", (unsigned long long)info.sent,
	       sent, perhaps);
	t_true(info.received >= settled && info.received <= settled + doubtful,
	       "%llu were received, %u are known, %u in doubt",
	       (unsigned long long)info.received, settled, doubtful);
	t_is(info.dropped, 0);
	t_true(settled > 10, "only %u messages were settled", settled);
}

static void ledger_finish(int fd)
{
	unsigned int i;

	ledger_empty(fd);
	atomic_store(&ledger->stop, true);
	for (i = 0; i < ledger->used; i++)
		t_reap(ledger->slots[i].pid);
	t_is(all_settled(fd), true);
	ledger_account(fd);
	t_end(fd);
}

static void ledger_open(unsigned int most)
{
	ledger = t_shared(sizeof(*ledger));
	ledger->most = most < LEDGER_MOST ? most : LEDGER_MOST;
}

#endif
