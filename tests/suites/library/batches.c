// SPDX-License-Identifier: GPL-2.0-only
/* Names, deadlines, and batches from buffers that lie: what needs no driver. */
#include "library.h"

void names(void)
{
	char longest[TQUEUE_NAME_MAX + 2], path[TQUEUE_PATH_MAX];

	t_is(tqueue_check_name("a"), 0);
	t_is(tqueue_check_name("Az09._-"), 0);
	t_is(tqueue_check_name("-"), 0);
	t_errno(tqueue_check_name(""), EINVAL);
	t_errno(tqueue_check_name(".a"), EINVAL);
	t_errno(tqueue_check_name("a/b"), EINVAL);
	t_errno(tqueue_check_name("a b"), EINVAL);
	t_errno(tqueue_check_name("\xc3\xa4"), EINVAL);
	memset(longest, 'x', sizeof(longest));
	longest[TQUEUE_NAME_MAX + 1] = '\0';
	t_errno(tqueue_check_name(longest), ENAMETOOLONG);
	t_errno(tqueue_path(longest, path, sizeof(path)), ENAMETOOLONG);
	longest[TQUEUE_NAME_MAX] = '\0';
	t_is(tqueue_check_name(longest), 0);
	t_is(tqueue_path(longest, path, sizeof(path)), 0);
	t_is(strlen(path), sizeof(path) - 1);

	t_is(tqueue_path("mail", path, sizeof(path)), 0);
	t_is(strcmp(path, "/dev/tq/mail"), 0);
	t_is(tqueue_path("tqueue", path, sizeof(path)), 0);
	t_is(strcmp(path, TQ_DEVICE), 0);
	t_is(tqueue_path("./x", path, sizeof(path)), 0);
	t_is(strcmp(path, "./x"), 0);
	t_errno(tqueue_path("mail", path, strlen("/dev/tq/mail")), ERANGE);
	t_errno(tqueue_path("..", path, sizeof(path)), EINVAL);
}

void deadlines(void)
{
	uint64_t before = t_now() * 1e9, then = tqueue_deadline(1500);

	t_true(then > before + 1400000000 && then < before + 60000000000,
	       "1500 ms end at %llu, now is %llu", (unsigned long long)then,
		(unsigned long long)before);
	t_is(tqueue_deadline(0), 0);
	t_is(tqueue_deadline(-1), TQUEUE_FOREVER);
	t_is(tqueue_deadline(INT64_MIN), TQUEUE_FOREVER);
	t_is(tqueue_deadline(INT64_MAX), TQUEUE_FOREVER);
	t_true(tqueue_deadline(INT32_MAX) != TQUEUE_FOREVER,
	       "24 days are for ever");
}

/* What a batch is filled with comes out of it. */
void filling(void)
{
	char *buffer = t_edge(TQ_PAGE - 3), text[64];
	const struct tqueue_record *record;
	struct tqueue_batch batch;
	size_t room, sent = 0, seen = 0;
	void *to;

	/* Not aligned, and what lies behind it faults. */
	tqueue_batch_init(&batch, buffer, TQ_PAGE - 3);
	t_is(tqueue_batch_bytes(&batch), 0);
	t_is(tqueue_batch_next(&batch, &record), 0);
	while (tqueue_batch_room(&batch, &room)) {
		size_t length = sent % 19;

		if (length > room)
			break;
		t_pattern(text, length, sent, 0);
		if (sent % 2) {
			t_is(tqueue_batch_add(&batch, text, length), 0);
		} else {
			to = tqueue_batch_room(&batch, &room);
			memcpy(to, text, length);
			t_is(tqueue_batch_commit(&batch, length), 0);
		}
		sent++;
	}
	t_true(sent > 70, "only %zu records fit", sent);
	t_errno(tqueue_batch_add(&batch, text, 64), ENOBUFS);
	t_errno(tqueue_batch_commit(&batch, TQUEUE_LENGTH_MAX + 1UL), EMSGSIZE);
	while (tqueue_batch_next(&batch, &record) == 1) {
		const unsigned char *payload = tqueue_payload(record);
		size_t i;

		t_is(record->length, seen % 19);
		t_is(t_differs(payload, record->length, seen, 0), -1);
		for (i = record->length; i % 8; i++)
			t_is(payload[i], 0);
		seen++;
	}
	t_is(seen, sent);
	t_is(tqueue_batch_bytes(&batch), 0);

	/* Nothing fits into nothing. */
	tqueue_batch_init(&batch, buffer, TQUEUE_RECORD_BYTES(0) - 1);
	t_true(!tqueue_batch_room(&batch, &room) && !room, "there is room");
	t_errno(tqueue_batch_add(&batch, "", 0), ENOBUFS);
	tqueue_batch_init(&batch, buffer, 2);
	t_errno(tqueue_batch_commit(&batch, 0), ENOBUFS);
	t_errno(tqueue_batch_load(&batch, buffer + 1, 8), EINVAL);
}

