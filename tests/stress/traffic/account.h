/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The account of every message.
 *
 * Receivers receive straight into memory that we share, zeroed before, so that of
 * one who was killed it is known what he had (his reads had returned), and what is
 * in doubt: bytes that are there though the read that brought them never returned.
 * In the end each message must have been received once and whole, or be made up of
 * what killed receivers had and of rests received after them, each of those used
 * once.
 */
#ifndef TQUEUE_TRAFFIC_ACCOUNT_H
#define TQUEUE_TRAFFIC_ACCOUNT_H

#include "calls.h"
#include "codec.h"

#define SLOTS		24
#define LOG		(NUMBERS * SENDERS)
#define PIECES		4000
#define BATCH_MAX	(LENGTH_MAX + 4096)	/* bytes of records in one call */

enum { UNSENT, SENDING, SENT };

struct sender {
	atomic_uint next;
	atomic_int still;		/* holds still, as told */
	atomic_uchar state[NUMBERS];
	atomic_ushort received[NUMBERS];	/* tag of who did; 0: nobody */
};

/* Where one receiver puts its message together. */
struct slot {
	atomic_ullong at;	/* messages so far << 32 | bytes of the next one */
	atomic_uint clean;	/* @buf was zeroed for this message */
	unsigned short tag;	/* of the process that uses it */
	int last[SENDERS];	/* number received last */
	unsigned char log[LOG];	/* by message: length of a tiny one, 0: not tiny */
	unsigned char buf[LENGTH_MAX + 64];
	atomic_uint batch_nth;	/* which message is the first of @batch */
	uint64_t batch[BATCH_MAX / 8];	/* records, as received; zeros before */
};

/* What killed receivers had, and rests that followed. */
struct piece {
	unsigned int tag, nth;
	unsigned int len;	/* surely received */
	unsigned int doubt;	/* bytes more that may have been */
	bool dead;		/* its receiver was killed: more may follow */
	bool used;
	atomic_bool valid;	/* all of this has been written */
	unsigned char data[LENGTH_MAX];
};

struct shared {
	atomic_int hold_still, stop;
	atomic_uint tags;
	atomic_ulong received, interrupted, refused, short_reads, opened, bad;
	struct sender senders[SENDERS];
	struct slot slots[SLOTS];
	atomic_uint piece_count;
	struct piece pieces[PIECES];
};

extern struct shared *shared;
extern bool in_order;	/* nobody is killed: receivers can judge the order */

/* ---- receiving --------------------------------------------------------- */

unsigned int nth(struct slot *slot);	/* messages so far */
unsigned int have(struct slot *slot);	/* bytes of the next one */
/* Before each receive: where to, and with nothing in it. */
unsigned char *slot_ready(struct slot *slot);
/* @n bytes more came; @fd, if given, may hold a rest. */
void slot_got(struct slot *slot, size_t n, int fd);
/* A whole message is there: check and count it. @mine: it may have been counted. */
void slot_complete(struct slot *slot, int sender, unsigned int number, bool mine);
void slot_next(struct slot *slot, size_t tiny);
void piece_add(struct slot *slot, size_t doubt, bool dead);
bool piece_noted(struct slot *slot);
/* Record number @index of the batch that was received last, or NULL. */
struct tqueue_record *batch_record(struct slot *slot, unsigned int index);
/* How much of a partial message the open file still holds. */
long file_rest(int fd);

/* ---- in the end -------------------------------------------------------- */

void account(void);

#endif
