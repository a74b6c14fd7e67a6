// SPDX-License-Identifier: GPL-2.0-only
/* See chaos.h. */
#include "chaos.h"

#include <linux/sockios.h>
#include <sys/resource.h>

/* ---- those who were killed ----------------------------------------------- */

/* Of a batch that was received all is known: what was not looked at yet follows. */
static void autopsy_of_batch(struct slot *slot)
{
	struct tqueue_record *record;

	while ((record = batch_record(slot, nth(slot) -
				      atomic_load(&slot->batch_nth)))) {
		unsigned int number = 0;
		int sender = -1;

		memcpy(slot->buf, record->payload, record->length);
		atomic_store(&slot->at, (uint64_t)nth(slot) << 32 | record->length);
		if (slot->buf[0] & 0x80) {
			if (!piece_noted(slot))
				piece_add(slot, 0, false);
			slot_next(slot, 0);
		} else {
			t_is(message_claims(slot->buf, record->length, &sender,
					    &number), record->length);
			slot_complete(slot, sender, number, true);
		}
	}
}

/* What a killed receiver had and what is in doubt. */
static void autopsy(struct worker *worker, struct slot *slot)
{
	size_t doubt = 0, len, claimed;
	unsigned int number = 0;
	int sender = -1;

	if (worker->run == receive_batch) {
		autopsy_of_batch(slot);
		return;
	}
	if (atomic_load(&slot->clean) != nth(slot))
		return;
	len = have(slot);
	while (len + doubt < LENGTH_MAX && slot->buf[len + doubt])
		doubt++;
	if (worker->run == receive_splice) {
		int left = 0;

		/* What came out of the queue is in the slot or in the pipe. */
		ioctl(worker->pipe[0], FIONREAD, &left);
		if (left)
			t_is(read(worker->pipe[0], slot->buf + len + doubt, left),
			     left);
		len += doubt + left;
		doubt = 0;
		atomic_store(&slot->at, (uint64_t)nth(slot) << 32 | len);
	}
	if (!len && !doubt)
		return;
	if (len && !(slot->buf[0] & 0x80)) {
		claimed = message_claims(slot->buf, len, &sender, &number);
		if (claimed == len) {
			slot_complete(slot, sender, number, true);
			return;
		}
	}
	/* It may have been noting just this. */
	if (!piece_noted(slot))
		piece_add(slot, doubt, true);
	slot->log[nth(slot)] = 0;
	atomic_store(&slot->at, (uint64_t)(nth(slot) + 1) << 32);
}

/* ---- those who live ------------------------------------------------------ */

static void start(struct worker *worker, uint64_t *dice)
{
	int i;

	for (i = 0; i < worker->slots; i++) {
		struct slot *slot = &shared->slots[worker->first + i];

		slot->tag = atomic_fetch_add(&shared->tags, 1);
		memset(slot->last, -1, sizeof(slot->last));
	}
	worker->dice = random_next(dice);
	worker->stopped = 0;
	fflush(NULL);
	worker->pid = fork();
	t_true(worker->pid >= 0, "fork fails with %s", strerror(errno));
	if (worker->pid)
		return;
	setpriority(PRIO_PROCESS, 0, 0);
	worker->run(worker);
	_exit(0);
}

static void show(struct worker *workers, int count)
{
	char path[64], text[2048];
	int i, fd;

	for (i = 0; i < count; i++) {
		static const char * const what[] = { "syscall", "stack" };
		size_t j;

		fprintf(stderr, "# %s:", workers[i].name);
		if (workers[i].slots)
			fprintf(stderr, " has %u bytes",
				have(&shared->slots[workers[i].first]));
		fputc('\n', stderr);
		for (j = 0; j < ARRAY_SIZE(what); j++) {
			ssize_t n;

			snprintf(path, sizeof(path), "/proc/%d/%s", workers[i].pid,
				 what[j]);
			fd = open(path, O_RDONLY);
			n = fd < 0 ? 0 : read(fd, text, sizeof(text));
			if (n > 0)
				fprintf(stderr, "%.*s", (int)n, text);
			close(fd);
		}
	}
}

