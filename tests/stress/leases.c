// SPDX-License-Identifier: GPL-2.0-only
/*
 * Workers lease and settle and are killed at random moments, wherever they are, and in
 * the end each message was settled once: see ledger.h.
 *
 * The short form takes as long as it is told to. The long one goes on until a million
 * messages were settled and ten thousand workers killed; it runs only if TQUEUE_LONG is
 * set, which tests/stress/run -l does.
 */
#include "options.h"
#include "ledger.h"

#define LONG_MESSAGES	1000000
#define LONG_KILLS	10000

static void run(size_t size, unsigned int messages, unsigned int kills)
{
	double end = t_now() + option_seconds, quiet_at;
	uint64_t dice = option_seed;
	unsigned int rounds = 0;
	int fd;

	ledger_open(messages ? LEDGER_MOST : 1 << 19);
	t_create(LEDGER_NAME, size);
	fd = t_open_queue(LEDGER_NAME, O_RDWR);
	t_is(t_set_field(fd, MAX_ATTEMPTS, max_attempts, 0), 0);
	/* The last is never killed: what it receives is known to it alone. */
	ledger_add(work, 6, option_seed);
	ledger_add(send_messages, 3, option_seed);
	ledger_add(pick, 2, option_seed);
	ledger_add(receive_plainly, 1, option_seed);
	do {
		quiet_at = t_now() + 0.5 * t_slow();
		do {
			struct slot *slot = &ledger->slots[random_below(&dice,
									ledger->used - 1)];

			usleep(500 + random_below(&dice, 3000) * t_slow());
			ledger_kill(slot);
			ledger_start(slot);
		} while (t_now() < quiet_at);
		ledger_quiet(fd);
		rounds++;
		if (messages && rounds % 100 == 0)
			fprintf(stderr, "# %u messages, %u kills\n",
				atomic_load(&ledger->next), atomic_load(&ledger->deaths));
	} while (messages ? atomic_load(&ledger->next) < messages ||
			    atomic_load(&ledger->deaths) < kills :
			    t_goes_on(end, rounds > 1));
	fprintf(stderr, "# %u messages, %u kills\n", atomic_load(&ledger->next),
		atomic_load(&ledger->deaths));
	ledger_finish(fd);
}

static void killed_at_random(void)
{
	run(16384, 0, 0);
}

/* The queue is full nearly all the time, of what is leased as of what is not. */
static void mostly_full(void)
{
	run(TQ_PAGE, 0, 0);
}

static void a_million(void)
{
	if (!getenv("TQUEUE_LONG"))
		t_skip("takes long; TQUEUE_LONG=1 runs it (tests/stress/run -l)");
	run(1 << 18, LONG_MESSAGES, LONG_KILLS);
}

int main(int argc, char **argv)
{
	struct t_test tests[] = {
		TQ_TEST(killed_at_random),
		TQ_TEST(mostly_full),
		TQ_TEST(a_million),
	};
	size_t i;

	argc = options(argc, argv, 3);
	for (i = 0; i < ARRAY_SIZE(tests); i++)
		tests[i].seconds = 90 + option_seconds / t_slow();
	tests[2].seconds = 7200;
	return t_main("leases", tests, ARRAY_SIZE(tests), argc, argv);
}
