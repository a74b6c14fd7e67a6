/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Sending messages to a queue.  They are collected in a batch, which is sent when it is
 * full or when the caller asks for it.
 */
#ifndef SENDER_H
#define SENDER_H

#include <stdint.h>
#include <tqueue.h>

/**
 * struct sender - a queue that is sent to
 * @name: its name
 * @fd: the queue
 * @timeout: how long to wait for room
 * @batch: messages that have not been sent
 * @room: memory of @batch
 * @longest: the most bytes of a message when the queue was opened
 * @sent: how many messages were sent
 * @skipped: how many were skipped because others have their keys
 * @several: there may be more than one message
 * @is_whole: all of a file is one message
 * @what: what an item of the input is called: "line"
 * @file: the file that is read; NULL for standard input or arguments
 * @before: how many items were done before @file was begun
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

/* Opens the queue.  Returns 0, or an exit status after reporting the error. */
int sender_open(struct sender *sender, const char *name, uint64_t timeout,
		struct tqueue_info *info);

void sender_close(struct sender *sender);

/* The next items come from another file or, if that is NULL, standard input. */
void sender_begin(struct sender *sender, const char *file);

/* Sends the batch.  Returns 0, or an exit status after reporting the error. */
int sender_flush(struct sender *sender);

/* Adds a message. */
int sender_put(struct sender *sender, const char *data, size_t length,
	       const struct tqueue_send_options *options);

/* Sends the batch and then this message, or reports that it is too long. */
int sender_put_alone(struct sender *sender, const char *data, size_t length,
		     const struct tqueue_send_options *options);

/*
 * Reports why the next item cannot be sent, and how many were sent before.  Returns the
 * exit status.
 */
int sender_fail(const struct sender *sender, int error);

/* The same for an item that is invalid. */
int sender_refuse(struct sender *sender, const char *wrong);

#endif /* SENDER_H */