/* Senders hold still, receivers receive what is there, and nobody helps. */
static void quiet(struct worker *workers, int count)
{
	double patience = 10 * t_slow(), end = t_now() + patience;
	unsigned long before = 0, now;
	int i, busy;

	for (i = 0; i < count; i++)
		if (workers[i].stopped) {
			kill(workers[i].pid, SIGCONT);
			workers[i].stopped = 0;
		}
	atomic_store(&shared->hold_still, 1);
	do {
		busy = t_value("messages") != 0;
		for (i = 0; i < count; i++) {
			struct worker *worker = &workers[i];

			if (worker->slots && have(&shared->slots[worker->first]))
				busy++;
			if (!worker->slots && !worker->bystander &&
			    !atomic_load(&shared->senders[worker->number].still))
				busy++;
		}
		now = atomic_load(&shared->received) +
		      atomic_load(&shared->short_reads);
		if (now != before) {
			before = now;
			end = t_now() + patience;
		}
		if (t_now() > end) {
			show(workers, count);
			t_fail("nothing moves any more: %ld messages, a wake-up is lost",
			       t_value("messages"));
		}
		usleep(1000);
	} while (busy);
	t_is(t_value("bytes"), 0);
}

static void disturb(struct worker *workers, int count, uint64_t *dice, int *kills)
{
	struct worker *worker = &workers[random_below(dice, count)];
	double now = t_now();
	int i;

	for (i = 0; i < count; i++)
		if (workers[i].stopped && workers[i].stopped < now) {
			kill(workers[i].pid, SIGCONT);
			workers[i].stopped = 0;
		}
	switch (random_below(dice, 8)) {
	case 0:
		if (!worker->stopped) {
			kill(worker->pid, SIGSTOP);
			worker->stopped = now + random_below(dice, 20) * 0.001 * t_slow();
		}
		break;
	case 1:
	case 2:
		if (in_order)
			break;
		/* Stopped ones die as well. */
		t_kill(worker->pid);
		(*kills)++;
		for (i = 0; i < worker->slots; i++)
			autopsy(worker, &shared->slots[worker->first + i]);
		start(worker, dice);
		break;
	case 3:
	case 4:
		kill(worker->pid, SIGUSR2);
		break;
	default:
		kill(worker->pid, SIGUSR1);
		break;
	}
}

static void finish(struct worker *workers, int count)
{
	double end = t_now() + 10 * t_slow();
	int i, status, left = count;

	atomic_store(&shared->stop, 1);
	while (left) {
		for (i = 0; i < count; i++) {
			if (!workers[i].pid)
				continue;
			kill(workers[i].pid, SIGUSR1);
			if (waitpid(workers[i].pid, &status, WNOHANG) > 0) {
				t_true(!status, "%s ends with status %#x",
				       workers[i].name, status);
				workers[i].pid = 0;
				left--;
			}
		}
		if (t_now() > end) {
			show(workers, count);
			t_fail("%d workers do not end", left);
		}
		usleep(2000);
	}
}

void chaos(struct worker *workers, int count, double seconds)
{
	double end = t_now() + seconds;
	uint64_t dice = message_seed;
	int i, slots = 0, kills = 0, rounds = 0;

	/* Disturbs in time, however busy the workers keep the processors. */
	setpriority(PRIO_PROCESS, 0, -15);
	/* Before there is anyone to signal. */
	t_catch(SIGUSR1, 0);
	t_catch(SIGUSR2, SA_RESTART);
	shared = t_shared(sizeof(*shared));
	atomic_store(&shared->tags, 1);
	length_max = t_max_message();
	t_true(length_max <= LENGTH_MAX, "the queue is too large for this test");
	for (i = 0; i < count; i++) {
		struct worker *worker = &workers[i];

		worker->first = slots;
		slots += worker->slots;
		t_true(slots <= SLOTS, "too few slots");
		t_is(pipe2(worker->pipe, O_CLOEXEC), 0);
	}
	for (i = 0; i < slots; i++)
		atomic_store(&shared->slots[i].clean, -1);
	for (i = 0; i < count; i++)
		start(&workers[i], &dice);
	while (t_now() < end) {
		double pause = t_now() + 0.3 * t_slow();

		atomic_store(&shared->hold_still, 0);
		while (t_now() < pause) {
			for (i = 0; i < 3; i++)
				disturb(workers, count, &dice, &kills);
			usleep(1000 + random_below(&dice, 4000) * t_slow());
		}
		quiet(workers, count);
		rounds++;
	}
	finish(workers, count);
	fprintf(stderr, "# %d rounds, %d workers were killed\n", rounds, kills);
	account();
	t_nothing();
}
