// SPDX-License-Identifier: GPL-2.0-only
/*
 * Several processes send, lease and settle in all ways, some are killed, and the queue
 * is paused, stopped, resized and given other policies meanwhile: each message is
 * settled once, and none is in two hands. The seed of a run is in its output; with
 * TQUEUE_SEED the processes make the same choices.
 */
#include "ledger.h"

static uint64_t begin(size_t size)
{
	const char *given = getenv("TQUEUE_SEED");
	uint64_t seed = given ? strtoull(given, NULL, 0) :
				(uint64_t)(t_now() * 1e6) % 100000000;

	fprintf(stderr, "# seed %llu\n", (unsigned long long)seed);
	t_dice(seed);
	ledger_open(1 << 18);
	t_create(LEDGER_NAME, size);
	return seed;
}

static void disturb(int fd)
{
	struct tqueue_config config = { 0 };

	switch (t_below(7)) {
	case 0:
		t_is(ioctl(fd, TQUEUE_PAUSE), 0);
		usleep(t_below(3000));
		t_is(ioctl(fd, TQUEUE_RESUME), 0);
		break;
	case 1:
		t_is(ioctl(fd, TQUEUE_STOP), 0);
		usleep(t_below(3000));
		t_is(ioctl(fd, TQUEUE_START), 0);
		break;
	case 2:
		config.size = TQ_PAGE << t_below(5);
		config.fields = TQUEUE_CONFIG_SIZE;
		if (ioctl(fd, TQUEUE_SET, &config))
			t_is(errno, EBUSY);
		break;
	case 3:
		t_is(t_set_field(fd, MAX_LEASED, max_leased, t_below(3) ? 0 : 1 + t_below(20)),
		     0);
		break;
	case 4:
		t_is(t_set_field(fd, MAX_BURIED, max_buried, t_below(2) ? 0 : 1 + t_below(3000)),
		     0);
		break;
	case 5:
		t_is(t_set_field(fd, OVERFLOW, overflow, t_below(2)), 0);
		break;
	case 6:
		/* None of these ends a message. */
		config.fields = TQUEUE_CONFIG_TTL | TQUEUE_CONFIG_LEASE_LIMIT |
				TQUEUE_CONFIG_MAX_ATTEMPTS;
		config.ttl = t_below(2) ? 0 : 10000 * T_SECOND;
		config.lease_limit = t_below(2) ? 0 : 10000 * T_SECOND;
		config.max_attempts = 0;
		t_is(ioctl(fd, TQUEUE_SET, &config), 0);
	}
}

static void run(bool kills, bool disturbs)
{
	double end = t_now() + t_seconds(3);
	uint64_t seed = begin(4 * TQ_PAGE);
	unsigned int rounds = 0, i;
	int fd = t_open_queue(LEDGER_NAME, O_RDWR);

	t_is(t_set_field(fd, MAX_ATTEMPTS, max_attempts, 0), 0);
	ledger_add(work, 4, seed);
	ledger_add(send_messages, 2, seed);
	ledger_add(pick, 1, seed);
	ledger_add(receive_plainly, 1, seed);
	do {
		for (i = 0; i < 30; i++) {
			usleep(t_below(8000) * t_slow());
			/* Not those which may receive for good what nobody knows of. */
			if (kills && !t_below(3)) {
				struct slot *slot = &ledger->slots[t_below(ledger->used - 1)];

				ledger_kill(slot);
				ledger_start(slot);
			}
			if (disturbs)
				disturb(fd);
		}
		ledger_quiet(fd);
		rounds++;
	} while (t_goes_on(end, rounds > 1));
	t_is(t_set_field(fd, MAX_LEASED, max_leased, 0), 0);
	ledger_finish(fd);
}

static void in_peace(void)
{
	run(false, false);
}

static void killed(void)
{
	run(true, false);
}

static void disturbed(void)
{
	run(false, true);
}

static void killed_and_disturbed(void)
{
	run(true, true);
}

static const struct t_test tests[] = {
	{ .name = "in_peace", .run = in_peace, .seconds = 120 },
	{ .name = "killed", .run = killed, .seconds = 120 },
	{ .name = "disturbed", .run = disturbed, .seconds = 120 },
	{ .name = "killed_and_disturbed", .run = killed_and_disturbed, .seconds = 120 },
};

int main(int argc, char **argv)
{
	return t_main("workers", tests, ARRAY_SIZE(tests), argc, argv);
}
