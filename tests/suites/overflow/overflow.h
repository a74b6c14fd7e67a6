/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a full queue does to its senders, where that is chosen: "reject" refuses
 * at once, "drop-oldest" makes room at the cost of what is there, and tells the
 * receivers of records how many messages were dropped: each drop once.
 */
#ifndef TQUEUE_SUITE_OVERFLOW_H
#define TQUEUE_SUITE_OVERFLOW_H

#include "calls.h"

#define NAME	"overflow"
#define FULL	4	/* messages of TQ_SMALL_MAX bytes in a queue of 4096 */

static inline int open_with(unsigned int overflow)
{
	t_create_with(NAME, TQ_PAGE, overflow, TQUEUE_EOF_NEVER);
	return t_open_queue(NAME, O_RDWR);
}

static inline int open_dropping(void)
{
	return open_with(TQUEUE_OVERFLOW_DROP_OLDEST);
}

static inline void set_overflow(unsigned int overflow)
{
	t_is(t_policy_call(NAME, TQUEUE_CONFIG_OVERFLOW, overflow, 0), 0);
}

/* Receives one: its seed, what was dropped and not told, and whether it says so. */
static inline void received_at(int line, int fd, size_t len, uint64_t seed,
			       uint64_t dropped, unsigned int flags)
{
	char buf[TQ_PAGE / 2];
	struct tqueue_receive receive = {
		.records = (uintptr_t)buf, .bytes = sizeof(buf), .count = 1,
		.flags = flags, .dropped = 12345,
	};
	size_t at = 0;
	int n = ioctl(fd, TQUEUE_RECEIVE, &receive);

	if (n != 1)
		t_fail_at(__FILE__, line, "RECEIVE gives %d (%s)", n,
			  n < 0 ? strerrorname_np(errno) : "");
	t_record_at(__FILE__, line, buf, &at, receive.bytes, len, seed,
		    dropped ? TQUEUE_FLAG_DROPPED : 0);
	if (receive.dropped != dropped)
		t_fail_at(__FILE__, line, "%llu were dropped, not %llu",
			  (unsigned long long)receive.dropped,
			   (unsigned long long)dropped);
}

#define received(fd, len, seed, dropped)	received_at(__LINE__, fd, len, seed, dropped, 0)
/* Who only looks is told of nothing. */
#define peeked(fd, len, seed)						\
	received_at(__LINE__, fd, len, seed, 0, TQUEUE_RECEIVE_PEEK)

/* reject.c */
void refuses_at_once(void);
void refuses_for_other_reasons(void);
void blocks(void);

/* drop_oldest.c */
void counts_what_it_drops(void);
void the_gap_in_a_batch(void);
void gaps_add_up(void);
void plain_readers_notice_nothing(void);
void told_by_no_call_that_fails(void);
void what_comes_back_is_told_once(void);
void a_partial_behind_the_gap(void);
void dropped_before_anybody_received(void);
void gaps_around_a_rest(void);
void a_gap_while_a_receiver_stalls(void);
void as_many_as_need_be(void);
void failures_drop_nothing(void);
void memory_that_goes_drops_nothing(void);
void a_batch_that_ends_early(void);
void stalled_sender(void);
void batches(void);
void rests(void);
void a_sleeping_reader(void);

/* changes.c */
void to_reject(void);
void to_drop_oldest(void);
void pollers(void);
void back_to_block(void);

/* random.c */
void in_traffic(void);
void all_is_told(void);

#endif
