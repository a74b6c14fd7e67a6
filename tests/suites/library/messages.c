// SPDX-License-Identifier: GPL-2.0-only
/* Messages sent and received, one by one, in batches, by many threads. */
#include "library.h"

/* Sends and receives one message of that length, and peeks at it before. */
static void one(int fd, size_t length, uint64_t deadline)
{
	size_t bytes = TQUEUE_RECORD_BYTES(length);
	struct tqueue_record *record = malloc(bytes), *peeked = malloc(bytes);
	char *data = malloc(length + 1);

	t_pattern(data, length, length, 0);
	t_is(tqueue_send(fd, data, length, deadline), 0);
	t_is(tqueue_peek(fd, peeked, bytes, 0), 1);
	if (length) {
		t_errno(tqueue_receive(fd, record, bytes - 8, deadline),
			EMSGSIZE);
		t_true(record->length >= length && record->length < length + 8,
		       "%u are needed for %zu", record->length, length);
	}
	t_is(tqueue_receive(fd, record, bytes, deadline), 1);
	t_is(memcmp(record, peeked, bytes), 0);
	t_is(record->length, length);
	t_is(t_differs(tqueue_payload(record), length, length, 0), -1);
	t_is(record->pid, getpid());
	t_is(record->uid, geteuid());
	t_errno(tqueue_receive(fd, record, bytes, 0), EAGAIN);
	free(data);
	free(peeked);
	free(record);
}

void one_message(void)
{
	int fd = open_queue("tqueue", O_RDWR);
	struct tqueue_record record;
	size_t most = t_max_message();

	one(fd, 0, 0);
	one(fd, 0, TQUEUE_FOREVER);
	one(fd, 1, 0);
	one(fd, 64, TQUEUE_FOREVER);
	one(fd, TQ_PAGE, tqueue_deadline(10000));
	one(fd, TQ_PAGE + 1, tqueue_deadline(10000));
	one(fd, TQ_PAGE + 1, 0);
	one(fd, most, 0);
	one(fd, most, TQUEUE_FOREVER);
	one(fd, most, tqueue_deadline(10000));
	t_errno(tqueue_send(fd, "", most + 1, 0), EMSGSIZE);
	t_errno(tqueue_send(fd, "", TQUEUE_LENGTH_MAX + 1UL, 0), EMSGSIZE);
	t_errno(tqueue_receive(fd, &record, sizeof(record) - 1, 0), EINVAL);
	t_errno(tqueue_receive(fd, &record, sizeof(record),
			       tqueue_deadline(20)), ETIMEDOUT);
	t_errno(tqueue_peek(fd, &record, sizeof(record), 1), ETIMEDOUT);
	close(fd);
}

static void send_long(struct t_task *self)
{
	self->result = tqueue_send(self->fd, self->buf, self->len,
				   tqueue_deadline(30000));
	self->error = errno;
}

void full_queue(void)
{
	static char data[TQ_SMALL_MAX];
	int fd = open_queue("tqueue", O_RDWR);
	struct t_task small = { .fd = fd, .buf = data, .len = 900 };
	struct tqueue_record *record = malloc(2 * TQ_PAGE);
	bool found = false;

	fill_up(fd);
	t_errno(tqueue_send(fd, data, 100, 0), EAGAIN);
	t_errno(tqueue_send(fd, data, 100, tqueue_deadline(20)), ETIMEDOUT);
	t_pattern(data, small.len, 7, 0);
	t_start(&small, send_long);
	t_asleep(&small, SYS_ioctl);
	while (tqueue_receive(fd, record, 2 * TQ_PAGE, 0) == 1)
		if (record->length == small.len)
			found = t_differs(tqueue_payload(record), small.len,
					  7, 0) < 0;
	t_finish(&small);
	t_is(small.result, 0);
	while (!found && tqueue_receive(fd, record, 2 * TQ_PAGE, 0) == 1)
		found = record->length == small.len;
	t_true(found, "what waited for room is not there");
	free(record);
	close(fd);
}

/* The same with a message too long for the stack. */
void full_queue_long(void)
{
	static char data[10000];
	int fd = open_queue("tqueue", O_RDWR);
	struct t_task sender = { .fd = fd, .buf = data, .len = sizeof(data) };
	struct tqueue_record *record = malloc(4 * TQ_PAGE);
	int got = 0;

	while (!tqueue_send(fd, data, 8000, 0))
		;
	while (!tqueue_send(fd, "", 0, 0))
		;
	t_errno(tqueue_send(fd, data, sizeof(data), 0), EAGAIN);
	t_errno(tqueue_send(fd, data, sizeof(data), tqueue_deadline(20)),
		ETIMEDOUT);
	t_pattern(data, sizeof(data), 9, 0);
	t_start(&sender, send_long);
	t_asleep(&sender, SYS_ioctl);
	while (got != 1) {
		t_is(tqueue_receive(fd, record, 4 * TQ_PAGE, tqueue_deadline(30000)), 1);
		if (record->length != sizeof(data))
			continue;
		t_is(t_differs(tqueue_payload(record), sizeof(data), 9, 0), -1);
		got++;
	}
	t_finish(&sender);
	t_is(sender.result, 0);
	t_errno(tqueue_receive(fd, record, 4 * TQ_PAGE, 0), EAGAIN);
	free(record);
	close(fd);
}

