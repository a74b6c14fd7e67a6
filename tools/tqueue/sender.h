/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Messages on their way into a queue.  They are gathered in a batch, which is sent
 * when it is full, and when its user says so.
 */
#ifndef SENDER_H
#define SENDER_H

#include <stdint.h>
#include <tqueue.h>

/**
 * struct sender - a queue that is sent to
 * @name: its name
 * @fd: the queue
 * @timeout: how long a wait for room may take
 * @batch: messages that were not sent yet
 * @room: memory of @batch
 * @longest: most bytes of a message, when it was opened
 * @sent: messages that were sent
 * @skipped: messages that were not, as others have their keys
 * @several: whether there may be more than one message
 * @is_whole: whether all of a file is one message
 * @what: what an item of the input is called: "line"
 * @file: the file that is read, NULL: the standard input or arguments
 * @before: items that were done with before @file was begun
 */
struct sender {
	const char *name;
	int fd;
	uint64_t timeout;
	struct tqueue_batch batch;
	void *room;
	uint64_t longest;
	uint64_t sent;
	uint64_t skipped;
	int several;
	int is_whole;
	const char *what;
	const char *file;
	uint64_t before;
};

/* Opens the queue; 0, or an exit status, and it has said why. */
int sender_open(struct sender *sender, const char *name, uint64_t timeout,
		struct tqueue_info *info);

void sender_close(struct sender *sender);

/* What follows comes from another file, or, if that is NULL, the standard input. */
void sender_begin(struct sender *sender, const char *file);

/* Sends what was gathered; 0, or an exit status, and it has said why. */
int sender_flush(struct sender *sender);

/* Gathers a message. */
int sender_put(struct sender *sender, const char *data, size_t length,
	       const struct tqueue_send_options *options);

/* Sends what was gathered, then this message, or says that it is too long. */
int sender_put_alone(struct sender *sender, const char *data, size_t length,
		     const struct tqueue_send_options *options);

/* Why the next item cannot be sent, and how many were before; the exit status. */
int sender_fail(const struct sender *sender, int error);

/* The same for one that is wrong by itself. */
int sender_refuse(struct sender *sender, const char *wrong);

#endif /* SENDER_H */
