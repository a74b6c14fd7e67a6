// SPDX-License-Identifier: GPL-2.0-only
/* See account.h. */
#include "account.h"

struct shared *shared;
bool in_order;

/* ---- receiving --------------------------------------------------------- */

unsigned int nth(struct slot *slot)
{
	return atomic_load(&slot->at) >> 32;
}

unsigned int have(struct slot *slot)
{
	return atomic_load(&slot->at);
}

void piece_add(struct slot *slot, size_t doubt, bool dead)
{
	unsigned int at = atomic_fetch_add(&shared->piece_count, 1);
	struct piece *piece = &shared->pieces[at];

	t_true(at < PIECES, "no room for more pieces");
	piece->len = have(slot);
	memcpy(piece->data, slot->buf, piece->len + doubt);
	piece->doubt = doubt;
	piece->dead = dead;
	piece->nth = nth(slot);
	piece->tag = slot->tag;
	atomic_store(&piece->valid, true);
}

bool piece_noted(struct slot *slot)
{
	unsigned int i;

	for (i = 0; i < atomic_load(&shared->piece_count); i++) {
		struct piece *piece = &shared->pieces[i];

		if (atomic_load(&piece->valid) && piece->tag == slot->tag &&
		    piece->nth == nth(slot))
			return true;
	}
	return false;
}

unsigned char *slot_ready(struct slot *slot)
{
	if (atomic_load(&slot->clean) != nth(slot)) {
		memset(slot->buf, 0, sizeof(slot->buf));
		atomic_store(&slot->clean, nth(slot));
	}
	return slot->buf + have(slot);
}

void slot_next(struct slot *slot, size_t tiny)
{
	unsigned int now = nth(slot);

	t_true(now + 1 < LOG, "too many messages for one receiver");
	slot->log[now] = tiny;
	atomic_store(&slot->at, (uint64_t)(now + 1) << 32);
	atomic_fetch_add(&shared->received, 1);
}

void slot_complete(struct slot *slot, int sender, unsigned int number, bool mine)
{
	unsigned char want[LENGTH_MAX];
	size_t len = have(slot), tiny = 0;

	if (sender < 0) {
		tiny_make(want, len);
		tiny = len;
	} else if (message_make(want, sender, number) != len) {
		t_fail("message %u of sender %d: %zu bytes", number, sender, len);
	}
	if (memcmp(want, slot->buf, len))
		t_fail("message %u of sender %d: wrong bytes", number, sender);
	if (sender >= 0) {
		struct sender *from = &shared->senders[sender];
		unsigned int old;

		if (atomic_load(&from->state[number]) == UNSENT)
			t_fail("message %u of sender %d was never sent", number,
			       sender);
		old = atomic_exchange(&from->received[number], slot->tag);
		if (old && !(mine && old == slot->tag))
			t_fail("message %u of sender %d was received twice",
			       number, sender);
		if (in_order && slot->last[sender] >= (int)number)
			t_fail("message %u of sender %d came after %d", number,
			       sender, slot->last[sender]);
		slot->last[sender] = number;
	}
	slot_next(slot, tiny);
}

long file_rest(int fd)
{
	char path[64], text[1024];
	const char *line;
	ssize_t got;
	int info;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	info = open(path, O_RDONLY);
	t_true(info >= 0, "cannot open %s: %s", path, strerror(errno));
	got = read(info, text, sizeof(text) - 1);
	close(info);
	t_true(got > 0, "cannot read %s", path);
	text[got] = '\0';
	line = strstr(text, "partial:");
	t_true(line, "%s says nothing of a partial message", path);
	return atol(line + strlen("partial:"));
}

void slot_got(struct slot *slot, size_t n, int fd)
{
	size_t len = have(slot) + n, claimed;
	unsigned int number = 0;
	int sender;

	atomic_store(&slot->at, atomic_load(&slot->at) + n);
	if (slot->buf[0] & 0x80) {
		if (fd >= 0 && file_rest(fd))
			return;
		piece_add(slot, 0, false);
		slot_next(slot, 0);
		return;
	}
	claimed = message_claims(slot->buf, len, &sender, &number);
	if (!claimed)
		return;
	if (len > claimed)
		t_fail("%zu bytes received of a message of %zu", len, claimed);
	if (len == claimed)
		slot_complete(slot, sender, number, false);
	else if (fd < 0)
		t_fail("%zu bytes received of a message of %zu, with room for all",
		       len, claimed);
}

struct tqueue_record *batch_record(struct slot *slot, unsigned int index)
{
	size_t at = 0;

	for (;;) {
		struct tqueue_record *record = t_at(slot->batch, at);

		if (at + TQ_HEADER > BATCH_MAX || !record->header_words)
			return NULL;
		if (!index--)
			return record;
		at += t_record(record->length);
	}
}

/* ---- in the end -------------------------------------------------------- */

/*
 * Whether unused pieces make up @want from @at to its end: @whole ones, or also
 * without the bytes that are in doubt.
 */