/* More than fits goes in parts, in order, and the ids can be waited for. */
void batches(void)
{
	uint64_t out[2 * TQ_PAGE / 8], in[128];
	struct tqueue_batch sent, got;
	const struct tqueue_record *record;
	int fd = open_queue("tqueue", O_RDWR);
	uint64_t last = 0;
	int count, i, next = 0, all = 0;

	tqueue_batch_init(&sent, out, sizeof(out));
	tqueue_batch_init(&got, in, sizeof(in));
	t_is(tqueue_send_batch(fd, &sent, TQUEUE_FOREVER), 0);
	while (!tqueue_batch_add(&sent, &all, sizeof(all)))
		all++;
	/* Two pages of records, one of queue. */
	count = tqueue_send_batch(fd, &sent, 0);
	t_true(count > 0 && count < all, "%d of %d are sent", count, all);
	t_errno(tqueue_send_batch(fd, &sent, 0), EAGAIN);
	t_errno(tqueue_send_batch(fd, &sent, tqueue_deadline(20)), ETIMEDOUT);
	t_errno(tqueue_wait(fd, sent.last_id, 0), EAGAIN);
	t_errno(tqueue_wait(fd, TQUEUE_FOREVER, tqueue_deadline(20)),
		ETIMEDOUT);
	t_is(tqueue_receive_batch(fd, &got, 1, 0), 1);
	while (next < all) {
		while (tqueue_batch_next(&got, &record) == 1) {
			memcpy(&i, tqueue_payload(record), sizeof(i));
			t_is(i, next++);
			t_true(record->id > last, "ids do not grow");
			last = record->id;
		}
		if (tqueue_batch_bytes(&sent))
			t_true(tqueue_send_batch(fd, &sent, 0) > 0,
			       "nothing is sent");
		if (next < all)
			t_true(tqueue_receive_batch(fd, &got, 0, 0) > 0,
			       "nothing is received: %s", strerror(errno));
	}
	t_is(sent.end, 0);
	t_is(last, sent.last_id);
	t_is(tqueue_wait(fd, sent.last_id, 0), 0);
	t_is(tqueue_wait(fd, TQUEUE_FOREVER, 0), 0);
	t_errno(tqueue_receive_batch(fd, &got, 0, 0), EAGAIN);
	t_is(tqueue_batch_bytes(&got), 0);

	/* Counted, peeked at, too large for the buffer. */
	for (i = 0; i < 5; i++)
		t_is(tqueue_batch_add(&sent, &i, i), 0);
	t_is(tqueue_send_batch(fd, &sent, 0), 5);
	t_is(tqueue_peek_batch(fd, &got, 3, 0), 3);
	t_is(tqueue_peek_batch(fd, &got, 0, 0), 5);
	t_is(tqueue_receive_batch(fd, &got, 2, 0), 2);
	t_is(tqueue_receive_batch(fd, &got, 0, TQUEUE_FOREVER), 3);
	t_is(tqueue_send(fd, out, 500, 0), 0);
	tqueue_batch_init(&got, in, 256);
	t_errno(tqueue_receive_batch(fd, &got, 0, 0), EMSGSIZE);
	t_is(got.needed, TQUEUE_RECORD_BYTES(500));
	tqueue_batch_init(&got, in, got.needed);
	t_is(tqueue_receive_batch(fd, &got, 0, 0), 1);
	close(fd);
}

/* Many threads on one descriptor: each message once. */
#define SENDERS	3
#define EACH	3000

static atomic_uchar seen[SENDERS][EACH];

static void send_many(struct t_task *self)
{
	struct tqueue_batch batch;
	uint64_t space[256];
	int message[2] = { self->number, 0 };

	tqueue_batch_init(&batch, space, sizeof(space));
	while (message[1] < EACH) {
		while (message[1] < EACH &&
		       !tqueue_batch_add(&batch, message, sizeof(message)))
			message[1]++;
		while (tqueue_batch_bytes(&batch))
			t_true(tqueue_send_batch(self->fd, &batch,
						 TQUEUE_FOREVER) > 0,
				"a sender gets %s", strerror(errno));
	}
}

static void receive_many(struct t_task *self)
{
	struct tqueue_batch batch;
	const struct tqueue_record *record;
	uint64_t space[200];
	int message[2], last[SENDERS], got, i;

	for (i = 0; i < SENDERS; i++)
		last[i] = -1;
	tqueue_batch_init(&batch, space, sizeof(space));
	while ((got = tqueue_receive_batch(self->fd, &batch, 0,
					   TQUEUE_FOREVER)) > 0) {
		while (tqueue_batch_next(&batch, &record) == 1) {
			t_is(record->length, sizeof(message));
			memcpy(message, tqueue_payload(record), sizeof(message));
			t_true(message[0] < SENDERS && message[1] < EACH,
			       "no such message: %d", message[1]);
			t_true(message[1] > last[message[0]], "out of order");
			last[message[0]] = message[1];
			t_is(atomic_fetch_add(&seen[message[0]][message[1]], 1), 0);
			self->count++;
		}
	}
	t_is(got, 0);
}

void threads(void)
{
	struct t_task senders[SENDERS] = { 0 }, receivers[3] = { 0 };
	int fd = open_queue("tqueue", O_RDWR);
	long total = 0;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(receivers); i++) {
		receivers[i].fd = fd;
		t_start(&receivers[i], receive_many);
	}
	for (i = 0; i < SENDERS; i++) {
		senders[i].fd = fd;
		senders[i].number = i;
		t_start(&senders[i], send_many);
	}
	for (i = 0; i < SENDERS; i++)
		t_finish(&senders[i]);
	t_is(tqueue_wait(fd, TQUEUE_FOREVER, tqueue_deadline(30000)), 0);
	/* End-of-file ends the receivers. */
	t_is(tqueue_stop(fd), 0);
	for (i = 0; i < ARRAY_SIZE(receivers); i++) {
		t_finish(&receivers[i]);
		total += receivers[i].count;
	}
	t_is(total, (long)SENDERS * EACH);
	t_is(tqueue_start(fd), 0);
	close(fd);
}