/* Walks a batch, and looks at every byte that it shows; how it ends. */
static int walk(struct tqueue_batch *batch, size_t *records)
{
	const unsigned char *end = batch->buffer + batch->end;
	const struct tqueue_record *record;
	volatile unsigned char sum = 0;
	int result;

	*records = 0;
	while ((result = tqueue_batch_next(batch, &record)) == 1) {
		const unsigned char *payload = tqueue_payload(record);
		size_t i;

		t_true((const unsigned char *)record >= batch->buffer &&
		       payload + record->length <= end, "it leaves the buffer");
		for (i = 0; i < record->length; i++)
			sum += payload[i];
		++*records;
		t_true(*records < 1000, "it goes on for ever");
	}
	if (result < 0)
		t_is(errno, EBADMSG);
	else
		t_is(tqueue_batch_bytes(batch), 0);
	return result;
}

/* No buffer makes the walk leave it, hang or invent records. */
void hostile(void)
{
	enum { BYTES = 8 * 48 };
	unsigned char *buffer = (void *)t_edge(BYTES);
	uint64_t good[BYTES / 8];
	struct tqueue_record *first = (void *)buffer;
	struct tqueue_batch batch;
	unsigned int seed = 1, torn = 0;
	size_t records, bytes;
	int round, i;

	tqueue_batch_init(&batch, good, sizeof(good));
	for (i = 0; !tqueue_batch_add(&batch, "0123456789", i % 11); i++)
		;
	bytes = batch.end;
	memcpy(buffer, good, BYTES);
	t_is(tqueue_batch_load(&batch, buffer, bytes), 0);
	t_is(walk(&batch, &records), 0);
	t_is(records, i);

	/* Cut off anywhere. */
	for (i = 0; i < (int)bytes; i++) {
		memcpy(buffer + BYTES - bytes, good, bytes);
		memmove(buffer, buffer + BYTES - bytes, bytes);
		t_is(tqueue_batch_load(&batch, buffer, i), 0);
		if (walk(&batch, &records) < 0)
			torn++;
	}
	t_true(torn > bytes / 2, "only %u of %zu cuts are noticed", torn,
	       bytes);

	/* Each field as wrong as it can be. */
	for (i = 0; i < 256; i++) {
		memcpy(buffer, good, BYTES);
		first->header_words = i;
		t_is(tqueue_batch_load(&batch, buffer, bytes), 0);
		if (i < TQUEUE_HEADER_WORDS)
			t_is(walk(&batch, &records), -1);
		else
			walk(&batch, &records);
	}
	for (i = 0; i < 32; i++) {
		memcpy(buffer, good, BYTES);
		first->length = 0xffffffffU << i;
		t_is(tqueue_batch_load(&batch, buffer, bytes), 0);
		if (i < 31 && (0xffffffffU << i) > BYTES)
			t_is(walk(&batch, &records), -1);
		first->length = 1U << i;
		t_is(tqueue_batch_load(&batch, buffer, bytes), 0);
		walk(&batch, &records);
	}
	memcpy(buffer, good, BYTES);
	first->length = BYTES - TQ_HEADER;
	t_is(tqueue_batch_load(&batch, buffer, BYTES), 0);
	t_is(walk(&batch, &records), 0);
	t_is(records, 1);
	first->length++;
	t_is(tqueue_batch_load(&batch, buffer, BYTES), 0);
	t_is(walk(&batch, &records), -1);

	/* Anything at all. */
	for (round = 0; round < 20000; round++) {
		memcpy(buffer, good, BYTES);
		for (i = rand_r(&seed) % 8; i >= 0; i--)
			buffer[rand_r(&seed) % BYTES] = rand_r(&seed);
		t_is(tqueue_batch_load(&batch, buffer,
				       rand_r(&seed) % (BYTES + 1)), 0);
		walk(&batch, &records);
	}
}