static bool covered(const unsigned char *want, size_t len, size_t at, bool whole)
{
	unsigned int i, round;

	if (at == len)
		return true;
	for (i = 0; i < atomic_load(&shared->piece_count); i++) {
		struct piece *piece = &shared->pieces[i];
		size_t n = piece->len + piece->doubt;

		if (!atomic_load(&piece->valid) || piece->used ||
		    !(piece->data[0] & 0x80) != !at)
			continue;
		if (!piece->dead && at + n != len)
			continue;
		for (round = 0; round < 2; round++) {
			if (n && at + n <= len && !memcmp(want + at, piece->data, n)) {
				piece->used = true;
				if (covered(want, len, at + n, whole))
					return true;
				piece->used = false;
			}
			if (whole || n == piece->len)
				break;
			n = piece->len;
		}
	}
	return false;
}

static void show_bytes(const unsigned char *data, size_t len)
{
	size_t i;

	for (i = 0; i < len && i < 40; i++)
		fprintf(stderr, " %02x", data[i]);
	fprintf(stderr, "\n");
}

/* With what could tell whether it was lost, or taken for a part of another. */
static void report_loss(unsigned int number, unsigned int sender,
			const unsigned char *want, size_t len)
{
	unsigned int i;

	fprintf(stderr, "# it is");
	show_bytes(want, len);
	for (i = 0; i < atomic_load(&shared->piece_count); i++) {
		struct piece *piece = &shared->pieces[i];

		if (!atomic_load(&piece->valid) || piece->len + piece->doubt > len ||
		    !memmem(want, len, piece->data, piece->len))
			continue;
		fprintf(stderr, "# %s, %s: %u and %u bytes:",
			piece->used ? "used" : "left", piece->dead ? "dead" : "rest",
			(unsigned int)piece->len, (unsigned int)piece->doubt);
		show_bytes(piece->data, piece->len + piece->doubt);
	}
	t_fail("message %u of sender %u (%zu bytes) is lost", number, sender, len);
}

/* Of each length up to TINY: messages sent, perhaps sent, and received. */
struct tiny {
	long sure, maybe, got;
};

static unsigned long count_sent(struct tiny *tiny)
{
	unsigned int i, n, number;
	unsigned long total = 0;

	for (i = 0; i < SENDERS; i++) {
		for (number = 0; number < NUMBERS; number++) {
			int state = atomic_load(&shared->senders[i].state[number]);
			size_t len = message_length(i, number);

			if (state == UNSENT)
				continue;
			total++;
			if (len <= TINY && state == SENT)
				tiny[len].sure++;
			else if (len <= TINY)
				tiny[len].maybe++;
		}
	}
	for (i = 0; i < SLOTS; i++)
		for (n = 0; n < nth(&shared->slots[i]); n++)
			tiny[shared->slots[i].log[n]].got++;
	return total;
}

/* Put messages together from pieces; returns how many. */
static unsigned long mend(struct tiny *tiny, bool whole)
{
	unsigned char want[LENGTH_MAX];
	unsigned long mended = 0;
	unsigned int i, number;
	size_t len;

	for (i = 0; i < SENDERS; i++) {
		struct sender *sender = &shared->senders[i];

		for (number = 0; number < NUMBERS; number++) {
			int state = atomic_load(&sender->state[number]);

			len = message_length(i, number);
			if (state == UNSENT || len <= TINY ||
			    atomic_load(&sender->received[number]))
				continue;
			message_make(want, i, number);
			if (covered(want, len, 0, whole)) {
				atomic_store(&sender->received[number], -1);
				mended++;
			} else if (state == SENT && !whole) {
				report_loss(number, i, want, len);
			}
		}
	}
	for (len = 1; len <= TINY; len++) {
		tiny_make(want, len);
		while (tiny[len].got < tiny[len].sure + tiny[len].maybe &&
		       covered(want, len, 0, whole)) {
			tiny[len].got++;
			mended++;
		}
	}
	return mended;
}

void account(void)
{
	struct tiny tiny[TINY + 1] = { 0 };
	unsigned long total = count_sent(tiny), mended;
	unsigned int i;
	size_t len;

	/* Those in doubt last: a part of one may look like the whole of another. */
	mended = mend(tiny, true);
	mended += mend(tiny, false);
	for (len = 1; len <= TINY; len++) {
		long lost = tiny[len].sure - tiny[len].got;
		long more = -lost - tiny[len].maybe;

		t_true(lost <= 0, "%ld messages of %zu bytes are lost", lost, len);
		t_true(more <= 0, "%ld messages of %zu bytes too many were received",
		       more, len);
	}
	for (i = 0; i < atomic_load(&shared->piece_count); i++) {
		struct piece *piece = &shared->pieces[i];

		if (atomic_load(&piece->valid) && !piece->used && piece->len)
			t_fail("%u bytes received belong to no message (%s; first %#x)",
			       piece->len, piece->dead ? "by one killed" : "a rest",
				piece->data[0]);
	}
	fprintf(stderr, "# %lu messages, %lu of them in pieces by way of killed receivers\n",
		total, mended);
	fprintf(stderr, "# %lu refused, %lu interrupted, %lu short reads, %lu opened, %lu bad\n",
		atomic_load(&shared->refused), atomic_load(&shared->interrupted),
		atomic_load(&shared->short_reads), atomic_load(&shared->opened),
		atomic_load(&shared->bad));
	t_true(total > 10, "only %lu messages were sent", total);
}
